"""What an `--input` of a Redis Stream may say, and how it is refused: a line that names the place and no secret."""

from __future__ import annotations

import pytest

from pipeline.model.errors import UsageError
from pipeline.sources.redis_url import StreamUrl


def test_group_and_consumer_have_names_that_last() -> None:
    url = StreamUrl.parse("redis://h:1/0?stream=s")
    assert (url.stream, url.group, url.consumer, url.trim) == ("s", "daycount", "daycount", False)
    assert url.server == "redis://h:1/0"


def test_everything_can_be_said() -> None:
    url = StreamUrl.parse("rediss://u:p@h/3?group=g&stream=a%20b&ssl_cert_reqs=none&consumer=c&trim=1")
    assert (url.stream, url.group, url.consumer, url.trim) == ("a b", "g", "c", True)
    assert url.server == "rediss://u:p@h/3?ssl_cert_reqs=none"


def test_it_is_shown_without_its_password() -> None:
    assert str(StreamUrl.parse("redis://user:secret@h:7/0?stream=s")) == "stream s of Redis at h:7"


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("", "name the stream"),
        ("?stream=", "name the stream"),
        ("?steam=s", "name the stream"),
        ("?stream=a&stream=b", "may each be said once"),
        ("?stream=a&group=g&group=h", "may each be said once"),
        ("?stream=a&group=", "group= says nothing"),
        ("?stream=a&consumer=", "consumer= says nothing"),
        ("?stream=a&trim=yes", "write trim=1"),
    ],
)
def test_what_is_missing_or_no_choice_is_refused(query: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as refused:
        StreamUrl.parse(f"redis://user:secret@h:7/0{query}")
    assert "h:7" in str(refused.value) and "secret" not in str(refused.value)


def test_a_url_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="the URL is wrong"):
        StreamUrl.parse("redis://[h/0?stream=s")

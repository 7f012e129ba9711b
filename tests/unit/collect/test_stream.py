"""The stream in a real Redis: an entry per record, all of a turn or none, and errors that name the server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from pipeline.collect.hand_over import HandOverError, Place, open_place
from pipeline.collect.records import Batch
from pipeline.model.errors import UsageError


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as connected:
        yield connected


@pytest.fixture
def place(redis_url: str) -> Iterator[Place]:
    opened = open_place(f"{redis_url}?stream=events")
    yield opened
    opened.close()


def test_a_record_is_an_entry_with_its_bytes_and_account(place: Place, client: redis.Redis):
    place.hand_over([Batch("acme", [b'{"a":1}', b'{"a":"\xff"}']), Batch("zeta", [b"{}"])])
    entries = [fields for _, fields in client.xrange("events")]
    assert entries == [
        {b"data": b'{"a":1}', b"account": b"acme"},
        {b"data": b'{"a":"\xff"}', b"account": b"acme"},
        {b"data": b"{}", b"account": b"zeta"},
    ]


def test_a_server_that_has_no_room_takes_all_or_nothing_and_goes_on_later(place: Place, client: redis.Redis):
    client.config_set("maxmemory", 1)
    try:
        with pytest.raises(HandOverError, match=r"127\.0\.0\.1:\d+ .*memory"):
            place.hand_over([Batch("acme", [b"{}"] * 100)])
        assert client.xlen("events") == 0
    finally:
        client.config_set("maxmemory", 0)
    place.hand_over([Batch("acme", [b"{}"] * 100)])
    assert client.xlen("events") == 100


def test_a_key_that_is_no_stream_is_refused(redis_url: str, client: redis.Redis):
    client.set("taken", "text")
    with pytest.raises(UsageError, match="taken"):
        open_place(f"{redis_url}?stream=taken")


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("redis://127.0.0.1:1/0?stream=events", "127.0.0.1:1"),
        ("redis://127.0.0.1:6379/0", "stream=NAME"),
        ("redis://127.0.0.1:6379/0?stream=", "stream=NAME"),
        ("redis://127.0.0.1:6379/0?stream=a&stream=b", "stream=NAME"),
        ("redis://u:secret@127.0.0.1:1/x?stream=events", "redis://HOST:PORT/DB"),
    ],
)
def test_a_wrong_url_is_refused_without_repeating_its_password(url: str, word: str):
    with pytest.raises(UsageError, match=word) as refused:
        open_place(url)
    assert "secret" not in str(refused.value)

"""A consumer group asked how far everything is acknowledged, while its entries are given out."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest

from pipeline.sources.redis_group import Group
from pipeline.sources.redis_url import StreamUrl
from tests.support.redis_feed import STREAM, RedisFeed


@pytest.mark.parametrize("before", ["xpending", "xinfo_groups"])
def test_what_is_given_out_while_it_is_asked_is_not_taken_for_acknowledged(
    feed: RedisFeed, before: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Group(StreamUrl.parse(feed.url))) as group, closing(Group(StreamUrl.parse(feed.url))) as other:
        group.make()
        entry = feed.client.xadd(STREAM, {"data": b"{}"})
        real: Any = getattr(group._client, before)

        def meanwhile(*given: Any) -> Any:
            assert len(other.new(10)) <= 1
            return real(*given)

        monkeypatch.setattr(group._client, before, meanwhile)
        added_s = int(entry.split(b"-")[0]) / 1000
        assert group.acknowledged_until() <= added_s
        group.acknowledge([entry])
        assert group.acknowledged_until() >= added_s

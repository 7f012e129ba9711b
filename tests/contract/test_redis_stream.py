"""A Redis Stream behind the source's contract, read in both forms of the protocol."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.source_contract import SourceContract
from tests.support.redis_feed import RedisFeed


@pytest.fixture(params=["", "trim=1", "protocol=2"])
def feed(redis_url: str, request: pytest.FixtureRequest) -> Iterator[RedisFeed]:
    feed = RedisFeed(redis_url, request.param)
    yield feed
    feed.close()


class TestRedisStream(SourceContract):
    pass

"""A real Redis for these tests, and a stream in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.redis_feed import RedisFeed
from tests.support.redis_server import redis_server_url, redis_url

__all__ = ["redis_server_url", "redis_url"]


@pytest.fixture
def feed(redis_url: str) -> Iterator[RedisFeed]:
    feed = RedisFeed(redis_url)
    yield feed
    feed.close()

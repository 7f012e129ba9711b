"""A real Redis for these tests, and a client of it."""

from collections.abc import Iterator

import pytest
import redis

from tests.support.redis_server import redis_server_url, redis_url

__all__ = ["redis_server_url", "redis_url"]


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as connected:
        yield connected

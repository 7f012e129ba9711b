"""A real Redis for these tests, and a stream in it."""

from __future__ import annotations

from tests.support.redis_feed import feed
from tests.support.redis_server import redis_server_url, redis_url

__all__ = ["feed", "redis_server_url", "redis_url"]

"""Owns the real Redis server that tests run against: one per session, emptied for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from pipeline.embedded_redis import bundled_server, embedded_redis
from pipeline.model.errors import UsageError
from tests.support.missing import missing


def redis_binary() -> Path:
    """The server to test against: `redis-server` if it is installed, else the bundled one; without any, a skip."""
    installed = shutil.which("redis-server")
    if installed:
        return Path(installed)
    try:
        return bundled_server()
    except UsageError as error:
        missing(f"Redis: {error}")


@pytest.fixture(scope="session")
def redis_server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server for all tests of the session."""
    directory = tmp_path_factory.mktemp("redis")
    with embedded_redis(directory, binary=redis_binary(), durable=False) as url:
        yield url


@pytest.fixture
def redis_url(redis_server_url: str) -> str:
    """The URL of an empty Redis database."""
    with redis.Redis.from_url(redis_server_url) as client:
        client.flushall()
    return redis_server_url

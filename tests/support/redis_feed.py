"""Owns a stream of a real Redis for tests of its source: what a producer does, and a look behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import redis

from pipeline.sources.redis_stream import RedisStream
from pipeline.sources.source import Source
from tests.contract.source_contract import Feed

STREAM = "events"


class RedisFeed(Feed):
    """url: of an empty database. options: more of the source's URL, such as `trim=1`."""

    def __init__(self, url: str, options: str = "", **given: Any) -> None:
        self.client = redis.Redis.from_url(url)
        self.url = f"{url}?stream={STREAM}" + (f"&{options}" if options else "")
        self._given = given

    def send(self, *records: bytes, account: str | None = None) -> None:
        trusted = {} if account is None else {"account": account}
        self.add(*({"data": record, **trusted} for record in records))

    def add(self, *entries: dict[Any, Any]) -> None:
        """Entries with any fields."""
        with self.client.pipeline(transaction=False) as together:
            for fields in entries:
                together.xadd(STREAM, fields)
            together.execute()

    def open(self, follow: bool = True, more: str = "", **given: Any) -> Source:
        return RedisStream(self.url + more, follow=follow, **{**self._given, **given})

    def abandon(self, source: Source) -> None:
        assert isinstance(source, RedisStream)
        source._group.close()

    def pending(self, group: str = "daycount") -> int:
        """How many entries were given to a consumer and not acknowledged."""
        return int(self.client.xpending(STREAM, group)["pending"])

    def close(self) -> None:
        self.client.close()


@pytest.fixture
def feed(redis_url: str) -> Iterator[RedisFeed]:
    """A stream in the test's own database."""
    with closing(RedisFeed(redis_url)) as feed:
        yield feed

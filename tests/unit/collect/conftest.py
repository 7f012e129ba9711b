"""A collector in this process: places that keep what they are given, or fail; a client that posts to it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from pipeline.collect.app import Collector, create_app
from pipeline.collect.gather import Gather
from pipeline.collect.hand_over import HandOverError, Place
from pipeline.collect.records import Batch
from pipeline.collect.refusal import Refusal, unknown_sender
from pipeline.collect.room import Room
from pipeline.collect.senders import Senders
from pipeline.definitions.connection import DefinitionsUnavailable
from tests.support.http_client import TestClient
from tests.support.redis_server import redis_server_url, redis_url

__all__ = ["redis_server_url", "redis_url"]

NOW = datetime(2026, 10, 1, 12, 0, 0, 123456, tzinfo=UTC)
NOW_TEXT = "2026-10-01T12:00:00.123Z"
KEY = ("k-acme", "")  # HTTP Basic


class Shelf(Place):
    """Keeps what it is given. `failing`: says so instead; `gate`: waits for it first."""

    def __init__(self) -> None:
        self.turns: list[list[Batch]] = []
        self.failing = False
        self.broken = False
        self.gate: threading.Event | None = None
        self.closed = False

    def hand_over(self, batches: Sequence[Batch]) -> None:
        if self.gate is not None and not self.gate.wait(30):
            raise AssertionError("the gate was never opened")
        if self.broken:
            raise RuntimeError("a fault of ours")
        if self.failing:
            raise HandOverError("the shelf is full; make room")
        self.turns.append(list(batches))

    def check(self) -> None:
        if self.failing:
            raise HandOverError("the shelf is full; make room")

    def close(self) -> None:
        self.closed = True

    @property
    def records(self) -> list[tuple[str, bytes]]:
        return [(batch.account, record) for turn in self.turns for batch in turn for record in batch.records]

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(record) for _, record in self.records]


class Known(Senders):
    """Two keys, and a Redis that may be gone."""

    def __init__(self) -> None:
        self.gone = False

    async def account(self, write_key: str | None) -> str:
        if self.gone:
            raise DefinitionsUnavailable("Redis at r:6379 cannot be reached")
        if write_key == "k-reads":
            raise Refusal(403, "this API key only reads")
        if write_key not in ("k-acme", "k-zeta"):
            raise unknown_sender("this write key is not known")
        return write_key.removeprefix("k-")


@dataclass
class House:
    """The collector and how to post to it."""

    client: TestClient
    shelf: Shelf
    senders: Known
    room: Room

    def post(self, path: str, body: Any = None, **options: Any) -> Any:
        """body: bytes as they are, else JSON."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.client.post(path, content=content, **{"auth": KEY, **options})


@pytest.fixture
def house() -> Iterator[House]:
    shelf, senders, room = Shelf(), Known(), Room(8 * 1024 * 1024)
    collector = Collector(senders, shelf, Gather(shelf), lambda: NOW, room)
    with TestClient(create_app(collector)) as client:
        yield House(client, shelf, senders, room)
    assert shelf.closed
    assert room._free == 8 * 1024 * 1024, "all requests have given back what they held"

"""Owns read services that run as processes of their own, over a small store."""

from __future__ import annotations

import json
import re
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import redis

from pipeline.definitions.source import open_definitions
from pipeline.store.contract import Store
from pipeline.store.sqlite import SqliteStore
from tests.support.collecting import CollectorProcess
from tests.support.counters import Counters

COUNTRY, VARIATION = "context.location.country", "properties.variationName"
ORDERS = {
    "id": "big_orders",
    "description": "Orders of 499 and more",
    "where": {"event": "Order Completed", "properties.total": {"$gte": 499}},
    "measures": {
        "orders": {"aggregate": "count"},
        "buyers": {"aggregate": "count", "once_per": "visitor"},
        "daily": {"aggregate": "count", "once_per": "visitor_day"},
        "revenue": {"aggregate": "sum", "field": "properties.total"},
        "average": {"aggregate": "mean", "field": "properties.total"},
        "least": {"aggregate": "min", "field": "properties.total"},
    },
    "breakdowns": [COUNTRY, VARIATION],
}
DEFINITIONS = {"account": "acme", "settings": {"timezone": "Asia/Kolkata"}, "metrics": [ORDERS]}
QUERY = {"metrics": ["big_orders.orders"], "date_range": ["2026-10-01", "2026-10-02"], "dimensions": ["time:day"]}
ROWS = [{"dimensions": ["2026-10-01"], "metrics": [2]}, {"dimensions": ["2026-10-02"], "metrics": [0]}]


class ReaderProcess(CollectorProcess):
    """A running `daycount serve`."""

    name, greeting = "serve", "Daycount is serving on http://"

    @property
    def memory_mb(self) -> tuple[float, float]:
        """What its process holds now, and the most that it ever had."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        now, most = (int(re.findall(rf"{name}:\s+(\d+)", status)[0]) / 1024 for name in ("VmRSS", "VmHWM"))
        return now, most

    def connect(self, timeout_s: float = 60.0) -> socket.socket:
        return socket.create_connection(("127.0.0.1", int(self.port)), timeout=timeout_s)

    def exchange(self, sent: bytes) -> bytes:
        """What is answered on one connection, which is closed for sending when all is sent."""
        answer = b""
        with self.connect() as connection:
            try:
                connection.sendall(sent)
                connection.shutdown(socket.SHUT_WR)
            except TimeoutError:
                raise
            except OSError:  # it is cut off at the other end, which may have answered before
                pass
            with suppress(ConnectionError):
                while part := connection.recv(65536):
                    answer += part
        return answer


@contextmanager
def serving(*words: str, environment: dict[str, str] | None = None) -> Iterator[ReaderProcess]:
    """A read service on a free port."""
    start: Callable[[], None] | None = None
    reader = ReaderProcess([*words, *([] if "--port" in words else ["--port", "0"])], environment, start)
    try:
        yield reader
    finally:
        if reader.process.poll() is None:
            reader.end(signal.SIGKILL)


def write_small_store(folder: Path) -> tuple[str, str]:
    """A store with two orders on the 1st of October 2026: the URLs of it and of its definitions."""
    definitions = folder / "definitions.yaml"
    definitions.write_text(json.dumps(DEFINITIONS))
    with_numbers = SqliteStore(folder / "numbers.db")
    fill(with_numbers, str(definitions))
    with_numbers.close()
    return f"sqlite:///{folder}/numbers.db", str(definitions)


def fill(store: Store, definitions: str, orders: int = 2) -> None:
    """Orders of one day."""
    metric = open_definitions(definitions).read().accounts["acme"].metrics["big_orders"]
    counters = Counters(store)
    counters.seq = store.take(0)
    counters.day(metric, "2026-10-01", {"orders": orders, "revenue": "1846498.003"})
    for value in ("DE", "IN"):
        counters.day(metric, "2026-10-01", {"orders": 1}, breakdown=COUNTRY, value=value)


def put_definitions(url: str) -> None:
    """The same definitions, in the Redis at a URL."""
    with redis.Redis.from_url(url) as client:
        client.hset("definitions:acme", "settings", json.dumps(DEFINITIONS["settings"]))
        client.hset("definitions:acme", "metric:big_orders", json.dumps(ORDERS))

"""A serving process over a store that changes underneath: what is held becomes new, and never claims what it isn't."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from pipeline.definitions.source import open_definitions
from pipeline.model.definition import Metric
from pipeline.model.layout import META_COMPLETE
from pipeline.store import open_store
from pipeline.store.fixed import fix
from tests.support.counters import Counters
from tests.support.serving import DEFINITIONS, ReaderProcess, serving

DEADLINE_S = 120.0
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
ROUNDS = 25


class Writer:
    """Counts orders of today; the n-th is complete at second n."""

    def __init__(self, url: str, metric: Metric, day: str) -> None:
        self._store = open_store(url, create=True)
        fix(self._store, shards=1, default_shards=1, visitor_key=None)
        self._counters = Counters(self._store, seq=self._store.take(0))
        self._metric, self._day = metric, day

    def write(self, orders: int) -> None:
        self._counters.day(self._metric, self._day, {"orders": orders})
        self._store.put_meta(META_COMPLETE, {b"until": (BEGIN + timedelta(seconds=orders)).isoformat().encode()})

    def close(self) -> None:
        self._store.close()


@pytest.fixture(params=["sqlite", "bigtable"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/numbers.db"
    url: str = request.getfixturevalue("bigtable_url")
    return url


@pytest.fixture
def writer_and_reader(store_url: str, tmp_path: Path) -> Iterator[tuple[Writer, ReaderProcess, str]]:
    definitions, day = tmp_path / "definitions.json", f"{datetime.now(UTC):%Y-%m-%d}"
    definitions.write_text(json.dumps({**DEFINITIONS, "settings": {"timezone": "UTC"}}))
    metric = open_definitions(str(definitions)).read().accounts["acme"].metrics["big_orders"]
    writer = Writer(store_url, metric, day)
    writer.write(1)
    with serving("--store", store_url, "--definitions", str(definitions), "--no-auth") as reader:
        yield writer, reader, day
    writer.close()


def ask(reader: ReaderProcess, day: str) -> tuple[int, int]:
    """Orders, and how many are said to be complete."""
    body = {"metrics": ["big_orders.orders"], "date_range": [day, day]}
    answer: dict[str, Any] = httpx.post(f"http://127.0.0.1:{reader.port}/v1/query", json=body, timeout=60).json()
    until = datetime.fromisoformat(answer["meta"]["complete_until"])
    return answer["results"][0]["metrics"][0], int((until - BEGIN).total_seconds())


def test_what_is_counted_shows_and_no_answer_claims_more_than_its_numbers_show(
    writer_and_reader: tuple[Writer, ReaderProcess, str],
) -> None:
    writer, reader, day = writer_and_reader
    answers = [ask(reader, day)]
    for orders in range(2, ROUNDS):
        writer.write(orders)
        answers += [ask(reader, day) for _ in range(5)]
    end = time.monotonic() + DEADLINE_S
    while answers[-1] != (ROUNDS - 1, ROUNDS - 1) and time.monotonic() < end:
        answers.append(ask(reader, day))
    assert answers[0] == (1, 1) and answers[-1] == (ROUNDS - 1, ROUNDS - 1)
    assert all(orders >= complete for orders, complete in answers)


def test_who_has_the_answer_already_is_told_so(writer_and_reader: tuple[Writer, ReaderProcess, str]) -> None:
    _, reader, day = writer_and_reader
    url, query = f"http://127.0.0.1:{reader.port}/v1/query", {"metrics": ["big_orders.orders"], "date_range": [day, day]}
    first = httpx.post(url, json=query, timeout=60)
    again = httpx.post(url, json=query, headers={"If-None-Match": first.headers["etag"]}, timeout=60)
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")

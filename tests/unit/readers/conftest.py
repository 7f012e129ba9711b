"""A store with an account's counters, and a way to ask it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from pipeline.model.definition import AccountDefinitions, Measure, Metric, Settings, Snapshot
from pipeline.store.contract import Store
from pipeline.store.sqlite import SqliteStore
from readers.query import Answer, QueryError, run_query
from tests.support.counters import Counters

NOW = datetime(2026, 10, 31, 12, tzinfo=UTC)
VARIATION, COUNTRY = "properties.variationName", "context.location.country"


def metric(metric_id: str, *measures: Measure, breakdowns: tuple[str, ...] = (), revision: str = "1" * 16) -> Metric:
    return Metric(metric_id, {}, tuple(sorted(measures, key=lambda m: m.name)), breakdowns, "", revision, {})


ORDERS = metric(
    "big_orders",
    Measure("orders", "count"),
    Measure("buyers", "count", None, "visitor"),
    Measure("daily", "count", None, "visitor_day"),
    Measure("revenue", "sum", "properties.total"),
    Measure("average", "mean", "properties.total"),
    Measure("least", "min", "properties.total"),
    Measure("most", "max", "properties.total"),
    breakdowns=(COUNTRY, VARIATION),
)
VISITS = metric("visits", Measure("views", "count"), breakdowns=(VARIATION,))


@dataclass
class Desk:
    """Asks queries of one store. `timezone` is the account's."""

    store: Store
    counters: Counters
    timezone: str = "UTC"
    now: datetime = NOW
    metrics: tuple[Metric, ...] = (ORDERS, VISITS)

    def definitions(self) -> Snapshot:
        return Snapshot.of([AccountDefinitions.of("acme", Settings(timezone=self.timezone), self.metrics)])

    def answer(self, metrics: list[str] | str = "big_orders.orders", date_range: Any = "30d", **body: Any) -> Answer:
        named = [metrics] if isinstance(metrics, str) else metrics
        query = {"metrics": named, "date_range": date_range, **body}
        return run_query(self.store, self.definitions(), "acme", query, self.now)

    def ask(self, *args: Any, **body: Any) -> dict[str, Any]:
        found: dict[str, Any] = orjson.loads(self.answer(*args, **body).to_json())
        return found

    def rows(self, *args: Any, **body: Any) -> list[list[Any]]:
        return [[*row["dimensions"], *row["metrics"]] for row in self.ask(*args, **body)["results"]]

    def refusal(self, *args: Any, **body: Any) -> tuple[str, str]:
        with pytest.raises(QueryError) as caught:
            self.answer(*args, **body)
        return caught.value.pointer, caught.value.detail


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    store = SqliteStore(tmp_path / "numbers.db")
    yield Desk(store, Counters(store))
    store.close()

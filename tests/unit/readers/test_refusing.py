"""What can't be asked is refused with the place and the cure."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Any

import pytest

from pipeline.model.definition import Snapshot
from pipeline.model.layout import DAY, day_range
from pipeline.store.contract import Ranges, Rows
from pipeline.store.sqlite import SqliteStore
from readers.query import QueryError, run_query
from tests.unit.readers.conftest import COUNTRY, NOW, ORDERS, VARIATION, Desk


@pytest.mark.parametrize(
    ("body", "pointer", "word"),
    [
        ([], "", "JSON object"),
        ({}, "/metrics", "missing"),
        ({"metrics": ["big_orders.orders"]}, "/date_range", "missing"),
        ({"metrics": [], "date_range": "7d"}, "/metrics", "empty"),
        ({"metrics": "big_orders.orders", "date_range": "7d"}, "/metrics", "list"),
        ({"metrics": [7], "date_range": "7d"}, "/metrics/0", "string"),
        ({"metric": [], "a/b": 1}, "/metric", "unknown field"),
        ({"a/b~": 1}, "/a~1b~0", "unknown field"),
    ],
)
def test_a_malformed_body_is_refused(desk: Desk, body: Any, pointer: str, word: str) -> None:
    with pytest.raises(QueryError) as caught:
        run_query(desk.store, desk.definitions(), "acme", body, NOW)
    assert caught.value.pointer == pointer
    assert word in caught.value.detail


@pytest.mark.parametrize(
    ("body", "pointer", "word"),
    [
        ({"metrics": ["nope.orders"]}, "/metrics/0", "known metrics: big_orders, visits"),
        ({"metrics": ["big_orders.orders", "big_orders.nope"]}, "/metrics/1", "known measures: average, buyers"),
        ({"metrics": ["big_orders@0123.orders"]}, "/metrics/0", "revision"),
        ({"metrics": ["big_orders."]}, "/metrics/0", "no measure"),
        ({"metrics": ["big_orders", "big_orders.orders"]}, "/metrics/1", "twice"),
        ({"metrics": ["visits.views"] * 51}, "/metrics", "50"),
        ({"date_range": "fortnight"}, "/date_range", "90d"),
        ({"date_range": ["2026-10-02", "2026-10-01"]}, "/date_range", "after"),
        ({"date_range": ["2026-02-29", "2026-10-01"]}, "/date_range/0", "not a day"),
        ({"date_range": ["20261001", "2026-10-01"]}, "/date_range/0", "not a day"),
        ({"date_range": ["2026-10-01", "2026-W41-1"]}, "/date_range/1", "not a day"),
        ({"date_range": ["0001-01-01", "0001-01-01"]}, "/date_range/0", "not a day"),
        ({"date_range": ["2024-01-01", "2026-03-11"]}, "/date_range", "800"),
        ({"date_range": 7}, "/date_range", "pair"),
        ({"compare": "last_week"}, "/compare", "previous_period"),
        ({"compare": ["2020-01-01", "2026-01-01"]}, "/compare", "800"),
        ({"dimensions": ["time:minute"]}, "/dimensions/0", "time:hour"),
        ({"dimensions": ["time:day", "time:week"]}, "/dimensions", "dimensions can be"),
        ({"dimensions": [COUNTRY, "time:day"]}, "/dimensions", "dimensions can be"),
        ({"dimensions": [COUNTRY, VARIATION]}, "/dimensions", "dimensions can be"),
        ({"dimensions": ["time:day", "city"]}, "/dimensions/1", "it declares context.location.country"),
        ({"filters": [["is", "city", ["x"]]]}, "/filters/0/1", "no breakdown"),
        ({"filters": [["like", COUNTRY, ["x"]]]}, "/filters/0/0", "is_not"),
        ({"filters": [["is", COUNTRY, []]]}, "/filters/0/2", "1000"),
        ({"filters": [["is", COUNTRY, ["x"] * 1001]]}, "/filters/0/2", "1000"),
        ({"filters": [["is", COUNTRY, [None]]]}, "/filters/0/2/0", "breakdown value"),
        ({"filters": [["is", COUNTRY]]}, "/filters/0", "form"),
        ({"filters": {}}, "/filters", "list"),
        ({"dimensions": [COUNTRY], "filters": [["is", VARIATION, ["A"]]]}, "/filters/0/1", "can't be filtered"),
        ({"filters": [["is", COUNTRY, ["A"]], ["is", VARIATION, ["A"]]]}, "/filters/1/1", "can't be filtered"),
        ({"order_by": [["visits.views", "desc"]]}, "/order_by/0/0", "neither"),
        ({"order_by": [["time:day", "asc"]]}, "/order_by/0/0", "neither"),
        ({"order_by": [["big_orders.orders", "down"]]}, "/order_by/0", "asc or desc"),
        ({"limit": 0}, "/limit", "10000"),
        ({"limit": 10_001}, "/limit", "10000"),
        ({"limit": True}, "/limit", "whole number"),
        ({"offset": -1}, "/offset", "whole number"),
    ],
)
def test_a_query_that_cannot_be_answered_names_the_place(desk: Desk, body: dict[str, Any], pointer: str, word: str) -> None:
    query = {"metrics": ["big_orders.orders"], "date_range": "7d", **body}
    found, detail = desk.refusal(**query)
    assert found == pointer
    assert word in detail


@pytest.mark.parametrize(
    "name", ["big_orders@" + "1" * 5_000, "x" * 5_000 + "@0123", "x" * 5_000, "big_orders." + "x" * 5_000]
)
def test_names_longer_than_a_key_of_a_store_are_refused_unread(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for reads in ("read", "scan"):
        monkeypatch.delattr(SqliteStore, reads)
    pointer, detail = desk.refusal(name)
    assert pointer == "/metrics/0" and len(detail) < 300


def test_daily_uniques_over_more_than_a_day_are_refused(desk: Desk) -> None:
    for dimensions in ([], ["time:week"], ["time:month"], [COUNTRY]):
        pointer, detail = desk.refusal(["big_orders.orders", "big_orders.daily"], "7d", dimensions=dimensions)
        assert pointer == "/metrics/1"
        assert "time:day" in detail


def test_visitors_of_several_values_are_refused_without_that_dimension(desk: Desk) -> None:
    for filters in ([["is", COUNTRY, ["A", "B"]]], [["is_not", COUNTRY, ["A"]]]):
        pointer, detail = desk.refusal("big_orders.buyers", "7d", filters=filters)
        assert pointer == "/metrics/0"
        assert COUNTRY in detail


def test_a_whole_metric_leaves_out_what_cannot_be_answered(desk: Desk) -> None:
    answer = desk.ask("big_orders", "7d")
    named = ["average", "buyers", "least", "most", "orders", "revenue"]
    assert answer["query"]["metrics"] == [f"big_orders.{name}" for name in named]
    assert len(answer["results"][0]["metrics"]) == len(named)
    assert any("big_orders.daily is left out" in warning for warning in answer["meta"]["warnings"])
    by_day = desk.ask("big_orders", "7d", dimensions=["time:day"])
    assert "big_orders.daily" in by_day["query"]["metrics"] and not by_day["meta"]["warnings"]


def test_800_days_are_answered(desk: Desk) -> None:
    assert len(desk.rows(date_range=["2024-01-01", "2026-03-10"], dimensions=["time:day"])) == 800


def test_more_than_1000_breakdown_values_are_refused_and_can_be_filtered(desk: Desk) -> None:
    for i in range(1001):
        desk.counters.day(ORDERS, "2026-10-30", {"orders": 1}, breakdown=COUNTRY, value=f"v{i}")
    pointer, detail = desk.refusal(date_range="7d", dimensions=[COUNTRY])
    assert pointer == "/dimensions" and "1000 breakdown values" in detail
    assert desk.rows(date_range="7d", dimensions=[COUNTRY], filters=[["is", COUNTRY, ["v7"]]]) == [["v7", 1]]
    assert desk.rows(date_range="7d", filters=[["is_not", COUNTRY, ["v7"]]]) == [[1000]]
    one_less = {"date_range": "7d", "filters": [["is_not", COUNTRY, ["v7"]]]}
    assert len(desk.rows(**one_less, dimensions=[COUNTRY], limit=10_000)) == 1000
    pointer, detail = desk.refusal(**{**one_less, "date_range": "12mo"}, dimensions=["time:day", COUNTRY])
    assert pointer == "/dimensions" and "100000 rows" in detail


def test_an_account_without_definitions_is_named(desk: Desk) -> None:
    for definitions in (None, Snapshot.of([])):
        with pytest.raises(QueryError) as caught:
            run_query(desk.store, definitions, "acme", {"metrics": ["a.b"], "date_range": "7d"}, NOW)
        assert caught.value.pointer == "/account"


def test_a_query_that_would_read_too_much_is_refused_before_it_is_added_up(desk: Desk) -> None:
    desk.counters.day(ORDERS, "2026-10-30", {"orders": 1}, breakdown=COUNTRY, value="v")
    asked: list[int] = []

    class Wide(SqliteStore):
        def read(self, table: str, rows: Sequence[bytes], ranges: Ranges | None = None) -> Rows:
            asked.append(len(rows) if table == "counters" and ranges != [day_range(DAY, 0, 1, 31)] else 0)
            return {row: cells * 300_000 for row, cells in super().read(table, rows, ranges).items()}

    for day in ("2026-08-01", "2026-09-01"):
        desk.counters.day(ORDERS, day, {"orders": 1}, breakdown=COUNTRY, value="v")
    assert isinstance(desk.store, SqliteStore)
    with closing(Wide(desk.store.path)) as desk.store:
        pointer, detail = desk.refusal(date_range="90d", dimensions=[COUNTRY])
    assert pointer == "/date_range" and "500000" in detail
    assert 1 <= max(asked) <= 2  # of the wide rows

"""What a unit adds to the counters: measures, firsts and the notes on quality, by series, day and hour."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline.counters.slots import Slots
from pipeline.model.counter import QUALITY, measure_value
from pipeline.model.judged import Judged
from pipeline.model.layout import DAY, parse_counter_qualifier, unpack_totals
from pipeline.shard.plan import Held, Planner
from pipeline.store.sqlite import SqliteStore
from pipeline.visitors.known import Known
from tests.support.hits import ACCOUNT, event, snapshot_of, unit_of

MEASURES = {
    "n": {"aggregate": "count"},
    "sum": {"aggregate": "sum", "field": "properties.total"},
    "mean": {"aggregate": "mean", "field": "properties.total"},
    "least": {"aggregate": "min", "field": "properties.total"},
    "most": {"aggregate": "max", "field": "properties.total"},
    "first": {"aggregate": "count", "once_per": "visitor"},
    "first_sum": {"aggregate": "sum", "field": "properties.total", "once_per": "visitor"},
    "first_mean": {"aggregate": "mean", "field": "properties.total", "once_per": "visitor"},
    "daily_sum": {"aggregate": "sum", "field": "properties.total", "once_per": "visitor_day"},
}
SNAPSHOT = snapshot_of({"id": "all", "measures": MEASURES})
METRIC = Judged.of(SNAPSHOT.accounts[ACCOUNT]).metrics[0]


@pytest.fixture
def day(tmp_path: Path) -> Any:
    """Commits units of events one after the other; gives the totals of the 5th of January, notes on quality included."""
    store, held = SqliteStore(tmp_path / "numbers.db"), Held(0, Known(), Slots(0))

    def count(*units: list[dict[str, Any]]) -> dict[str, Any]:
        for events in units:
            plan = Planner(0, store, lambda _: frozenset(), 19_800, 7).plan(held, unit_of(SNAPSHOT, events))
            plan.accept(held, store.commit(0, held.seq, plan.cells))
        (cells,) = store.scan("counters", b"").values()
        for qualifier, value in cells:
            if parse_counter_qualifier(qualifier)[:3] == (DAY, 0, 5):
                totals = unpack_totals(value).tolist()
                numbers = {m.name: measure_value(METRIC.columns, totals, m) for m in METRIC.metric.measures}
                return numbers | dict(zip(QUALITY, totals[len(METRIC.columns) :], strict=True))
        raise AssertionError("nothing on that day")

    return count


def test_every_aggregate_of_every_event(day: Any) -> None:
    events = [event(f"m{i}", "ann", f"05T10:0{i}", total) for i, total in enumerate([2.5, -1, 0.1, 0.2])]
    found = day(events[:2], events[2:])
    assert (found["n"], found["sum"], found["mean"]) == (4, Decimal("1.8"), Decimal("0.45"))
    assert (found["least"], found["most"]) == (-1, Decimal("2.5"))


def test_an_event_without_a_number_counts_where_no_number_is_needed(day: Any) -> None:
    found = day([event("a", "ann", "05T10:00", "3"), event("b", "bob", "05T10:00", True), event("c", "cy", "05T10:00", 4)])
    assert (found["n"], found["sum"], found["mean"], found["least"]) == (3, 4, 4, 4)
    assert (found["first"], found["first_sum"], found["first_mean"]) == (3, 4, 4)
    assert found["no_number"] == 2


def test_a_first_is_decided_before_its_field_is_read(day: Any) -> None:
    found = day([event("a", "ann", "05T10:00", 4)], [event("b", "ann", "05T09:00", None)])
    assert (found["first"], found["first_sum"], found["first_mean"], found["daily_sum"]) == (1, 0, None, 0)


def test_negative_and_huge_amounts_are_given_and_taken_back_exactly(day: Any) -> None:
    found = day(
        [event("a", "ann", "05T10:00", -999999999999.999999)],
        [event("b", "ann", "05T09:00", 1e12), event("c", "bob", "05T09:00", -0.000001)],
    )
    assert found["first_sum"] == Decimal("999999999999.999999")


def test_notes_on_quality(day: Any) -> None:
    found = day([event("a", None, "05T10:00"), event("b", "ann", "05T10:00")], [event("b", "ann", "05T10:00")])
    assert {name: found[name] for name in QUALITY} == {"no_visitor": 1, "no_number": 0, "late": 2, "duplicates": 1}

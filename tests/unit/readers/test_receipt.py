"""What an answer says of the numbers it rests on."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from pipeline.model.definition import Measure, Metric
from pipeline.model.errors import StoreError
from pipeline.model.layout import META_COMPLETE, meta_history_row, meta_revision_row
from readers.query.names import REJECTS
from tests.unit.readers.conftest import COUNTRY, ORDERS, VISITS, Desk, metric

ODD = Measure("odd", "sum", "x")
OLD = metric("big_orders", Measure("orders", "count"), ODD, breakdowns=("old",), revision="0" * 16)
WEEK = ["2026-10-01", "2026-10-07"]


def keep_definition(desk: Desk, old: Metric, timezone: str = "UTC", since: str = "2026-09-01T00:00:00Z") -> None:
    document = {**old.document(), "revision": old.revision, "settings": {"timezone": timezone, "visitor": ["userId"]}}
    cells = {b"definition": orjson.dumps(document), b"since": since.encode()}
    desk.store.put_meta(meta_revision_row("acme", old.id, old.revision), cells)


def keep_history(desk: Desk, *entries: tuple[str, Metric | None]) -> None:
    cells = {at.encode(): (m.revision if m else "").encode() for at, m in entries}
    desk.store.put_meta(meta_history_row("acme", "big_orders"), cells)


def meta(desk: Desk, *args: Any, **body: Any) -> dict[str, Any]:
    found: dict[str, Any] = desk.ask(*args, **body)["meta"]
    return found


def test_revision_since_time_zone_and_completeness_are_named(desk: Desk) -> None:
    keep_definition(desk, ORDERS)
    desk.store.put_meta(META_COMPLETE, {b"until": b"2026-10-31T11:59:00Z"})
    found = meta(desk)
    assert found["metrics"] == {"big_orders": {"revision": ORDERS.revision, "since": "2026-09-01T00:00:00Z"}}
    assert found["complete_until"] == "2026-10-31T11:59:00Z"
    assert found["timezone"] == "UTC"
    assert found["warnings"] == []


def test_before_the_first_run_they_are_null(desk: Desk) -> None:
    found = meta(desk)
    assert found["metrics"] == {"big_orders": {"revision": ORDERS.revision, "since": None}}
    assert found["complete_until"] is None


def test_quality_is_added_up_over_the_range_and_the_metrics_asked(desk: Desk) -> None:
    for slot in range(2):
        desk.counters.day(ORDERS, "2026-10-02", {}, slot=slot, quality={"duplicates": 3, "no_visitor": 1, "late": 2})
    desk.counters.day(ORDERS, "2026-09-30", {}, quality={"duplicates": 100})
    desk.counters.day(VISITS, "2026-10-02", {}, quality={"duplicates": 1, "no_number": 5})
    desk.counters.day(REJECTS, "2026-10-03", {"rejected": 7})
    desk.counters.day(REJECTS, "2026-10-03", {"rejected": 7}, breakdown="reason", value="too_large")
    both = ["big_orders.orders", "big_orders.revenue", "visits.views"]
    expected = {"duplicates": 7, "rejected": 7, "no_visitor": 2, "late": 4, "no_number": 5}
    assert meta(desk, both, WEEK)["quality"] == expected
    assert meta(desk, both, WEEK, dimensions=["time:hour"])["quality"] == expected
    desk.counters.day(REJECTS, "2026-10-04", {}, quality={"no_visitor": 9})
    assert meta(desk, "_rejected.rejected", WEEK)["quality"]["no_visitor"] == 0
    assert meta(desk, both[:2], WEEK, dimensions=[COUNTRY])["quality"] == {**expected, "duplicates": 6, "no_number": 0}


def test_an_old_revision_is_read_by_its_own_definition(desk: Desk) -> None:
    keep_definition(desk, OLD)
    desk.counters.day(OLD, "2026-10-02", {"orders": 4, "odd": "0.5"})
    desk.counters.day(OLD, "2026-10-02", {"orders": 4}, breakdown="old", value="x")
    desk.counters.day(ORDERS, "2026-10-02", {"orders": 100})
    name = f"big_orders@{OLD.revision}"
    assert desk.rows([name], WEEK) == [[0.5, 4]]
    assert desk.rows([f"{name}.orders", "big_orders.orders"], WEEK) == [[4, 100]]
    assert desk.rows([f"{name}.orders"], WEEK, dimensions=["old"]) == [["x", 4]]
    assert set(meta(desk, [name, "big_orders.orders"], WEEK)["metrics"]) == {name, "big_orders"}


def test_the_current_revision_may_be_named_beside_the_current_metric(desk: Desk) -> None:
    desk.counters.day(ORDERS, "2026-10-02", {"orders": 100})
    assert desk.rows(["big_orders.orders", f"big_orders@{ORDERS.revision}.orders"], WEEK) == [[100, 100]]


def test_an_old_revision_can_be_read_when_its_metric_is_deleted(desk: Desk) -> None:
    keep_definition(desk, OLD)
    desk.metrics = ()
    assert desk.rows([f"big_orders@{OLD.revision}.orders"], WEEK) == [[0]]


def test_an_unknown_revision_names_those_that_are_stored(desk: Desk) -> None:
    keep_definition(desk, OLD)
    pointer, detail = desk.refusal("big_orders@abc.orders")
    assert pointer == "/metrics/0" and OLD.revision in detail


def test_revisions_of_different_time_zones_do_not_share_rows(desk: Desk) -> None:
    keep_definition(desk, OLD, timezone="Asia/Kolkata")
    name = f"big_orders@{OLD.revision}.orders"
    assert meta(desk, name)["timezone"] == "Asia/Kolkata"
    pointer, detail = desk.refusal(["big_orders.orders", name])
    assert pointer == "/metrics/1" and "Asia/Kolkata" in detail


def test_a_gap_in_which_another_definition_was_in_force_is_named(desk: Desk) -> None:
    keep_definition(desk, ORDERS)
    keep_history(desk, ("2026-09-01T00:00:00Z", ORDERS), ("2026-10-03T00:00:00Z", OLD), ("2026-10-05T00:00:00Z", ORDERS))
    found = meta(desk, date_range=WEEK)
    assert found["metrics"]["big_orders"]["gaps"] == [["2026-10-03T00:00:00Z", "2026-10-05T00:00:00Z"]]
    assert "2026-10-03T00:00:00Z until 2026-10-05T00:00:00Z" in found["warnings"][0]
    assert meta(desk, date_range=["2026-10-07", "2026-10-08"])["warnings"] == []


def test_a_deleted_and_replaced_metric_is_one_gap_that_may_still_be_open(desk: Desk) -> None:
    keep_definition(desk, OLD)
    keep_history(desk, ("2026-09-01T00:00:00Z", OLD), ("2026-10-03T00:00:00Z", None), ("2026-10-05T00:00:00Z", ORDERS))
    found = meta(desk, f"big_orders@{OLD.revision}.orders", WEEK)
    assert found["metrics"][f"big_orders@{OLD.revision}"]["gaps"] == [["2026-10-03T00:00:00Z", None]]
    assert "still is not" in found["warnings"][0]


def test_a_definition_that_changed_within_the_range_is_warned_of(desk: Desk) -> None:
    keep_definition(desk, ORDERS, since="2026-10-04T00:00:00Z")
    keep_history(desk, ("2026-09-01T00:00:00Z", OLD), ("2026-10-04T00:00:00Z", ORDERS))
    assert "defined otherwise before 2026-10-04" in meta(desk, date_range=WEEK)["warnings"][0]
    assert meta(desk, date_range=["2026-10-10", "2026-10-11"])["warnings"] == []


def test_a_new_metric_is_not_warned_of(desk: Desk) -> None:
    keep_definition(desk, ORDERS, since="2026-10-04T00:00:00Z")
    keep_history(desk, ("2026-10-04T00:00:00Z", ORDERS))
    assert meta(desk, date_range=WEEK)["warnings"] == []


def test_a_stored_definition_that_is_broken_is_the_store_s_fault(desk: Desk) -> None:
    desk.store.put_meta(meta_revision_row("acme", "big_orders", "abc"), {b"definition": b"{}"})
    with pytest.raises(StoreError, match="unreadable"):
        desk.answer("big_orders@abc.orders")


def test_the_query_is_echoed_with_its_days_and_defaults(desk: Desk) -> None:
    filters = [["is", COUNTRY, [1]]]
    assert desk.ask("visits", "7d", dimensions=["time:day"])["query"] == {
        "account": "acme",
        "metrics": ["visits.views"],
        "date_range": ["2026-10-25", "2026-10-31"],
        "dimensions": ["time:day"],
        "filters": [],
        "order_by": [],
        "limit": 1000,
        "offset": 0,
    }
    again = desk.ask(filters=filters)["query"]
    assert again["filters"] == [["is", COUNTRY, ["1"]]]
    again.pop("account")
    assert desk.ask(**again)["query"] == {**again, "account": "acme"}

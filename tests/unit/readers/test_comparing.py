"""What a range is compared with, and the change."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from readers.query.rows import change
from tests.unit.readers.conftest import COUNTRY, ORDERS, Desk


def compared(desk: Desk, **body: Any) -> list[list[Any]]:
    results = desk.ask(**body)["results"]
    return [[*row["dimensions"], *row["metrics"], *row["comparison"]["metrics"]] for row in results]


def test_the_contract_s_example_of_changes() -> None:
    assert change(10, 12) == Decimal("0.2")
    assert change(Decimal(3999), Decimal("4210.5")) == Decimal("0.0529")


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (0, 5, None),
        (None, 5, None),
        (5, None, None),
        (5, 0, Decimal(-1)),
        (-10, -5, Decimal("0.5")),
        (3, 4, Decimal("0.3333")),
    ],
)
def test_change_is_relative_to_the_size_before(before: int | None, now: int | None, expected: Decimal | None) -> None:
    assert change(before, now) == expected


def test_the_previous_period_is_as_many_days_just_before(desk: Desk) -> None:
    for day, orders in (("2026-09-29", 1), ("2026-09-30", 2), ("2026-10-01", 3), ("2026-10-02", 4), ("2026-09-28", 99)):
        desk.counters.day(ORDERS, day, {"orders": orders})
    asked = {"date_range": ["2026-10-01", "2026-10-02"], "compare": "previous_period"}
    answer = desk.ask(**asked)
    assert answer["query"]["compare"] == ["2026-09-29", "2026-09-30"]
    assert answer["results"] == [{"dimensions": [], "metrics": [7], "comparison": {"metrics": [3], "change": [1.3333]}}]
    assert compared(desk, **asked, dimensions=["time:day"]) == [["2026-10-01", 3, 1], ["2026-10-02", 4, 2]]


def test_a_leap_day_is_compared_with_the_28th(desk: Desk) -> None:
    desk.counters.day(ORDERS, "2027-02-28", {"orders": 28})
    desk.counters.day(ORDERS, "2027-03-01", {"orders": 1})
    asked = {"date_range": ["2028-02-28", "2028-03-01"], "compare": "previous_year"}
    assert compared(desk, **asked, dimensions=["time:day"]) == [
        ["2028-02-28", 0, 28],
        ["2028-02-29", 0, 28],
        ["2028-03-01", 0, 1],
    ]
    assert compared(desk, **asked) == [[0, 29]]
    assert desk.ask(**asked)["query"]["compare"] == ["2027-02-28", "2027-03-01"]
    on_the_29th = {"date_range": ["2028-02-29", "2028-02-29"], "compare": "previous_year"}
    assert compared(desk, **on_the_29th) == [[0, 28]]


def test_a_week_cut_short_is_compared_with_as_many_days(desk: Desk) -> None:
    for day in range(1, 32):
        desk.counters.day(ORDERS, f"2026-10-{day:02d}", {"orders": day})
    body = {"date_range": ["2026-10-17", "2026-10-23"], "compare": "previous_period", "dimensions": ["time:week"]}
    assert compared(desk, **body) == [["2026-10-17", 35, 21], ["2026-10-19", 105, 70]]


def test_a_shorter_comparison_leaves_the_last_rows_without_numbers(desk: Desk) -> None:
    desk.counters.day(ORDERS, "2026-09-01", {"orders": 5})
    body = {"date_range": ["2026-10-01", "2026-10-02"], "compare": ["2026-09-01", "2026-09-01"]}
    assert compared(desk, **body, dimensions=["time:day"]) == [["2026-10-01", 0, 5], ["2026-10-02", 0, None]]
    assert compared(desk, **body) == [[0, 5]]


def test_breakdown_values_are_compared_with_themselves(desk: Desk) -> None:
    desk.counters.day(ORDERS, "2026-10-02", {"orders": 5}, breakdown=COUNTRY, value="DE")
    desk.counters.day(ORDERS, "2026-10-02", {"orders": 4}, breakdown=COUNTRY, value="FR")
    desk.counters.day(ORDERS, "2026-10-01", {"orders": 2}, breakdown=COUNTRY, value="DE")
    desk.counters.day(ORDERS, "2026-10-01", {"orders": 2}, breakdown=COUNTRY, value="IN")
    body = {"date_range": ["2026-10-02", "2026-10-02"], "compare": "previous_period", "dimensions": [COUNTRY]}
    assert compared(desk, **body) == [["DE", 5, 2], ["FR", 4, 0]]


def test_hours_are_compared_with_the_same_hour_of_the_clock(desk: Desk) -> None:
    desk.timezone = "Europe/Berlin"
    desk.counters.hours(ORDERS, "2026-10-24", {2: {"orders": 1}, 23: {"orders": 2}})
    desk.counters.hours(ORDERS, "2026-10-25", {47: {"orders": 3}})
    body = {"date_range": ["2026-10-25", "2026-10-25"], "compare": "previous_period", "dimensions": ["time:hour"]}
    rows = compared(desk, **body)
    assert rows[2] == ["2026-10-25T02:00:00+02:00", 0, 1]
    assert rows[3] == ["2026-10-25T02:00:00+01:00", 0, None]
    assert rows[24] == ["2026-10-25T23:00:00+01:00", 3, 2]


def test_daily_uniques_are_refused_where_the_comparison_is_longer_than_a_day(desk: Desk) -> None:
    day = ["2026-10-02", "2026-10-02"]
    pointer, detail = desk.refusal("big_orders.daily", day, compare=["2026-09-01", "2026-09-02"])
    assert pointer == "/metrics/0" and "visitor_day" in detail

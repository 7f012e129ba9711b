"""Ranges, days, weeks, months and hours, in the account's time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from pipeline.model.calendar import Calendar
from pipeline.model.layout import HOURS_PER_DAY
from readers.query.dates import Span, parse_span
from readers.query.hours import hours_of
from tests.unit.readers.conftest import ORDERS, Desk


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("day", "2026-03-01"),
        ("7d", "2026-02-23"),
        ("30d", "2026-01-31"),
        ("90d", "2025-12-02"),
        ("month", "2026-03-01"),
        ("12mo", "2025-04-01"),
    ],
)
def test_named_ranges_end_today(name: str, first: str) -> None:
    today = date(2026, 3, 1)
    assert parse_span(name, today) == Span(date.fromisoformat(first), today)


@pytest.mark.parametrize("month", range(1, 13))
@pytest.mark.parametrize("day", [1, 28])
def test_twelve_months_are_this_one_and_the_eleven_before(month: int, day: int) -> None:
    first = parse_span("12mo", date(2028, month, day)).first
    assert first.day == 1
    assert (2028 * 12 + month) - (first.year * 12 + first.month) == 11


def test_today_is_the_day_of_the_account_s_time_zone(desk: Desk) -> None:
    desk.now = datetime(2026, 10, 31, 20, tzinfo=UTC)
    desk.timezone = "Asia/Kolkata"
    assert desk.ask(date_range="day")["query"]["date_range"] == ["2026-11-01", "2026-11-01"]


def test_all_begins_at_the_first_day_that_has_anything(desk: Desk) -> None:
    desk.counters.day(ORDERS, "2026-01-01", {})
    desk.counters.day(ORDERS, "2026-02-03", {"orders": 1})
    desk.counters.day(ORDERS, "2026-03-03", {"orders": 1})
    answer = desk.ask(date_range="all")
    assert answer["query"]["date_range"] == ["2026-02-03", "2026-10-31"]
    assert answer["results"][0]["metrics"] == [2]


def test_all_says_where_it_does_not_reach_the_first_days(desk: Desk) -> None:
    desk.counters.day(ORDERS, "2024-08-23", {"orders": 1})  # the 800th day before today
    assert desk.ask(date_range="all")["meta"]["warnings"] == []
    desk.counters.day(ORDERS, "2024-08-22", {"orders": 1})
    answer = desk.ask(date_range="all")
    assert answer["query"]["date_range"] == ["2024-08-23", "2026-10-31"]
    warning = "there are numbers of days before 2024-08-23, which the 800 days one query may span don't reach"
    assert answer["meta"]["warnings"] == [warning]


def test_all_of_nothing_is_today(desk: Desk) -> None:
    assert desk.ask(date_range="all")["query"]["date_range"] == ["2026-10-31", "2026-10-31"]


def test_weeks_begin_on_monday_and_are_cut_to_the_range(desk: Desk) -> None:
    for day in range(1, 32):
        desk.counters.day(ORDERS, f"2026-10-{day:02d}", {"orders": 1})
    rows = desk.rows(date_range=["2026-10-03", "2026-10-20"], dimensions=["time:week"])
    assert rows == [["2026-10-03", 2], ["2026-10-05", 7], ["2026-10-12", 7], ["2026-10-19", 2]]


def test_months_are_named_by_their_first_day_and_cut_to_the_range(desk: Desk) -> None:
    for day in ("2026-08-14", "2026-08-15", "2026-10-10", "2026-10-11"):
        desk.counters.day(ORDERS, day, {"orders": 1})
    rows = desk.rows(date_range=["2026-08-15", "2026-10-10"], dimensions=["time:month"])
    assert rows == [["2026-08-01", 1], ["2026-09-01", 0], ["2026-10-01", 1]]


def test_hours_carry_their_offset(desk: Desk) -> None:
    desk.timezone = "Asia/Kolkata"
    desk.counters.hours(ORDERS, "2026-10-02", {0: {"orders": 1}, 23: {"orders": 2}}, slot=1)
    desk.counters.hours(ORDERS, "2026-10-02", {23: {"orders": 2}}, slot=2)
    rows = desk.rows(date_range=["2026-10-02", "2026-10-02"], dimensions=["time:hour"])
    assert len(rows) == 24
    assert rows[0] == ["2026-10-02T00:00:00+05:30", 1]
    assert rows[23] == ["2026-10-02T23:00:00+05:30", 4]
    assert sum(row[1] for row in rows) == 5


def test_a_day_of_25_hours_has_25_and_tells_the_two_apart(desk: Desk) -> None:
    desk.timezone = "Europe/Berlin"
    desk.counters.hours(ORDERS, "2026-10-25", {2: {"orders": 1}, 26: {"orders": 10}, 47: {"orders": 100}})
    rows = desk.rows(date_range=["2026-10-25", "2026-10-25"], dimensions=["time:hour"])
    assert len(rows) == 25
    assert rows[2:5] == [
        ["2026-10-25T02:00:00+02:00", 1],
        ["2026-10-25T02:00:00+01:00", 10],
        ["2026-10-25T03:00:00+01:00", 0],
    ]
    assert rows[24] == ["2026-10-25T23:00:00+01:00", 100]


def test_a_day_of_23_hours_has_23(desk: Desk) -> None:
    desk.timezone = "Europe/Berlin"
    desk.counters.hours(ORDERS, "2026-03-29", {1: {"orders": 1}, 27: {"orders": 10}})
    rows = desk.rows(date_range=["2026-03-28", "2026-03-29"], dimensions=["time:hour"])
    assert len(rows) == 24 + 23
    assert rows[25:27] == [["2026-03-29T01:00:00+01:00", 1], ["2026-03-29T03:00:00+02:00", 10]]


def test_an_hour_of_another_time_zone_table_is_not_lost(desk: Desk) -> None:
    desk.counters.hours(ORDERS, "2026-10-02", {30: {"orders": 1}, 6: {"orders": 1}})
    rows = desk.rows(date_range=["2026-10-02", "2026-10-02"], dimensions=["time:hour"])
    assert rows[6] == ["2026-10-02T06:00:00+00:00", 2]


def test_a_clock_change_of_half_an_hour_makes_a_half_hour() -> None:
    zone = ZoneInfo("Australia/Lord_Howe")
    back = [hour.label for hour in hours_of(date(2026, 4, 5), zone)]
    half_past = ("00:00:00+11:00", "01:00:00+11:00", "01:30:00+10:30", "02:00:00+10:30")
    assert back[:4] == [f"2026-04-05T{t}" for t in half_past]
    assert len(back) == 25
    ahead = [hour.label for hour in hours_of(date(2026, 10, 4), zone)]
    assert ahead[1:4] == [f"2026-10-04T{t}" for t in ("01:00:00+10:30", "02:30:00+11:00", "03:00:00+11:00")]
    assert len(ahead) == 24


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Australia/Lord_Howe", "America/Santiago", "America/Havana", "UTC"])
def test_hours_are_where_the_write_side_counts_them(zone: str) -> None:
    calendar = Calendar(zone)
    for ordinal in range(date(2026, 1, 1).toordinal(), date(2027, 1, 1).toordinal()):
        day = date.fromordinal(ordinal)
        for hour in hours_of(day, ZoneInfo(zone)):
            when, _ = calendar.when(np.array([int(hour.start.timestamp()) * 10**9]))
            assert int(when[0]) == (ordinal - date(1970, 1, 1).toordinal()) * HOURS_PER_DAY + hour.index, hour.label


def test_a_day_that_a_zone_skipped_has_no_hours(desk: Desk) -> None:
    desk.timezone = "Pacific/Apia"
    rows = desk.rows(date_range=["2011-12-29", "2011-12-31"], dimensions=["time:hour"])
    assert {row[0][:10] for row in rows} == {"2011-12-29", "2011-12-31"}


def test_hours_in_which_nothing_happened_have_no_least_and_most(desk: Desk) -> None:
    desk.counters.hours(ORDERS, "2026-10-02", {3: {"least": "5", "most": "-5"}, 6: {"least": "7", "most": "7"}})
    desk.counters.hours(ORDERS, "2026-10-02", {4: {"least": "8", "most": "8"}}, slot=1)
    day = ["2026-10-02", "2026-10-02"]
    rows = desk.rows(["big_orders.least", "big_orders.most"], day, dimensions=["time:hour"])
    assert [row[1:] for row in rows[2:8]] == [[None] * 2, [5, -5], [8, 8], [None] * 2, [7, 7], [None] * 2]


def test_daily_uniques_are_answered_by_the_hour_and_for_one_day(desk: Desk) -> None:
    desk.counters.day(ORDERS, "2026-10-02", {"daily": 4})
    desk.counters.hours(ORDERS, "2026-10-02", {3: {"daily": 4}})
    assert desk.rows("big_orders.daily", ["2026-10-02", "2026-10-02"]) == [[4]]
    rows = desk.rows("big_orders.daily", ["2026-10-01", "2026-10-02"], dimensions=["time:hour"])
    assert sum(row[1] for row in rows) == 4

"""When an event counts: clocks that run ahead, offsets and precisions, time zones and changes of the clocks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.model.rejects import RejectReason
from tests.support.daycount import Shop, named, write_definitions, write_lines
from tests.support.records import ORDERS, order
from tests.support.small_runs import SmallRun


def run_in(tmp_path: Path, timezone: str, *records: Any) -> SmallRun:
    run = SmallRun(f"sqlite:///{tmp_path}/n.db", write_definitions(tmp_path / "d.yaml", ORDERS, timezone=timezone))
    run.run(write_lines(tmp_path / "in.jsonl", records))
    return run


def days(run: SmallRun, first: str, last: str) -> dict[str, int]:
    """The days with orders, and how many."""
    rows = named(run.query("orders.n", from_=first, to=last, dimensions="time:day"))
    return {day: row["orders.n"] for (day,), row in rows.items() if row["orders.n"]}


def hours(run: SmallRun, day: str) -> dict[str, int]:
    rows = named(run.query("orders.n", from_=day, to=day, dimensions="time:hour"))
    return {hour: row["orders.n"] for (hour,), row in rows.items()}


def at(*timestamps: str) -> list[dict[str, Any]]:
    return [order(messageId=f"m{n}", timestamp=text) for n, text in enumerate(timestamps)]


def test_every_form_of_a_timestamp_is_the_same_instant(tmp_path: Path) -> None:
    forms = [
        "2026-10-01T23:30:00Z",
        "2026-10-01t23:30:00z",
        "2026-10-01 23:30:00Z",
        "2026-10-01T23:30:00.000Z",
        "2026-10-01T23:30:00.0Z",
        "2026-10-01T23:30:00.123456789Z",
        "2026-10-01T23:30:00.12345678901234Z",
        "2026-10-02T05:00:00+05:30",
        "2026-10-01T16:30:00.000-07:00",
        "2026-10-02T01:30:00.5+02:00",
        "2026-10-01T23:30:00+00:00",
        "2026-10-01T23:30:00-00:00",
    ]
    assert days(run_in(tmp_path, "UTC", *at(*forms)), "2026-09-30", "2026-10-03") == {"2026-10-01": len(forms)}


def test_a_day_begins_and_ends_at_the_accounts_midnight(tmp_path: Path) -> None:
    edges = at("2026-09-30T18:29:59.999Z", "2026-09-30T18:30:00Z", "2026-10-01T18:29:59.999999Z", "2026-10-01T18:30:00Z")
    run = run_in(tmp_path, "Asia/Kolkata", *edges)
    assert days(run, "2026-09-29", "2026-10-03") == {"2026-09-30": 1, "2026-10-01": 2, "2026-10-02": 1}
    assert {hour: n for hour, n in hours(run, "2026-10-01").items() if n} == {
        "2026-10-01T00:00:00+05:30": 1,
        "2026-10-01T23:00:00+05:30": 1,
    }


def test_a_day_of_25_hours_has_both_of_its_two_oclocks(tmp_path: Path) -> None:
    run = run_in(
        tmp_path,
        "Europe/Berlin",
        *at("2025-10-25T22:00:00Z", "2025-10-26T00:30:00Z", "2025-10-26T00:59:59Z", "2025-10-26T01:00:00Z"),
        *[order(messageId=f"n{n}", timestamp=t) for n, t in enumerate(["2025-10-26T22:59:59Z", "2025-10-26T23:00:00Z"])],
    )
    assert days(run, "2025-10-24", "2025-10-28") == {"2025-10-26": 5, "2025-10-27": 1}
    of_day = hours(run, "2025-10-26")
    assert len(of_day) == 25
    assert {hour: n for hour, n in of_day.items() if n} == {
        "2025-10-26T00:00:00+02:00": 1,
        "2025-10-26T02:00:00+02:00": 2,
        "2025-10-26T02:00:00+01:00": 1,
        "2025-10-26T23:00:00+01:00": 1,
    }


def test_a_day_of_23_hours_leaves_one_out(tmp_path: Path) -> None:
    run = run_in(tmp_path, "Europe/Berlin", *at("2026-03-29T00:59:59Z", "2026-03-29T01:00:00Z", "2026-03-29T21:59:59Z"))
    of_day = hours(run, "2026-03-29")
    assert len(of_day) == 23
    assert [hour[11:16] for hour, n in of_day.items() if n] == ["01:00", "03:00", "23:00"]


@pytest.mark.parametrize(
    ("timezone", "timestamp", "day"),
    [
        ("Australia/Lord_Howe", "2026-04-04T14:45:00Z", "2026-04-05"),  # the clocks change by half an hour
        ("Pacific/Kiritimati", "2026-10-01T10:00:00Z", "2026-10-02"),
        ("Pacific/Pago_Pago", "2026-10-01T10:59:59Z", "2026-09-30"),
        ("Asia/Kathmandu", "2026-09-30T18:15:00Z", "2026-10-01"),
        ("America/Sao_Paulo", "2018-11-04T02:59:59Z", "2018-11-03"),  # midnight itself was left out
        ("America/Sao_Paulo", "2018-11-04T03:00:00Z", "2018-11-04"),
        ("UTC", "1969-12-31T23:59:59.999Z", "1969-12-31"),
        ("Europe/Berlin", "1969-12-31T23:00:00Z", "1970-01-01"),
        ("UTC", "2016-12-31T23:59:60Z", "2017-01-01"),  # a leap second is the next minute's first
        ("UTC", "2024-02-29T12:00:00Z", "2024-02-29"),
    ],
)
def test_days_of_zones_that_are_unlike_most(tmp_path: Path, timezone: str, timestamp: str, day: str) -> None:
    run = run_in(tmp_path, timezone, *at(timestamp))
    assert run.rejects == []
    assert days(run, day, day) == {day: 1}
    assert sum(hours(run, day).values()) == 1


def test_a_clock_far_ahead_is_corrected_and_counted(tmp_path: Path) -> None:
    file = write_lines(
        tmp_path / "in.jsonl",
        [
            # an hour ahead: happened at 23:30 the day before
            order(messageId="a", timestamp="2026-10-02T00:30:00Z", sentAt="2026-10-02T00:31:00Z",
                  receivedAt="2026-10-01T23:31:00Z"),
            # five minutes ahead and no more: as it says
            order(messageId="b", timestamp="2026-10-02T00:01:00Z", sentAt="2026-10-02T00:05:00Z",
                  receivedAt="2026-10-02T00:00:00Z"),
            # five minutes and a millisecond
            order(messageId="c", timestamp="2026-10-02T00:01:00Z", sentAt="2026-10-02T00:05:00.001Z",
                  receivedAt="2026-10-02T00:00:00Z"),
            # behind: may be a slow network
            order(messageId="d", timestamp="2026-10-02T00:01:00Z", sentAt="2026-10-01T00:05:00Z",
                  receivedAt="2026-10-02T00:00:00Z"),
            # sentAt without receivedAt says nothing
            order(messageId="e", timestamp="2026-10-02T00:01:00Z", sentAt="2026-10-02T09:05:00Z"),
            # nor do times that are none
            order(messageId="f", timestamp="2026-10-02T00:01:00Z", sentAt="later", receivedAt="2026-10-02T00:00:00Z"),
        ],
    )  # fmt: skip
    shop = Shop(f"sqlite:///{tmp_path}/n.db", write_definitions(tmp_path / "d.yaml", ORDERS))
    assert shop.run(file)["clocks_corrected"] == 2
    run = SmallRun(shop.store, shop.definitions)
    assert days(run, "2026-09-30", "2026-10-03") == {"2026-10-01": 2, "2026-10-02": 4}


def test_without_a_timestamp_it_is_the_time_of_receipt(tmp_path: Path) -> None:
    records = [
        order(messageId="a", timestamp=..., receivedAt="2026-10-01T12:00:00Z"),
        order(messageId="b", timestamp=None, receivedAt="2026-10-01T12:00:00Z", sentAt="2026-10-09T12:00:00Z"),
        order(messageId="c", timestamp=..., originalTimestamp="2026-10-03T12:00:00Z", receivedAt="2026-10-02T12:00:00Z"),
    ]
    run = run_in(tmp_path, "UTC", *records)
    assert days(run, "2026-09-25", "2026-10-10") == {"2026-10-01": 2, "2026-10-02": 1}


def test_without_any_time_it_is_the_time_of_arrival_and_once(tmp_path: Path) -> None:
    run = run_in(tmp_path, "UTC", order(timestamp=...))
    run.run(tmp_path / "in.jsonl")
    body = run.query("orders.n", date_range="7d")
    assert body["results"][0]["metrics"] == [1]


def test_a_day_ahead_is_taken_and_more_is_not(tmp_path: Path) -> None:
    received = "2026-10-01T12:00:00Z"
    run = run_in(
        tmp_path,
        "UTC",
        order(messageId="a", timestamp="2026-10-02T12:00:00Z", receivedAt=received),
        order(messageId="b", timestamp="2026-10-02T12:00:00.001Z", receivedAt=received),
        # corrected first, then looked at
        order(messageId="c", timestamp="2026-10-09T12:00:00Z", sentAt="2026-10-09T12:00:00Z", receivedAt=received),
    )
    assert [r.reason for r in run.rejects] == [RejectReason.IN_THE_FUTURE]
    assert days(run, "2026-10-01", "2026-10-09") == {"2026-10-01": 1, "2026-10-02": 1}


def test_late_events_count_and_are_noted(tmp_path: Path) -> None:
    run = run_in(
        tmp_path,
        "Asia/Kolkata",
        # the day ended on the 1st at 18:30 UTC; 24 hours more are no delay
        order(messageId="a", timestamp="2026-10-01T12:00:00Z", receivedAt="2026-10-02T18:30:00Z"),
        order(messageId="b", timestamp="2026-10-01T12:00:00Z", receivedAt="2026-10-02T18:30:01Z"),
    )
    body = run.query("orders.n", from_="2026-10-01", to="2026-10-01")
    assert (body["results"][0]["metrics"], body["meta"]["quality"]["late"]) == ([2], 1)


@pytest.mark.parametrize("extreme", ["1678-01-01T00:00:00Z", "2261-12-31T23:59:59Z"])
def test_clocks_at_the_ends_of_time_break_nothing(tmp_path: Path, extreme: str) -> None:
    run = run_in(
        tmp_path,
        "Asia/Kolkata",
        order(messageId="a", timestamp="1678-01-01T00:00:00Z"),
        order(messageId="b", timestamp=extreme, sentAt="2261-12-31T00:00:00Z", receivedAt="1678-01-01T00:00:00Z"),
        order(messageId="c", timestamp=extreme, receivedAt=extreme),
        order(messageId="d"),
    )
    assert days(run, "2026-10-01", "2026-10-01") == {"2026-10-01": 1}

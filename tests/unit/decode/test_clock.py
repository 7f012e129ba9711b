"""Which time a row gets: its own, corrected where the clock ran ahead, or that of its receipt."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pipeline.decode.clock import Clock, Stamps, stamp
from pipeline.decode.timestamp import parse_timestamp
from pipeline.model.rejects import RejectReason

NOON = "2026-10-01T12:00:00Z"
S = 1_000_000_000
NOW = (parse_timestamp(NOON) or 0) + 3600 * S


def stamped(text: Any, sent: Any = None, received: Any = None) -> Stamps:
    return stamp([text], [Clock(0, sent, received)], np.array([True]), NOW)


def after_noon(stamps: Stamps) -> float:
    assert stamps.good.tolist() == [True]
    return (int(stamps.time[0]) - (parse_timestamp(NOON) or 0)) / S


@pytest.mark.parametrize(
    ("sent", "received", "shift"),
    [
        ("2026-10-01T12:05:00Z", NOON, 0),
        ("2026-10-01T12:05:00.000000001Z", NOON, -300.000000001),
        ("2026-10-02T12:00:00Z", NOON, -86_400),
        ("2026-10-01T14:10:00+02:00", NOON, -600),
        ("2026-10-01T11:00:00Z", NOON, 0),
        ("2026-10-09T12:00:00Z", None, 0),
        (None, NOON, 0),
        ("soon", NOON, 0),
        ("2026-10-09T12:00:00Z", 5, 0),
    ],
)
def test_a_clock_is_corrected_by_what_the_record_itself_says(sent: Any, received: Any, shift: float) -> None:
    stamps = stamped(NOON, sent, received)
    assert after_noon(stamps) == pytest.approx(shift, abs=1e-9)
    assert stamps.clocks_corrected == (shift != 0)


FAR_AHEAD = ("2261-06-01T00:00:00Z", "1700-06-01T00:00:00Z")


@pytest.mark.parametrize(
    ("text", "sent", "received", "time"),
    [
        ("2261-06-01T00:00:01Z", *FAR_AHEAD, "1700-06-01T00:00:01Z"),
        ("1700-01-01T00:00:00Z", *FAR_AHEAD, None),
        ("1700-01-01T00:00:00Z", "1980-01-01T00:00:00Z", "1700-01-01T00:00:00Z", None),
        ("1680-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2020-01-01T00:00:00Z", None),
        ("1684-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2020-01-01T00:00:00Z", "1677-12-31T00:00:00Z"),
    ],
)
def test_a_clock_centuries_ahead_is_corrected_exactly_or_the_time_is_a_bad_one(
    text: str, sent: str, received: str, time: str | None
) -> None:
    stamps = stamped(text, sent, received)
    assert stamps.clocks_corrected == 1 and stamps.clocks_behind == 0
    if time is None:
        assert [reason for _, reason, _ in stamps.rejects] == [RejectReason.BAD_TIMESTAMP]
    else:
        assert stamps.time.tolist() == [parse_timestamp(time)] and stamps.good.all()


def test_a_clock_centuries_behind_is_counted_and_left() -> None:
    stamps = stamped(NOON, *reversed(FAR_AHEAD))
    assert (stamps.clocks_behind, stamps.clocks_corrected, after_noon(stamps)) == (1, 0, 0)


def test_a_clock_behind_is_counted_and_left() -> None:
    stamps = stamped(NOON, "2026-10-01T11:00:00Z", NOON)
    assert (stamps.clocks_behind, after_noon(stamps)) == (1, 0)


def test_without_a_time_it_is_the_receipts_and_else_the_arrivals() -> None:
    assert after_noon(stamped(None, None, "2026-10-01T12:00:07Z")) == 7
    assert after_noon(stamped(None, "2026-10-09T12:00:00Z", "2026-10-01T12:00:07Z")) == 7
    assert after_noon(stamped(None, None, "whenever")) == 3600
    assert after_noon(stamped(None)) == 3600


@pytest.mark.parametrize(("text", "received", "good"), [
    ("2026-10-02T13:00:00Z", None, True),
    ("2026-10-02T13:00:00.000000001Z", None, False),
    ("2026-10-02T12:00:00Z", NOON, True),
    ("2026-10-02T12:00:00.000000001Z", NOON, False),
    ("2027-10-02T12:00:00Z", "2027-10-02T12:00:00Z", True),  # an archive from a machine whose clock is ahead of ours
])  # fmt: skip
def test_more_than_a_day_ahead_is_a_reject(text: str, received: str | None, good: bool) -> None:
    stamps = stamped(text, None, received)
    assert stamps.good.tolist() == [good]
    assert [reason for _, reason, _ in stamps.rejects] == [RejectReason.IN_THE_FUTURE] * (not good)


def test_rows_that_are_no_events_are_passed_over() -> None:
    stamps = stamp(["x", None, NOON], [], np.array([False, False, True]), NOW)
    assert (stamps.good.tolist(), stamps.rejects) == ([False, False, True], [])


def test_a_long_text_is_shown_in_part() -> None:
    [(row, reason, cause)] = stamped("x" * 100_000).rejects
    assert (row, reason) == (0, RejectReason.BAD_TIMESTAMP)
    assert len(cause) < 200

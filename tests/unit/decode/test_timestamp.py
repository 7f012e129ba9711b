"""Timestamps: strict, exact to the nanosecond, and the same for one as for many at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.decode.timestamp import parse_timestamp, parse_timestamps
from tests.support.any_pace import at_any_pace

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
GOOD = st.datetimes(datetime(1679, 1, 1), datetime(2261, 1, 1), timezones=st.just(UTC))
OFFSETS = st.integers(-23 * 60 - 59, 23 * 60 + 59)
COMMON = "2026-10-01T12:34:56.789Z"
NEAR = st.builds(
    lambda at, char: COMMON[:at] + char + COMMON[at + 1 :],
    st.integers(0, len(COMMON) - 1),
    st.characters(codec="utf-8") | st.sampled_from("0123456789-:.TZtz+ "),
)
DIGITS = st.integers(0, 99)
CALENDAR = st.builds(
    lambda y, mo, d, h, mi, s: f"{y:04d}-{mo:02d}-{d:02d}T{h:02d}:{mi:02d}:{s:02d}.000Z",
    st.integers(0, 9999), st.integers(0, 13), st.integers(0, 32), st.integers(0, 25), DIGITS, DIGITS,
)  # fmt: skip
ANYTHING = st.text(max_size=40) | st.none() | st.integers() | st.floats() | st.booleans() | st.lists(st.text())


@at_any_pace
@given(st.lists(NEAR | CALENDAR | ANYTHING | st.just(COMMON) | GOOD.map(datetime.isoformat), max_size=30))
@example([COMMON, "2026-10-01T12:34:56.78\u0669Z"])
@example(["0000-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z", "2026-02-29T00:00:00.000Z"])
def test_a_list_is_judged_as_its_items_are(texts: list[object]) -> None:
    times, parsed = parse_timestamps(texts)
    one_by_one = [parse_timestamp(text) for text in texts]
    assert parsed.tolist() == [ns is not None for ns in one_by_one]
    assert times.tolist() == [ns or 0 for ns in one_by_one]
    assert (times.dtype, parsed.dtype) == (np.int64, bool)


@at_any_pace
@given(GOOD, OFFSETS)
def test_any_offset_names_the_same_instant(at: datetime, minutes: int) -> None:
    expected = (at - EPOCH) // timedelta(microseconds=1) * 1000
    local = (at + timedelta(minutes=minutes)).replace(tzinfo=None)
    sign, (hours, rest) = "-" if minutes < 0 else "+", divmod(abs(minutes), 60)
    text = f"{local.isoformat(timespec='microseconds')}{sign}{hours:02d}:{rest:02d}"
    assert parse_timestamp(text) == expected
    assert parse_timestamp(at.isoformat(timespec="microseconds").replace("+00:00", "Z")) == expected


@at_any_pace
@given(st.text("0123456789", min_size=1, max_size=30))
def test_digits_finer_than_nanoseconds_are_cut_off(digits: str) -> None:
    assert parse_timestamp(f"1970-01-01T00:00:00.{digits}Z") == int(digits[:9].ljust(9, "0"))


@pytest.mark.parametrize(
    "text",
    [
        "", "now", "2026-10-01", "2026-10-01T12:00:00", "2026-10-01T12:00Z", "20261001T120000Z", "2026-10-01T24:00:00Z",
        "2026-10-01T12:60:00Z", "2026-10-01T12:00:61Z", "2026-00-01T12:00:00Z", "2026-13-01T12:00:00Z",
        "2026-04-31T12:00:00Z", "2025-02-29T12:00:00Z", "1900-02-29T12:00:00.000Z", "2026-10-01T12:00:00.Z",
        "2026-10-01T12:00:00+0200", "2026-10-01T12:00:00+24:00", "2026-10-01T12:00:00+02:60", " 2026-10-01T12:00:00Z",
        "2026-10-01T12:00:00Z\n", "2026-10-01T12:00:00,5Z", "٢٠٢٦-10-01T12:00:00Z", "+2026-10-01T12:00:00Z",
        "2026-10-01T12:00:00." + "0" * 200 + "Z", "1600-01-01T00:00:00Z", "2400-01-01T00:00:00.000Z",
    ],
)  # fmt: skip
def test_what_is_no_rfc_3339_time_is_none(text: str) -> None:
    assert parse_timestamp(text) is None
    assert not parse_timestamps([text, COMMON])[1][0]


def test_a_leap_second_is_the_next_minutes_first() -> None:
    assert parse_timestamp("2016-12-31T23:59:60Z") == parse_timestamp("2017-01-01T00:00:00Z")
    assert parse_timestamps(["2016-12-31T23:59:60.000Z"])[0][0] == parse_timestamp("2017-01-01T00:00:00Z")

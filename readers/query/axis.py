"""Owns the time rows of an answer, and which of the store's days and hours belong to which row.

A *tick* is a day of the span, or an hour of the store's hours (day x 48 + index). Each tick belongs to one row, or to
none; in a comparison with the year before to two at most (28 February is also what 29 February is compared with).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np

from pipeline.model.layout import HOURS_PER_DAY
from readers.query.dates import Span, split_days, split_months, split_weeks
from readers.query.hours import Hour, hours_of, nearest_hours

NO_ROW = -1
Part = Span | None  # the days of a row; None: there is nothing to compare the row with
_SPLITS = {"time:day": split_days, "time:week": split_weeks, "time:month": split_months}


@dataclass(frozen=True, slots=True)
class Axis:
    """`parts` has the days of each row; `present` says which rows exist (in a comparison some may not)."""

    span: Span
    hourly: bool
    labels: tuple[str, ...]
    parts: tuple[Part, ...]
    present: tuple[bool, ...]
    rows: np.ndarray  # int64, tick -> row
    second_rows: np.ndarray
    one_to_one: bool = False  # each tick is a row

    @property
    def days_max(self) -> int:
        """The most days that one row holds."""
        return max(part.days for part in self.parts if part)

    def place(self, ticks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """For cells at these ticks: which of them belong to a row (positions), and to which one."""
        if self.one_to_one:
            return np.arange(len(ticks)), ticks
        both = [rows[ticks] for rows in (self.rows, self.second_rows)]
        taken = [np.flatnonzero(rows != NO_ROW) for rows in both]
        return np.concatenate(taken), np.concatenate([rows[at] for rows, at in zip(both, taken, strict=True)])


def time_axis(unit: str | None, span: Span, zone: ZoneInfo) -> Axis:
    """The rows of a span by `time:hour`, day, week or month; without a unit it is one row."""
    if unit == "time:day":
        return _by_day(span)
    if unit == "time:hour":
        days = list(split_days(span))
        hours = [hours_of(day.first, zone) for day in days]
        parts = [day for day, here in zip(days, hours, strict=True) for _ in here]
        return _axis(span, True, [hour.label for here in hours for hour in here], parts, _all_hour_ticks(hours))
    parts = list(_SPLITS[unit](span)) if unit else [span]
    labels = [_label(unit, part) for part in parts] if unit else [""]
    return _axis(span, False, labels, parts, _day_ticks(span, parts))


def _by_day(span: Span) -> Axis:
    """What most queries ask for, in a few steps for all days."""
    days = list(split_days(span))
    rows, labels = np.arange(span.days), [day.first.isoformat() for day in days]
    return Axis(
        span, False, tuple(labels), tuple(days), (True,) * len(days), rows, np.full(len(days), NO_ROW), one_to_one=True
    )


def compared_axis(axis: Axis, unit: str | None, span: Span, move: Callable[[date], date], zone: ZoneInfo) -> Axis:
    """The rows that those of `axis` are compared with: each one's own days, moved into `span` and cut to it."""
    if unit is None:
        return _axis(span, False, axis.labels, [span], _day_ticks(span, [span]))
    parts = [Span(move(part.first), move(part.last)).cut(span) if part else None for part in axis.parts]
    if not axis.hourly:
        return _axis(span, False, axis.labels, parts, _day_ticks(span, parts))
    pairs: list[tuple[int, int]] = []
    for main, part, row in _day_starts(axis, parts):
        pairs += _compared_hours(hours_of(main, zone), hours_of(part.first, zone), (part.first - span.first).days, row)
    return _axis(span, True, axis.labels, parts, pairs)


def _compared_hours(main: list[Hour], other: list[Hour], day: int, first_row: int) -> Iterator[tuple[int, int]]:
    """Hours go with hours of the same local number; the second of two with the second, if there is one."""
    rows = {key: first_row + i for i, key in enumerate(_occurrences(main))}
    return _hour_ticks(other, day, [rows.get(key, NO_ROW) for key in _occurrences(other)])


def _occurrences(hours: list[Hour]) -> list[tuple[int, int]]:
    """(local number, 0 or 1: how often it came before that day) of each hour."""
    numbers = [hour.start.hour for hour in hours]
    return [(number, numbers[:i].count(number)) for i, number in enumerate(numbers)]


def _day_starts(axis: Axis, parts: list[Part]) -> Iterator[tuple[date, Span, int]]:
    """For each day of an hourly axis that has a comparison: the day, its comparison, and the row of its first hour."""
    before = None
    for row, (main, part) in enumerate(zip(axis.parts, parts, strict=True)):
        if main and part and main.first != before:
            yield main.first, part, row
        before = main.first if main else None


def _all_hour_ticks(days: list[list[Hour]]) -> Iterator[tuple[int, int]]:
    first_row = 0
    for day, hours in enumerate(days):
        yield from _hour_ticks(hours, day, range(first_row, first_row + len(hours)))
        first_row += len(hours)


def _hour_ticks(hours: list[Hour], day: int, rows: Iterable[int]) -> Iterator[tuple[int, int]]:
    listed = list(rows)
    if not listed:  # a day that a zone left out when it crossed the date line
        return iter(())
    return ((day * HOURS_PER_DAY + index, listed[at]) for index, at in enumerate(nearest_hours(hours)))


def _day_ticks(span: Span, parts: list[Span] | list[Part]) -> Iterator[tuple[int, int]]:
    for row, part in enumerate(parts):
        if part:
            first = (part.first - span.first).days
            yield from ((tick, row) for tick in range(first, first + part.days))


def _axis(
    span: Span, hourly: bool, labels: Iterable[str], parts: list[Span] | list[Part], pairs: Iterable[tuple[int, int]]
) -> Axis:
    ticks = span.days * (HOURS_PER_DAY if hourly else 1)
    rows, second_rows = (np.full(ticks, NO_ROW, dtype=np.int64) for _ in range(2))
    for tick, row in pairs:
        (rows if rows[tick] == NO_ROW else second_rows)[tick] = row
    present = np.isin(np.arange(len(parts)), np.concatenate([rows, second_rows]))
    return Axis(span, hourly, tuple(labels), tuple(parts), tuple(present.tolist()), rows, second_rows)


def _label(unit: str, part: Span) -> str:
    """A row is named by its first day; a month by its first, even where the range begins later."""
    return (part.first.replace(day=1) if unit == "time:month" else part.first).isoformat()

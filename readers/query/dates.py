"""Owns spans of days: the named and given ranges, what they are compared with, and their weeks and months."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

from readers.query.errors import QueryError
from readers.query.limits import DAYS_MAX

DAY = timedelta(days=1)
PRESETS = ("day", "7d", "30d", "90d", "month", "12mo", "all")
COMPARISONS = ("previous_period", "previous_year")
_LAST_DAYS = {"day": 1, "7d": 7, "30d": 30, "90d": 90, "all": DAYS_MAX}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


class Span(NamedTuple):
    """Calendar days, both ends included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def cut(self, other: Span) -> Span | None:
        """The days of both; None if there are none."""
        first, last = max(self.first, other.first), min(self.last, other.last)
        return Span(first, last) if first <= last else None

    def texts(self) -> list[str]:
        return [self.first.isoformat(), self.last.isoformat()]


def parse_span(given: str | tuple[str, str], today: date) -> Span:
    """The days of a `date_range`; "all" is the longest that may be asked for, its start is found in the store."""
    if isinstance(given, tuple):
        return _given_span(given, "/date_range")
    if given in _LAST_DAYS:
        return Span(today - DAY * (_LAST_DAYS[given] - 1), today)
    if given == "month":
        return Span(today.replace(day=1), today)
    if given == "12mo":
        return Span((today.replace(day=1) - DAY * 330).replace(day=1), today)  # that lies in the 11th month before
    detail = f"unknown date_range {given!r}; use {', '.join(PRESETS)}, or a pair of days"
    raise QueryError("/date_range", detail)


def parse_compare(given: str | tuple[str, str], span: Span) -> Span:
    """The days that `span` is compared with."""
    if isinstance(given, tuple):
        return _given_span(given, "/compare")
    try:
        if given == "previous_period":
            return Span(span.first - DAY * span.days, span.first - DAY)
        if given == "previous_year":
            return Span(year_before(span.first), year_before(span.last))
    except (ValueError, OverflowError):
        raise QueryError("/compare", "there is no calendar that far back") from None
    detail = f"unknown compare {given!r}; use {', '.join(COMPARISONS)}, or a pair of days"
    raise QueryError("/compare", detail)


def year_before(day: date) -> date:
    """The same day a year ago; for 29 February the 28th."""
    return day.replace(year=day.year - 1, day=28 if (day.month, day.day) == (2, 29) else day.day)


def split_days(span: Span) -> Iterator[Span]:
    """One span for each day."""
    for ordinal in range(span.first.toordinal(), span.last.toordinal() + 1):
        day = date.fromordinal(ordinal)
        yield Span(day, day)


def split_weeks(span: Span) -> Iterator[Span]:
    """ISO weeks (Monday to Sunday), cut to the span."""
    first = span.first
    while first <= span.last:
        last = min(first + DAY * (6 - first.weekday()), span.last)
        yield Span(first, last)
        first = last + DAY


def split_months(span: Span) -> Iterator[Span]:
    """Calendar months, cut to the span."""
    first = span.first
    while first <= span.last:
        last = min((first.replace(day=28) + DAY * 4).replace(day=1) - DAY, span.last)
        yield Span(first, last)
        first = last + DAY


def _given_span(pair: tuple[str, str], pointer: str) -> Span:
    first, last = (_parse_day(text, f"{pointer}/{i}") for i, text in enumerate(pair))
    if last < first:
        raise QueryError(pointer, f"{pair[0]} comes after {pair[1]}: give the first day first")
    span = Span(first, last)
    if span.days > DAYS_MAX:
        raise QueryError(pointer, f"{span.days} days are more than the {DAYS_MAX} one query may span")
    return span


def _parse_day(text: str, pointer: str) -> date:
    try:
        if _DATE.fullmatch(text):
            # Months are worked out a few days past the end of a range and a year before it.
            day = date.fromisoformat(text)
            if 2 < day.year < 9999:
                return day
    except ValueError:
        pass
    raise QueryError(pointer, f"{text!r} is not a day; write it as 2026-10-31")

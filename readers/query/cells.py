"""Owns the reading of counter cells: which rows and ranges a query needs. What is found is in `found`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import NoReturn

import numpy as np

from pipeline.model.counter import QUALITY, columns, neutral_row
from pipeline.model.damage import reading
from pipeline.model.layout import (
    DAY,
    HOUR,
    HOURS_PER_DAY,
    counter_row,
    day_range,
    parse_counter_qualifier,
    unpack_hours,
    unpack_totals,
)
from pipeline.store.contract import Store
from readers.query.dates import Span, split_months
from readers.query.errors import QueryError
from readers.query.found import Found
from readers.query.limits import CELLS_MAX
from readers.query.names import Series

Identity = tuple[str, str]
UNBROKEN = 0  # the series without breakdown
CELLS_AHEAD = 50_000  # asked for in one read
HOURS_WEIGHT = 12  # a cell of a day's hours is about as much work as so many of days


def read_cells(
    store: Store, account: str, many: Iterable[Series], span: Span, breakdown: str | None, hourly: bool
) -> dict[Identity, Found]:
    """What the store has of these series over the span, by their identity."""
    found: dict[Identity, Found] = {}
    wanted: dict[bytes, tuple[Series, Span]] = {}
    for series in many:
        found[series.identity] = Found(columns(series.metric.measures))
        for month in split_months(span):
            wanted[_row_key(account, series, month)] = series, month
    for row, cells in _read_rows(store, wanted, breakdown, hourly):
        series, month = wanted[row]
        with reading("counters", row):
            _take_cells(found[series.identity], cells, month, span.first, _index(series, breakdown), hourly)
    return found


def _row_key(account: str, series: Series, month: Span) -> bytes:
    return counter_row(account, series.metric.id, series.metric.revision, month.first.year, month.first.month)


def _index(series: Series, breakdown: str | None) -> int:
    """0 without a breakdown; -1 for a series that doesn't have it (rejects, read for their number)."""
    if breakdown is None:
        return UNBROKEN
    return series.metric.breakdowns.index(breakdown) + 1 if breakdown in series.metric.breakdowns else -1


def _read_rows(
    store: Store, wanted: dict[bytes, tuple[Series, Span]], breakdown: str | None, hourly: bool
) -> Iterator[tuple[bytes, list[tuple[bytes, bytes]]]]:
    """Rows with the cells of their days: one read for those that have the same ranges, while they are small."""
    groups: dict[tuple[tuple[bytes, bytes], ...], list[bytes]] = {}
    for row, (series, month) in wanted.items():
        first, last = month.first.day, month.last.day
        if breakdown is None and len(wanted) > 1:  # few cells a day: one read for all is worth more
            first, last = 1, 31
        groups.setdefault(_ranges(_index(series, breakdown), hourly, first, last), []).append(row)
    cells = 0
    for ranges, rows in groups.items():
        ahead = len(rows) if breakdown is None else 1  # how wide rows with a breakdown are, the first ones tell
        while rows:
            found = store.read("counters", rows[:ahead], ranges)
            rows = rows[ahead:]
            cells += sum(map(len, found.values())) * (HOURS_WEIGHT if hourly else 1)
            if cells > CELLS_MAX:
                _refuse_size()
            widest = max(map(len, found.values()), default=1)
            ahead = max(1, min(2 * ahead, CELLS_AHEAD // widest))
            yield from found.items()


def _refuse_size() -> NoReturn:
    detail = f"this takes more than the {CELLS_MAX} stored totals that one query may read"
    raise QueryError("/date_range", f"{detail}: shorten the range, or ask for fewer metrics")


def _ranges(index: int, hourly: bool, first: int, last: int) -> tuple[tuple[bytes, bytes], ...]:
    kinds = {(DAY, UNBROKEN)}  # holds the quality columns
    if index >= 0:
        kinds.add((HOUR if hourly else DAY, index))
    return tuple(day_range(kind, i, first, last) for kind, i in sorted(kinds))


def _take_cells(
    found: Found, cells: Sequence[tuple[bytes, bytes]], month: Span, begin: date, index: int, hourly: bool
) -> None:
    first, last = month.first.day, month.last.day
    nothing = neutral_row(found.cols, quality=False)
    tick_day = (month.first - begin).days - first
    for qualifier, value in cells:
        kind, breakdown, day, _slot, text = parse_counter_qualifier(qualifier)
        if not first <= day <= last:
            continue
        if kind == DAY:
            totals = unpack_totals(value)
            _check_width(found, len(totals), breakdown)
            if breakdown == UNBROKEN:
                found.days.append(totals)
            if breakdown == index and not hourly:
                found.add(tick_day + day, text, totals[np.newaxis])
        elif hourly and breakdown == index:
            start, touched, hours = unpack_hours(value)
            _check_width(found, hours.shape[1], breakdown)
            # What an hour holds that was never touched means nothing; it is there to keep the others in their places.
            meant = np.where(touched[:, np.newaxis], hours[:, : len(nothing)], nothing)
            found.add((tick_day + day) * HOURS_PER_DAY + start, text, meant)


def _check_width(found: Found, width: int, breakdown: int) -> None:
    expected = len(found.cols) + (len(QUALITY) if breakdown == UNBROKEN else 0)
    if width != expected:
        raise ValueError(f"{width} columns instead of {expected}")

"""Owns the reading of counter cells: which rows and ranges a query needs, and cells as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from pipeline.model.counter import LIMB_BITS, LIMB_MASK, QUALITY, Column, columns
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
from pipeline.store.contract import Rows, Store
from readers.query.dates import Span, split_months
from readers.query.names import Series

Identity = tuple[str, str]
UNBROKEN = 0  # the series without breakdown


@dataclass(slots=True)
class Found:
    """Cells of one series over a span: `ticks[i]` (day, or day x 48 + hour) and `values[i]` belong to `rows[i]`.

    `quality`: the sums of `counter.QUALITY`; `first_count`: of the first column, both without any breakdown.
    """

    cols: tuple[Column, ...]
    ticks: list[int] = field(default_factory=list)
    values: list[str] = field(default_factory=list)
    rows: list[np.ndarray] = field(default_factory=list)
    quality: np.ndarray = field(default_factory=lambda: np.zeros(len(QUALITY), dtype=np.int64))
    first_count: int = 0

    def matrix(self) -> np.ndarray:
        """The rows as one array (cells, columns), with limbs carried so that no sum of them can overflow."""
        if not self.rows:
            return np.zeros((0, len(self.cols)), dtype=np.int64)
        matrix = np.array(self.rows, dtype=np.int64)
        for i, column in enumerate(self.cols):
            if column.part == "hi":
                matrix[:, i] += matrix[:, i + 1] >> LIMB_BITS
                matrix[:, i + 1] &= LIMB_MASK
        return matrix


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
    for row, cells in _read_rows(store, wanted, breakdown, hourly).items():
        series, month = wanted[row]
        first_tick_day = (month.first - span.first).days - month.first.day
        _take_cells(found[series.identity], cells, month, first_tick_day, _index(series, breakdown), hourly)
    return found


def _row_key(account: str, series: Series, month: Span) -> bytes:
    return counter_row(account, series.metric.id, series.metric.revision, month.first.year, month.first.month)


def _index(series: Series, breakdown: str | None) -> int:
    """0 without a breakdown; -1 for a series that doesn't have it (rejects, read for their number)."""
    if breakdown is None:
        return UNBROKEN
    return series.metric.breakdowns.index(breakdown) + 1 if breakdown in series.metric.breakdowns else -1


def _read_rows(store: Store, wanted: dict[bytes, tuple[Series, Span]], breakdown: str | None, hourly: bool) -> Rows:
    """One read where rows are small (no breakdown); where they are wide, one for each set of ranges."""
    groups: dict[tuple[tuple[bytes, bytes], ...], list[bytes]] = {}
    for row, (series, month) in wanted.items():
        first, last = month.first.day, month.last.day
        if breakdown is None and len(wanted) > 1:
            first, last = 1, 31
        groups.setdefault(_ranges(_index(series, breakdown), hourly, first, last), []).append(row)
    found: Rows = {}
    for ranges, rows in groups.items():
        found.update(store.read("counters", rows, ranges))
    return found


def _ranges(index: int, hourly: bool, first: int, last: int) -> tuple[tuple[bytes, bytes], ...]:
    kinds = {(DAY, UNBROKEN)}  # holds the quality columns
    if index >= 0:
        kinds.add((HOUR if hourly else DAY, index))
    return tuple(day_range(kind, i, first, last) for kind, i in sorted(kinds))


def _take_cells(
    found: Found, cells: Sequence[tuple[bytes, bytes]], month: Span, tick_day: int, index: int, hourly: bool
) -> None:
    width, first, last = len(found.cols), month.first.day, month.last.day
    for qualifier, value in cells:
        kind, breakdown, day, _slot, text = parse_counter_qualifier(qualifier)
        if not first <= day <= last:
            continue
        if kind == DAY:
            totals = unpack_totals(value)
            if breakdown == UNBROKEN:
                found.quality += totals[width:]
                found.first_count += int(totals[0])
            if breakdown == index and not hourly:
                found.ticks.append(tick_day + day)
                found.values.append(text)
                found.rows.append(totals[:width])
        elif hourly and breakdown == index:
            start, _touched, hours = unpack_hours(value)
            at = (tick_day + day) * HOURS_PER_DAY + start
            found.ticks.extend(range(at, at + len(hours)))
            found.values.extend([text] * len(hours))
            found.rows.extend(hours[:, :width])

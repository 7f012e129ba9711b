"""Owns which parts of which rows a query needs, and how much of them it may read. How they are read is `source`'s."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable
from datetime import date
from itertools import groupby
from typing import NoReturn

from pipeline.model.counter import Column, columns
from pipeline.model.layout import DAY, HOUR, HOURS_PER_DAY, counter_row
from readers.query.dates import Span, split_months
from readers.query.errors import QueryError
from readers.query.found import Found, gather
from readers.query.limits import CELLS_MAX
from readers.query.names import Series
from readers.query.part import UNBROKEN, Part, PartKey
from readers.query.source import Parts, Source

Identity = tuple[str, str]
CELLS_AHEAD = 50_000  # asked for in one read
HOURS_WEIGHT = 12  # a cell of a day's hours is about as much work as so many of days
Needed = dict[PartKey, tuple[Column, ...]]


def read_cells(
    source: Source, account: str, many: Iterable[Series], span: Span, breakdown: str | None, hourly: bool
) -> dict[Identity, Found]:
    """What there is of these series over the span, by their identity."""
    kind, months = HOUR if hourly else DAY, _months(span)
    days: dict[Identity, Needed] = {}
    numbers: dict[Identity, Needed] = {}
    cols: dict[Identity, tuple[Column, ...]] = {}
    for series in many:
        one = series.identity
        cols[one] = columns(series.metric.measures)
        rows = [(counter_row(account, *one, first.year, first.month), first, last) for first, last in months]
        days[one] = _needed(source, rows, DAY, UNBROKEN, cols[one])
        index = _index(series, breakdown)
        numbers[one] = days[one] if (kind, index) == (DAY, UNBROKEN) else _needed(source, rows, kind, index, cols[one])
    found = _read(source, days, numbers)
    first_day, last_day = span.first.toordinal(), span.last.toordinal()
    begin = first_day * (HOURS_PER_DAY if hourly else 1)
    return {
        one: gather(cols[one], _of(found, numbers[one]), _of(found, days[one]), begin, first_day, last_day) for one in cols
    }


def _months(span: Span) -> list[tuple[date, date]]:
    return [(month.first, month.last) for month in split_months(span)]


def _index(series: Series, breakdown: str | None) -> int:
    """0 without a breakdown; -1 for a series that doesn't have it (rejects, read for their number)."""
    if breakdown is None:
        return UNBROKEN
    return series.metric.breakdowns.index(breakdown) + 1 if breakdown in series.metric.breakdowns else -1


def _needed(
    source: Source, rows: list[tuple[bytes, date, date]], kind: bytes, index: int, cols: tuple[Column, ...]
) -> Needed:
    if index < 0:
        return {}
    needed: Needed = {}
    for row, first, last in rows:
        before, days = first.toordinal() - first.day, monthrange(first.year, first.month)[1]
        for start, end in source.spans(first.day, last.day, days, before, narrow=index == UNBROKEN and kind == DAY):
            needed[PartKey(row, kind, index, start, end, before)] = cols
    return needed


def _of(found: Parts, needed: Needed) -> list[Part]:
    return [found[key] for key in needed]


def _read(source: Source, days: dict[Identity, Needed], numbers: dict[Identity, Needed]) -> Parts:
    """All parts, in reads that grow while parts are small: how wide rows with a breakdown are, the first ones tell."""
    narrow = {key: cols for needed in days.values() for key, cols in needed.items()}
    found = source.parts(narrow)
    cells = sum(part.cells for part in found.values())
    wide = {key: cols for needed in numbers.values() for key, cols in needed.items() if key not in narrow}
    rows = [list(of_row) for _, of_row in groupby(wide, key=lambda key: key.row)]
    ahead = 1
    while rows and cells <= CELLS_MAX:
        more = source.parts({key: wide[key] for of_row in rows[:ahead] for key in of_row})
        rows = rows[ahead:]
        found.update(more)
        cells += sum(part.cells * (HOURS_WEIGHT if key.kind == HOUR else 1) for key, part in more.items())
        widest = max(part.cells for part in more.values()) * max(map(len, rows), default=1)
        ahead = max(1, min(4 * ahead, CELLS_AHEAD // max(widest, 1)))
    if cells > CELLS_MAX:
        _refuse_size()
    return found


def _refuse_size() -> NoReturn:
    detail = f"this takes more than the {CELLS_MAX} stored totals that one query may read"
    raise QueryError("/date_range", f"{detail}: shorten the range, or ask for fewer metrics")

"""Owns the rows of an answer: which there are, their order, their page, and how they compare."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from pipeline.model.counter import Column, divide_half_even, from_micro
from pipeline.model.event import NONE_VALUE, OTHER_VALUE
from readers.query.errors import QueryError
from readers.query.limits import ROWS_MAX, VALUES_MAX
from readers.query.measures import Number, json_values, measure_values
from readers.query.plan import Plan
from readers.query.request import Order, Request
from readers.query.totals import Totals

Identity = tuple[str, str]
Places = np.ndarray | slice

CHANGE_STEPS = 10_000  # a change is rounded to four places


class Comparison(NamedTuple):
    """The numbers of the days compared with; None where there are no such days."""

    metrics: tuple[Number, ...]
    change: tuple[Number, ...]


class Row(NamedTuple):
    """One row: the values of its dimensions and its numbers, in the order they were asked for."""

    dimensions: tuple[str, ...]
    metrics: tuple[Number, ...]
    comparison: Comparison | None


class Table:
    """All rows there are, ascending by their dimensions: their places are 0, 1, …

    totals, compared: of each measure that is asked for, of the range and of what it is compared with. Raises QueryError
    where rows are too many.
    """

    def __init__(self, plan: Plan, totals: Sequence[Totals], compared: Sequence[Totals]) -> None:
        self.plan = plan
        self.values = sorted({name for one in totals for name in one.names}) if plan.shape.by_value else [""]
        self._times = len(plan.axis.labels)
        if plan.shape.by_value:
            named = sum(value not in (NONE_VALUE, OTHER_VALUE) for value in self.values)
            _check_size(self._times, named, plan.shape.breakdown)
        self._tables = self._by_series(totals)
        self._before = self._by_series(compared)

    def __len__(self) -> int:
        return self._times * len(self.values)

    def numbers(self, i: int, places: Places) -> list[Number]:
        """Of the i-th measure, in these places."""
        asked = self.plan.asked[i]
        cols, table = self._tables[asked.series.identity]
        return measure_values(cols, table[places], asked.measure)

    def rows(self, places: list[int]) -> list[Row]:
        """The rows in these places."""
        at = np.array(places, dtype=np.int64)
        numbers = [self.numbers(i, at) for i in range(len(self.plan.asked))]
        of_rows = list(zip(*numbers, strict=True))
        dimensions = self.dimensions(places)
        if not self.plan.compared:
            return [Row(*row, None) for row in zip(dimensions, of_rows, strict=True)]
        before = list(zip(*(self._numbers_before(i, at) for i in range(len(self.plan.asked))), strict=True))
        changes = [tuple(map(change, old, now)) for old, now in zip(before, of_rows, strict=True)]
        comparisons = [Comparison(*one) for one in zip(before, changes, strict=True)]
        return [Row(*row) for row in zip(dimensions, of_rows, comparisons, strict=True)]

    def json_numbers(self, places: list[int]) -> list[tuple[Any, ...]]:
        """The numbers of these rows, for orjson."""
        at = np.array(places, dtype=np.int64)
        found = []
        for asked in self.plan.asked:
            cols, table = self._tables[asked.series.identity]
            found.append(json_values(cols, table[at], asked.measure))
        return list(zip(*found, strict=True))

    def dimensions(self, places: list[int]) -> list[tuple[str, ...]]:
        """The values of the dimensions of these rows."""
        labels, values, width = self.plan.axis.labels, self.values, len(self.values)
        if self.plan.shape.time and self.plan.shape.by_value:
            return [(labels[place // width], values[place % width]) for place in places]
        if self.plan.shape.by_value:
            return [(values[place],) for place in places]
        return [(labels[place],) if self.plan.shape.time else () for place in places]

    def _by_series(self, totals: Sequence[Totals]) -> dict[Identity, tuple[tuple[Column, ...], np.ndarray]]:
        of = {asked.series.identity: one for asked, one in zip(self.plan.asked, totals, strict=False)}
        return {identity: (one.cols, one.table(self._times, self.values)) for identity, one in of.items()}

    def _numbers_before(self, i: int, places: np.ndarray) -> list[Number]:
        asked, compared = self.plan.asked[i], self.plan.compared
        cols, table = self._before[asked.series.identity]
        numbers = measure_values(cols, table[places], asked.measure)
        present = compared.present if compared else ()
        times = (places // len(self.values)).tolist()
        return [number if present[time] else None for time, number in zip(times, numbers, strict=True)]


def sort_places(table: Table, request: Request) -> list[int]:
    """The rows in order: as asked, then by dimensions, ascending. Breakdown values without a time dimension come with
    the largest first metric first. Rows without a number come last either way.
    """
    places = list(range(len(table)))
    orders = [(f"/order_by/{i}/0", order) for i, order in enumerate(request.order_by)]
    if not orders and table.plan.shape.by_value and not table.plan.shape.time:
        orders = [("/metrics/0", Order(table.plan.asked[0].name, True))]
    for pointer, order in reversed(orders):
        numbers = _sort_by(table, order, pointer)
        some = [place for place in places if numbers[place] is not None]
        none = [place for place in places if numbers[place] is None]
        places = sorted(some, key=lambda place: numbers[place], reverse=order.descending) + none
    return places


def change(before: Number, now: Number) -> Number:
    """(now - before) / |before|, rounded half-even to four places; None from 0, and where either is missing."""
    if before is None or now is None or before == 0:
        return None
    exact = (Fraction(now) - Fraction(before)) / abs(Fraction(before)) * CHANGE_STEPS
    return from_micro(divide_half_even(exact.numerator, exact.denominator) * (1_000_000 // CHANGE_STEPS))


def _sort_by(table: Table, order: Order, pointer: str) -> Sequence[Any]:
    """What to sort by, of each place."""
    shape, values = table.plan.shape, len(table.values)
    if shape.time and order.key == shape.time:
        return [place // values for place in range(len(table))]
    if shape.by_value and order.key == shape.breakdown:
        return [place % values for place in range(len(table))]
    for i, asked in enumerate(table.plan.asked):
        if asked.name == order.key:
            return table.numbers(i, slice(None))
    metrics = ", ".join(asked.name for asked in table.plan.asked)
    detail = f"order_by {order.key!r} is neither a metric nor a dimension of this query; its metrics are {metrics}"
    raise QueryError(pointer, detail)


def _check_size(times: int, values: int, breakdown: str | None) -> None:
    if values > VALUES_MAX:
        detail = f"{breakdown} has {values} values here, more than the {VALUES_MAX} breakdown values one query may list"
        raise QueryError("/dimensions", f"{detail}: filter by those you need, or shorten the range")
    if times * values > ROWS_MAX:
        detail = f"{times} time rows of {values} breakdown values are more than the {ROWS_MAX} rows one query may have"
        raise QueryError("/dimensions", f"{detail}: shorten the range, or filter by those you need")

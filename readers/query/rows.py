"""Owns the rows of an answer: which there are, their order, their page, and how they compare."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from pipeline.model.counter import divide_half_even, from_micro
from pipeline.model.event import NONE_VALUE, OTHER_VALUE
from readers.query.errors import QueryError
from readers.query.limits import ROWS_MAX, VALUES_MAX
from readers.query.plan import Plan
from readers.query.request import Order, Request
from readers.query.totals import Key, Number, Totals

CHANGE_STEPS = 10_000  # a change is rounded to four places


@dataclass(frozen=True, slots=True)
class Comparison:
    """The numbers of the days compared with; None where there are no such days."""

    metrics: tuple[Number, ...]
    change: tuple[Number, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the values of its dimensions and its numbers, in the order they were asked for."""

    dimensions: tuple[str, ...]
    metrics: tuple[Number, ...]
    comparison: Comparison | None


@dataclass(frozen=True, slots=True)
class Table:
    """Totals of each measure that is asked for, of the range and of what it is compared with."""

    plan: Plan
    totals: Sequence[Totals]
    compared: Sequence[Totals]

    def keys(self) -> list[Key]:
        """The rows there are, ascending by their dimensions. Raises QueryError where they are too many."""
        times = range(len(self.plan.axis.labels))
        if not self.plan.shape.by_value:
            return [(time, "") for time in times]
        values = sorted({value for totals in self.totals for _, value in totals.by_key})
        named = sum(value not in (NONE_VALUE, OTHER_VALUE) for value in values)
        _check_size(len(times), named, self.plan.shape.breakdown)
        return [(time, value) for time in times for value in values]

    def number(self, i: int, key: Key) -> Number:
        return self.totals[i].number(key, self.plan.asked[i].measure)

    def row(self, key: Key) -> Row:
        numbers = tuple(self.number(i, key) for i in range(len(self.plan.asked)))
        return Row(self._dimensions(key), numbers, self._comparison(key, numbers) if self.plan.compared else None)

    def _dimensions(self, key: Key) -> tuple[str, ...]:
        time, value = key
        shape = self.plan.shape
        return ((self.plan.axis.labels[time],) if shape.time else ()) + ((value,) if shape.by_value else ())

    def _comparison(self, key: Key, numbers: tuple[Number, ...]) -> Comparison:
        exists = self.plan.compared is not None and self.plan.compared.present[key[0]]
        pairs = list(zip(self.compared, self.plan.asked, strict=True))
        before = tuple(totals.number(key, asked.measure) if exists else None for totals, asked in pairs)
        return Comparison(before, tuple(change(b, n) for b, n in zip(before, numbers, strict=True)))


def sort_keys(table: Table, request: Request) -> list[Key]:
    """The rows in order: as asked, then by dimensions, ascending. Breakdown values without a time dimension come with
    the largest first metric first. Rows without a number come last either way.
    """
    keys = table.keys()
    orders = [(f"/order_by/{i}/0", order) for i, order in enumerate(request.order_by)]
    if not orders and table.plan.shape.by_value and not table.plan.shape.time:
        orders = [("/metrics/0", Order(table.plan.asked[0].name, True))]
    for pointer, order in reversed(orders):
        get = _getter(table, order, pointer)
        numbers = {key: get(key) for key in keys}
        some = [key for key in keys if numbers[key] is not None]
        none = [key for key in keys if numbers[key] is None]
        keys = sorted(some, key=lambda key: numbers[key], reverse=order.descending) + none
    return keys


def change(before: Number, now: Number) -> Number:
    """(now - before) / |before|, rounded half-even to four places; None from 0, and where either is missing."""
    if before is None or now is None or before == 0:
        return None
    exact = (Fraction(now) - Fraction(before)) / abs(Fraction(before)) * CHANGE_STEPS
    return from_micro(divide_half_even(exact.numerator, exact.denominator) * (1_000_000 // CHANGE_STEPS))


def _getter(table: Table, order: Order, pointer: str) -> Callable[[Key], Any]:
    shape = table.plan.shape
    if shape.time and order.key == shape.time:
        return lambda key: key[0]
    if shape.by_value and order.key == shape.breakdown:
        return lambda key: key[1]
    for i, asked in enumerate(table.plan.asked):
        if asked.name == order.key:
            return lambda key: table.number(i, key)
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

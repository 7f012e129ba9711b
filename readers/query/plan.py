"""Owns what can be answered: the dimensions, the breakdown and its filters, and which measures may be added up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from readers.query.axis import Axis, compared_axis, time_axis
from readers.query.dates import Span, parse_compare, year_before
from readers.query.errors import QueryError
from readers.query.names import Asked
from readers.query.request import Request

TIMES = ("time:hour", "time:day", "time:week", "time:month")


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the filters leave of a breakdown's values. `only` None: all that occur, without `never`."""

    only: frozenset[str] | None
    never: frozenset[str]

    def __contains__(self, value: str) -> bool:
        return value not in self.never and (self.only is None or value in self.only)

    @property
    def one(self) -> bool:
        """Whether a single value is left at most."""
        return self.only is not None and len(self.only - self.never) <= 1


@dataclass(frozen=True, slots=True)
class Shape:
    """What rows are made of. `breakdown`: the one read, as a dimension (`by_value`) or only to filter by it."""

    time: str | None
    breakdown: str | None
    by_value: bool
    chosen: Chosen

    @property
    def adds_values(self) -> bool:
        """Whether a row is the sum over several values of the breakdown."""
        return self.breakdown is not None and not self.by_value and not self.chosen.one


@dataclass(frozen=True, slots=True)
class Plan:
    """All that reading and adding up need to know."""

    asked: tuple[Asked, ...]
    shape: Shape
    axis: Axis
    compared: Axis | None
    warnings: tuple[str, ...]


def plan_shape(request: Request, asked: tuple[Asked, ...]) -> Shape:
    """The shape of the rows. Raises QueryError for dimensions and filters that don't go together."""
    times = [d for d in request.dimensions if d.startswith("time:")]
    others = [d for d in request.dimensions if not d.startswith("time:")]
    for i, dimension in enumerate(request.dimensions):
        if dimension.startswith("time:") and dimension not in TIMES:
            raise QueryError(f"/dimensions/{i}", f"unknown dimension {dimension!r}; use {', '.join(TIMES)}")
    if len(times) > 1 or len(others) > 1 or list(request.dimensions) != times + others:
        detail = f"dimensions can be none, one of {', '.join(TIMES)}, one breakdown, or a time and then a breakdown"
        raise QueryError("/dimensions", detail)
    for other in others:
        _check_declared(other, asked, f"/dimensions/{len(times)}")
    breakdown = others[0] if others else request.filters[0].breakdown if request.filters else None
    for i, kept in enumerate(request.filters):
        _check_declared(kept.breakdown, asked, f"/filters/{i}/1")
        if kept.breakdown != breakdown:
            detail = f"{breakdown} can't be filtered by {kept.breakdown}: each breakdown is counted by itself"
            raise QueryError(f"/filters/{i}/1", detail)
    return Shape(times[0] if times else None, breakdown, bool(others), _choose(request))


def make_plan(request: Request, shape: Shape, asked: tuple[Asked, ...], span: Span, zone: ZoneInfo) -> Plan:
    """The plan of a query over these days. Raises QueryError for named measures that can't be answered so."""
    axis = time_axis(shape.time, span, zone)
    compared = _compared(request, shape, axis, zone)
    kept, warnings = [], []
    for one in asked:
        reason = _refusal(one, shape, axis, compared)
        if not reason:
            kept.append(one)
        elif not one.whole:
            raise QueryError(one.pointer, f"{one.name}: {reason}")
        else:
            warnings.append(f"{one.name} is left out: {reason}")
    if not kept:
        raise QueryError("/metrics", f"no measure is left; {warnings[0]}")
    return Plan(tuple(kept), shape, axis, compared, tuple(warnings))


def _check_declared(breakdown: str, asked: tuple[Asked, ...], pointer: str) -> None:
    for one in asked:
        declared = one.series.metric.breakdowns
        if breakdown not in declared:
            has = f"it declares {', '.join(declared)}" if declared else "it declares none"
            raise QueryError(pointer, f"{one.series.key} has no breakdown {breakdown!r}; {has}")


def _choose(request: Request) -> Chosen:
    only: frozenset[str] | None = None
    never: frozenset[str] = frozenset()
    for kept in request.filters:
        values = frozenset(kept.values)
        if kept.operator == "is_not":
            never |= values
        else:
            only = values if only is None else only & values
    return Chosen(only, never)


def _refusal(one: Asked, shape: Shape, axis: Axis, compared: Axis | None) -> str | None:
    """Why this measure can't be answered in these rows; None: it can."""
    once_per = one.measure.once_per
    if once_per and shape.adds_values:
        return (
            f"once_per {once_per} holds for each value of {shape.breakdown} by itself, not for several together: "
            f"add the dimension {shape.breakdown}, or filter by one value"
        )
    if once_per == "visitor_day" and max(axis.days_max, compared.days_max if compared else 0) > 1:
        return "once_per visitor_day does not add up over days: use time:day or time:hour, or a range of one day"
    return None


def _compared(request: Request, shape: Shape, axis: Axis, zone: ZoneInfo) -> Axis | None:
    if request.compare is None:
        return None
    span = parse_compare(request.compare, axis.span)
    apart: timedelta = span.first - axis.span.first

    def move(day: date) -> date:
        return year_before(day) if request.compare == "previous_year" else day + apart

    return compared_axis(axis, shape.time, span, move, zone)

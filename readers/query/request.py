"""Owns the form of a query: JSON in, a `Request` out. What its names stand for is decided in `names` and `plan`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from pipeline.model.event import decimal_text
from readers.query.errors import QueryError
from readers.query.limits import LIMIT_DEFAULT, LIMIT_MAX, METRICS_MAX, OFFSET_MAX, VALUES_MAX

T = TypeVar("T")
TITLE = "The query is malformed"
FIELDS = ("metrics", "date_range", "dimensions", "filters", "compare", "order_by", "limit", "offset", "account")
OPERATORS = ("is", "is_not")
DIRECTIONS = ("asc", "desc")
FILTERS_MAX = 20
ORDERS_MAX = METRICS_MAX


@dataclass(frozen=True, slots=True)
class Filter:
    """Keeps (`is`) or drops (`is_not`) values of one breakdown."""

    operator: str
    breakdown: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """A metric or dimension to sort by."""

    key: str
    descending: bool


@dataclass(frozen=True, slots=True)
class Request:
    """A query of the right form. `limit_given`: a cut at the default limit deserves a warning."""

    metrics: tuple[str, ...]
    date_range: str | tuple[str, str]
    dimensions: tuple[str, ...]
    filters: tuple[Filter, ...]
    compare: str | tuple[str, str] | None
    order_by: tuple[Order, ...]
    limit: int
    limit_given: bool
    offset: int


def parse_request(body: Any) -> Request:
    """Read the JSON of a query. Raises QueryError at the first thing that has the wrong form."""
    if not isinstance(body, dict):
        raise QueryError("", "the body must be a JSON object with metrics and date_range", TITLE)
    for key in body:
        if key not in FIELDS:
            raise QueryError(_join("", key), f"unknown field {_show(key)}; known: {', '.join(FIELDS)}", TITLE)
    given = {key: value for key, value in body.items() if value is not None}
    for needed in ("metrics", "date_range"):
        if needed not in given:
            raise QueryError(f"/{needed}", f"{needed} is missing", TITLE)
    return Request(
        metrics=_metrics(given["metrics"]),
        date_range=_range(given["date_range"], "/date_range"),
        dimensions=_strings(given.get("dimensions", []), "/dimensions"),
        filters=_each(given.get("filters", []), "/filters", FILTERS_MAX, _filter),
        compare=_range(given["compare"], "/compare") if "compare" in given else None,
        order_by=_each(given.get("order_by", []), "/order_by", ORDERS_MAX, _order),
        limit=_whole(given.get("limit", LIMIT_DEFAULT), "/limit", 1, LIMIT_MAX),
        limit_given="limit" in given,
        offset=_whole(given.get("offset", 0), "/offset", 0, OFFSET_MAX),
    )


def _metrics(value: Any) -> tuple[str, ...]:
    names = _strings(value, "/metrics")
    if not names:
        raise QueryError("/metrics", "metrics is empty: name at least one, as in big_orders.orders", TITLE)
    if len(names) > METRICS_MAX:
        raise QueryError("/metrics", f"{len(names)} metrics are more than the {METRICS_MAX} one query may ask for")
    return names


def _strings(value: Any, pointer: str) -> tuple[str, ...]:
    for i, item in enumerate(_list(value, pointer)):
        if not isinstance(item, str) or not _is_text(item):
            raise QueryError(f"{pointer}/{i}", f"{_show(item)} is not a string", TITLE)
    return tuple(value)


def _range(value: Any, pointer: str) -> str | tuple[str, str]:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and len(value) == 2 and all(isinstance(day, str) for day in value):
        return value[0], value[1]
    detail = f'{pointer[1:]} must be a name or a pair of days, as in ["2026-10-01", "2026-10-31"]'
    raise QueryError(pointer, detail, TITLE)


def _filter(value: Any, pointer: str) -> Filter:
    match value:
        case [str(operator), str(breakdown), [*values]]:
            if operator not in OPERATORS:
                raise QueryError(f"{pointer}/0", f"unknown operator {_show(operator)}; use is or is_not", TITLE)
            if not values or len(values) > VALUES_MAX:
                counted = f"{len(values)} breakdown values; give 1 to {VALUES_MAX}"
                raise QueryError(f"{pointer}/2", f"a filter with {counted}", TITLE)
            texts = [_value(v, f"{pointer}/2/{i}") for i, v in enumerate(values)]
            return Filter(operator, breakdown, tuple(dict.fromkeys(texts)))
    raise QueryError(pointer, 'a filter has the form ["is", "the.breakdown", ["value", …]]', TITLE)


def _value(value: Any, pointer: str) -> str:
    """Breakdown values are kept as text, so that 1 and "1" are one."""
    match value:
        case str() if _is_text(value):
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return decimal_text(value)
    raise QueryError(pointer, f"{_show(value)} is not a breakdown value; use a string, a number or a boolean", TITLE)


def _order(value: Any, pointer: str) -> Order:
    match value:
        case [str(key), str(direction)] if direction in DIRECTIONS:
            return Order(key, direction == "desc")
    raise QueryError(pointer, 'order_by has the form [["big_orders.revenue", "desc"], …] with asc or desc', TITLE)


def _whole(value: Any, pointer: str, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        detail = f"{pointer[1:]} must be a whole number from {least} to {most}, not {_show(value)}"
        raise QueryError(pointer, detail, TITLE)
    return value


def _each(value: Any, pointer: str, most: int, parse: Callable[[Any, str], T]) -> tuple[T, ...]:
    items = _list(value, pointer)
    if len(items) > most:
        raise QueryError(pointer, f"{len(items)} entries are more than the {most} allowed here", TITLE)
    return tuple(parse(item, f"{pointer}/{i}") for i, item in enumerate(items))


def _list(value: Any, pointer: str) -> list[Any]:
    if not isinstance(value, list):
        raise QueryError(pointer, f"{pointer[1:]} must be a list, not {_show(value)}", TITLE)
    return value


def _is_text(value: str) -> bool:
    """Words of a command line may hold bytes that are no text, which Python keeps as halves of surrogate pairs."""
    return not any("\ud800" <= char < "\ue000" for char in value)


def _join(pointer: str, key: str) -> str:
    return f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"


def _show(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"

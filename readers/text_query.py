"""Owns the text form of a query, as URLs and command lines have it: texts in, the JSON of section "POST" out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from readers.query.errors import QueryError

Texts = Mapping[str, Sequence[str]]
FIELDS = (
    "metrics", "date_range", "from", "to", "dimensions", "filter", "filters", "compare", "order_by", "limit", "offset",
    "account",
)  # fmt: skip
RANGE_DEFAULT = "30d"


def body_of_texts(texts: Texts) -> dict[str, Any]:
    """The JSON of a query. `metrics`, `dimensions` and `order_by` are comma separated or repeated, `filter` is
    `NAME=VALUE` or `NAME!=VALUE` (of one name: any of the values), `filters` is JSON. Raises QueryError.
    """
    for name in texts:
        if name not in FIELDS:
            raise QueryError(f"/{name}", f"unknown parameter {name!r}; known: {', '.join(FIELDS)}")
    body: dict[str, Any] = {
        "metrics": _listed(texts, "metrics"),
        "date_range": _date_range(texts),
        "dimensions": _listed(texts, "dimensions"),
        "filters": [*_json_filters(texts), *_filters(texts.get("filter", ()))],
        "order_by": [_order(text) for text in _listed(texts, "order_by")],
        "compare": _name_or_pair(_last(texts, "compare")),
        "limit": _whole(texts, "limit"),
        "offset": _whole(texts, "offset"),
        "account": _last(texts, "account"),
    }
    return {name: value for name, value in body.items() if value is not None}


def _listed(texts: Texts, name: str) -> list[str]:
    return [part.strip() for text in texts.get(name, ()) for part in text.split(",") if part.strip()]


def _last(texts: Texts, name: str) -> str | None:
    given = texts.get(name)
    return given[-1] if given else None


def _date_range(texts: Texts) -> str | list[str]:
    first, last = _last(texts, "from"), _last(texts, "to")
    if (first is None) != (last is None):
        raise QueryError("/date_range", "from and to go together: give both, or a date_range")
    if first is None or last is None:
        return _name_or_pair(_last(texts, "date_range")) or RANGE_DEFAULT
    if "date_range" in texts:
        raise QueryError("/date_range", "give either from and to or a range, not both")
    return [first, last]


def _name_or_pair(text: str | None) -> str | list[str] | None:
    return [part.strip() for part in text.split(",")] if text and "," in text else text


def _filters(texts: Sequence[str]) -> list[list[Any]]:
    found: dict[tuple[str, str], list[str]] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip("!"):
            raise QueryError("/filters", f"{text!r} is not a filter; write NAME=VALUE or NAME!=VALUE")
        operator = "is_not" if name.endswith("!") else "is"
        found.setdefault((operator, name.removesuffix("!")), []).append(value)
    return [[operator, name, values] for (operator, name), values in found.items()]


def _json_filters(texts: Texts) -> list[Any]:
    text = _last(texts, "filters")
    if text is None:
        return []
    try:
        filters = orjson.loads(text)
    except orjson.JSONDecodeError:
        filters = None
    if not isinstance(filters, list):
        raise QueryError("/filters", 'filters is not JSON of the form [["is", "the.breakdown", ["value"]]]')
    return filters


def _order(text: str) -> list[str]:
    key, _, direction = text.rpartition(":")
    return [key, direction] if key and direction in ("asc", "desc") else [text, "asc"]


def _whole(texts: Texts, name: str) -> int | str | None:
    text = _last(texts, name)
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 20 else text

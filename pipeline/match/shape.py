"""The first check of a condition, before its meaning: plain JSON, within bounds. It makes recursion safe."""

from __future__ import annotations

import math
from typing import Any

from pipeline.match.errors import ConditionError, below

DEPTH_MAX = 32
VALUES_MAX = 20_000  # $in lists are the reason for so many
PATH_CHARS_MAX = 500


def check_shape(condition: object) -> None:
    """Raises ConditionError for what JSON can't hold (dates, number keys of YAML), too deep, or too much."""
    pending: list[tuple[Any, str, int]] = [(condition, "", 0)]
    seen = 0
    while pending:
        value, place, depth = pending.pop()
        seen += 1
        if seen > VALUES_MAX:
            raise ConditionError("", f"more than {VALUES_MAX:,} values; put long lists into a group and use $inGroup")
        if not isinstance(value, (dict, list)):
            check_scalar(value, place)
        elif depth >= DEPTH_MAX:
            raise ConditionError(place, f"nested more than {DEPTH_MAX} levels deep; flatten it")
        elif isinstance(value, dict):
            pending.extend((inner, below(place, _checked_key(key, place)), depth + 1) for key, inner in value.items())
        else:
            pending.extend((inner, below(place, index), depth + 1) for index, inner in enumerate(value))


def _checked_key(key: Any, place: str) -> str:
    if not isinstance(key, str):
        raise ConditionError(place, f"the key {key!r} is not a text; put it in quotes")
    _check_text(key, place)
    if len(key) > PATH_CHARS_MAX:
        raise ConditionError(place, f"a path of {len(key)} characters; use at most {PATH_CHARS_MAX}")
    return key


def check_scalar(value: Any, place: str) -> None:
    """Raises ConditionError for what is no scalar of JSON."""
    if isinstance(value, str):
        _check_text(value, place)
    elif isinstance(value, (int, float)):
        _check_number(value, place)
    elif value is not None:
        raise ConditionError(place, f"a {type(value).__name__} is not a JSON value; put it in quotes")


def _check_text(text: str, place: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ConditionError(place, "holds half a surrogate pair; write the whole character") from None


def _check_number(value: float, place: str) -> None:
    try:
        finite = math.isfinite(value)
    except OverflowError:
        finite = False
    if not finite:
        raise ConditionError(place, "not a number that JSON and a double can hold; use a smaller one")

"""Owns how a value in an event, or a condition's operand, is shown: with its JSON type, and no more of it than a line."""

from __future__ import annotations

import math
from typing import Any

import orjson

from pipeline.match.coerce import number_text, type_name
from pipeline.match.path import value_at

SHOWN_BYTES_MAX = 300
ABSENT = "absent"


def seen(event: Any, path: tuple[str, ...]) -> dict[str, Any]:
    """{value, type} of what stands at a path; `cut` where the value is only the beginning of its JSON.

    The type is one of null, boolean, number, string, array, object, and `absent`, which conditions take for null.
    """
    value = value_at(event, path)
    kind = ABSENT if value is None and not _is_there(event, path) else type_name(value)
    return {"type": kind, **shown(value)}


def shown(value: Any, name: str = "value") -> dict[str, Any]:
    """{name: value}, or the beginning of its JSON as a text, and `{name}_cut` true."""
    if isinstance(value, float) and not math.isfinite(value):
        return {name: number_text(value)}
    try:
        text = orjson.dumps(value)
    except orjson.JSONEncodeError:
        return {name: "nested too deep to be shown", f"{name}_cut": True}
    if len(text) <= SHOWN_BYTES_MAX:
        return {name: value}
    return {name: f"{text[:SHOWN_BYTES_MAX].decode(errors='ignore')}…", f"{name}_cut": True}


def _is_there(event: Any, path: tuple[str, ...]) -> bool:
    """Whether a null is written at the path."""
    above = value_at(event, path[:-1])
    if isinstance(above, dict):
        return path[-1] in above
    return isinstance(above, list) and value_at([True] * len(above), path[-1:]) is True

"""Reaching into an event by a dotted path, as GrowthBook does. Owns no bounds: parsing a condition checks those."""

from __future__ import annotations

from typing import Any

_INDEX_DIGITS_MAX = 9  # no event holds a list of a thousand million elements


def value_at(event: Any, path: tuple[str, ...]) -> Any:
    """The value at the path, or None: objects by their own key, lists by a plain decimal index. Never raises."""
    for part in path:
        if isinstance(event, dict):
            event = event.get(part)
        elif isinstance(event, list):
            event = _element(event, part)
        else:
            return None
    return event


def _element(elements: list[Any], part: str) -> Any:
    plain = part.isascii() and part.isdigit() and len(part) <= _INDEX_DIGITS_MAX and (part[0] != "0" or part == "0")
    return elements[int(part)] if plain and int(part) < len(elements) else None

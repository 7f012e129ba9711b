"""Owns the way from the place that a complaint names to a JSON pointer (RFC 6901) into the document as it was written.

Complaints write places with dots, and so are paths of events, which are keys here: `where.properties.total.$gte` is
three keys deep. Which keys they are, the document tells.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_INDEX = re.compile(r"\[(\d{1,9})\](.*)", re.DOTALL)
_Keys = tuple[str | int, ...]


def pointer_of(document: Any, parts: tuple[str, ...]) -> str:
    """The pointer to where the parts of a place lead (see `DefinitionError`); its last key may be missing there."""
    keys: _Keys = ()
    for part in parts:
        value = _reach(document, keys)
        keys += next(_readings(value, part), (part,))
    return to_pointer(keys)


def to_pointer(keys: _Keys) -> str:
    """Keys and indices as a JSON pointer. Half a surrogate pair, which no answer can hold, is spelled out."""
    text = "".join(f"/{str(key).replace('~', '~0').replace('/', '~1')}" for key in keys)
    return text.encode("utf-8", "backslashreplace").decode()


def _readings(value: Any, text: str) -> Iterator[_Keys]:
    """The ways to read a written place in this value that lead somewhere, that with the longest keys first."""
    if not text:
        yield ()
    index = _INDEX.fullmatch(text)
    if index and isinstance(value, (list, tuple)) and int(index[1]) < len(value):
        for rest in _readings(value[int(index[1])], index[2].removeprefix(".")):
            yield (int(index[1]), *rest)
    if isinstance(value, Mapping):
        for key in sorted((key for key in value if _begins(text, key)), key=len, reverse=True):
            for rest in _readings(value[key], text[len(key) :].removeprefix(".")):
                yield (key, *rest)


def _begins(text: str, key: Any) -> bool:
    if not isinstance(key, str) or not key or not text.startswith(key):
        return False
    return len(text) == len(key) or text[len(key)] in ".["


def _reach(value: Any, keys: _Keys) -> Any:
    for key in keys:
        try:
            value = value[key]
        except (LookupError, TypeError):
            return None
    return value

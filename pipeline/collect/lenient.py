"""Takes apart JSON that is almost JSON, so that one bad event does not take the others of its batch with it.

Clients do send it: JavaScript cuts a text within an emoji (half of a surrogate pair), Python writes NaN. Only the cuts
between values are found here; each value's bytes stay as they came, for whoever reads them to judge.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

_SPACE = re.compile(r"[ \t\n\r]*")
_ENCODING = ("utf-8", "surrogateescape")


def split_object(raw: bytes) -> dict[str, bytes]:
    """The values of an object by their names, a repeated name's last. Raises ValueError, RecursionError."""
    return {name: value.encode(*_ENCODING) for name, value in _members(raw.decode(*_ENCODING), "{}")}


def split_list(raw: bytes) -> list[bytes]:
    """The values of a list. Raises ValueError, RecursionError."""
    return [value.encode(*_ENCODING) for _, value in _members(raw.decode(*_ENCODING), "[]")]


def _members(text: str, brackets: str) -> Iterator[tuple[str, str]]:
    at = _after(text, _blank(text, 0), brackets[0])
    if text.startswith(brackets[1], at):
        at += 1
    else:
        while True:
            name = ""
            if brackets == "{}":
                name, at = _name(text, at)
            end = _end(text, at)
            yield name, text[at:end]
            at = _blank(text, end)
            if text.startswith(brackets[1], at):
                at += 1
                break
            at = _after(text, at, ",")
    if _blank(text, at) != len(text):
        raise ValueError(f"trailing characters at {at}")


def _name(text: str, at: int) -> tuple[str, int]:
    if not text.startswith('"', at):
        raise ValueError(f"no name at {at}")
    name, end = _SCANNER.raw_decode(text, at)
    return name, _after(text, _blank(text, end), ":")


def _end(text: str, at: int) -> int:
    end: int = _SCANNER.raw_decode(text, at)[1]
    return end


def _after(text: str, at: int, wanted: str) -> int:
    """Behind a character that must stand here, and the space that follows it."""
    if not text.startswith(wanted, at):
        raise ValueError(f"no {wanted} at {at}")
    return _blank(text, at + 1)


def _blank(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _nothing(_: str) -> None:
    """Numbers are not read: they may be of any size."""


_SCANNER = json.JSONDecoder(parse_int=_nothing, parse_float=_nothing, parse_constant=_nothing)

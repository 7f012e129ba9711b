"""A record's JSON as a whole, for the long way. Owns which texts are JSON there, the same as on the short way.

`orjson` refuses numbers beyond the doubles wherever they stand; the structs of the short way don't look at what they
pass over. A record must not depend on the way it takes, so such numbers are infinite, as JavaScript reads them.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

import orjson

_INT_MIN, _INT_MAX = -(2**63), 2**64 - 1  # `orjson` reads integers beyond as doubles
_INT_CHARS_MAX = len(str(_INT_MIN))
_ESCAPE = re.compile(r"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(u[dD][89a-fA-F]..)|.)")  # a pair, (a half), any other


class NotJson(ValueError):
    """What is wrong with the text. `deep`: it is nested too deep to be read at all."""

    def __init__(self, cause: str, deep: bool = False) -> None:
        super().__init__(cause)
        self.deep = deep


def parse_whole(raw: bytes) -> Any:
    """The value of a JSON text, of repeated keys the last. Raises NotJson."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        cause = str(error)
    if "infinity" in cause:
        return _with_infinities(raw)
    raise NotJson(cause, "depth" in cause or "recursion" in cause)


def deeper_than(value: object, depth_max: int) -> bool:
    """Whether more than so many objects and arrays lie in one another. Without recursion."""
    level: list[object] = [value]
    for _ in range(depth_max):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer if isinstance(outer, list) else ())
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def _with_infinities(raw: bytes) -> Any:
    """By Python's own parser, held to what `orjson` takes for JSON."""
    try:
        text = raw.decode()
        value = json.loads(text, parse_int=_whole_number, parse_constant=_refuse)
    except RecursionError:
        raise NotJson("nested too deep to be read", deep=True) from None
    except ValueError as error:
        raise NotJson(str(error)) from None
    if any(found[1] for found in _ESCAPE.finditer(text)):
        raise NotJson("half a surrogate pair in a text")
    return value


def _whole_number(digits: str) -> int | float:
    number = int(digits) if len(digits) <= _INT_CHARS_MAX else _INT_MAX + 1
    return number if _INT_MIN <= number <= _INT_MAX else float(digits)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")

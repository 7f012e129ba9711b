"""JSON values as JavaScript sees them: text, number, truth, order and equality.

The condition language is GrowthBook's, which runs in JavaScript: `{"n": {"$gt": 5}}` holds for the string "8". This
module owns these conversions (ECMAScript's ToString, ToNumber, ToBoolean, IsLessThan). Every function is total: it
never raises, whatever the value, and takes time linear in its size. It knows nothing of operators or paths.
"""

from __future__ import annotations

import math
import re
from typing import Any

# Above this, integers aren't exact in a double, and JavaScript has nothing else. Without it the answer would depend
# on which JSON reader decoded the event: some keep large integers, some round them.
EXACT_MAX = 2**53

_SPACE = "\t\n\v\f\r \u00a0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000\ufeff"
_DECIMAL = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_RADIX = re.compile(r"0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)")
_INFINITY = {"Infinity": math.inf, "+Infinity": math.inf, "-Infinity": -math.inf}


def as_double(number: int | float) -> int | float:
    """The number as a double holds it (small integers stay `int`: they compare and hash the same)."""
    if isinstance(number, float) or -EXACT_MAX <= number <= EXACT_MAX:
        return number
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def number_text(number: int | float) -> str:
    """The shortest decimal text, with an exponent from 1e21 on and below 1e-6."""
    number = as_double(number)
    if isinstance(number, int):
        return str(number)
    if not math.isfinite(number):
        return "NaN" if number != number else "Infinity" if number > 0 else "-Infinity"
    text = repr(number if number else 0.0)
    if "e" not in text:
        return text.removesuffix(".0")
    return _exponent_text(text)


def _exponent_text(text: str) -> str:
    """Python writes exponents from 1e16 on and below 1e-4; this rewrites its text to JavaScript's borders."""
    sign = "-" if text[0] == "-" else ""
    mantissa, _, exponent = text.lstrip("-").partition("e")
    digits = mantissa.replace(".", "")
    point = int(exponent) + 1
    if len(digits) <= point <= 21:
        return sign + digits.ljust(point, "0")
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{point - 1:+d}"


def text_of(value: Any) -> str:
    """`String(value)`: null is "null", a list its elements joined with commas, an object "[object Object]"."""
    if isinstance(value, str):
        return value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return number_text(value)
    return _list_text(value) if isinstance(value, list) else "[object Object]"


def _list_text(elements: list[Any]) -> str:
    """Nested lists join to the same text as flat ones, so a stack will do: no recursion into what an event holds."""
    parts: list[str] = []
    stack = [iter(elements or ("",))]
    while stack:
        for element in stack[-1]:
            if isinstance(element, list):
                stack.append(iter(element or ("",)))
                break
            parts.append("" if element is None else text_of(element))
        else:
            stack.pop()
    return ",".join(parts)


def number_of(value: Any) -> int | float:
    """`Number(value)`: "" and null are 0, booleans 0 and 1, what is no number is NaN (which compares false)."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, (int, float)):
        return as_double(value)
    if value is None:
        return 0
    if isinstance(value, str):
        return _parse_number(value)
    return _parse_number(_list_text(value)) if isinstance(value, list) else math.nan


def _parse_number(text: str) -> int | float:
    text = text.strip(_SPACE)
    if not text:
        return 0
    if _DECIMAL.fullmatch(text):
        return float(text)
    if _RADIX.fullmatch(text):
        return as_double(int(text, 0))
    return _INFINITY.get(text, math.nan)


def truth_of(value: Any) -> bool:
    """`Boolean(value)`: empty lists and objects are true, unlike in Python; NaN is false."""
    if value is None or isinstance(value, (bool, str)):
        return bool(value)
    return value != 0 and value == value if isinstance(value, (int, float)) else True


def comparable(value: Any) -> str | int | float:
    """What `<` compares: a string (then by text, if both are), or else a number."""
    return text_of(value) if isinstance(value, (str, list, dict)) else number_of(value)


def text_key(text: str) -> bytes:
    """Sorts as JavaScript sorts strings: by UTF-16 units, so that emoji come before U+E000 to U+FFFF."""
    return text.encode("utf-16-be", "surrogatepass")


def type_name(value: Any) -> str:
    """`typeof`, with null and arrays told apart from objects."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    return "string" if isinstance(value, str) else "array" if isinstance(value, list) else "object"


def same(value: Any, wanted: Any) -> bool:
    """`===` for scalars, with 1 equal to 1.0 and not to true; lists and objects are equal when all in them is.

    Recursion is as deep as `wanted`, which is part of a condition and hence bounded. The order of keys doesn't count:
    definitions are stored and compared with sorted keys.
    """
    if isinstance(wanted, list):
        return isinstance(value, list) and len(value) == len(wanted) and all(map(same, value, wanted))
    if isinstance(wanted, dict):
        alike = isinstance(value, dict) and value.keys() == wanted.keys()
        return alike and all(same(value[key], inner) for key, inner in wanted.items())
    if wanted is None or isinstance(wanted, bool):
        return value is wanted
    if isinstance(wanted, str):
        return isinstance(value, str) and value == wanted
    return isinstance(value, (int, float)) and not isinstance(value, bool) and as_double(value) == as_double(wanted)

"""Regular expressions: RE2, searched in linear time. Owns their bounds and the cures for foreign syntax."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import re2

from pipeline.match.coerce import text_of
from pipeline.match.errors import ConditionError

PATTERN_CHARS_MAX = 1_000
# Of one condition: each pattern may hold _MEMORY_BYTES_MAX once events have met it, and compiling takes a microsecond an
# instruction. `\pL` is 1,200 instructions, most patterns are some ten.
PATTERNS_MAX = 100
INSTRUCTIONS_MAX = 100_000
_MEMORY_BYTES_MAX = 1 << 20  # RE2's own default is 8 MiB a pattern; a definition may hold thousands of them
_CURES = (
    ("(?", "lookarounds are not RE2 syntax: use a second condition, with $not for a negative one"),
    ("\\u", "write \\x{00e9} instead of \\u00e9"),
    ("\\c", "write control characters as \\x{01}"),
    ("repetition size", "repeat at most 1,000 times in all"),
    ("too large", "shorten the pattern or its repetitions"),
)


class PatternBudget:
    """What the patterns of one condition may cost together."""

    def __init__(self) -> None:
        self._patterns = PATTERNS_MAX
        self._instructions = INSTRUCTIONS_MAX

    def spend(self, instructions: int, place: str) -> None:
        """One more pattern. Raises ConditionError."""
        self._patterns -= 1
        self._instructions -= instructions
        if self._patterns < 0:
            raise ConditionError(place, f"more than {PATTERNS_MAX} patterns in a condition; join some with |")
        if self._instructions < 0:
            raise ConditionError(place, "the patterns of the condition are too large together; shorten them")


def compile_pattern(
    pattern: str, insensitive: bool, place: str, budget: PatternBudget | None = None
) -> Callable[[Any], bool]:
    """A test that holds when the pattern is found anywhere in the value's text. Raises ConditionError."""
    if len(pattern) > PATTERN_CHARS_MAX:
        raise ConditionError(place, f"the pattern has {len(pattern)} characters; use at most {PATTERN_CHARS_MAX}")
    try:
        compiled = re2.compile(pattern.encode(), _options(insensitive))
    except re2.error as error:
        raise ConditionError(place, _complaint(error)) from None
    if budget is not None:
        budget.spend(compiled.programsize, place)
    search = compiled.search
    return lambda value: search(_utf8(text_of(value))) is not None


def _options(insensitive: bool) -> re2.Options:
    options = re2.Options()
    options.case_sensitive = not insensitive
    options.log_errors = False
    options.max_mem = _MEMORY_BYTES_MAX
    options.never_capture = True
    return options


def _complaint(error: re2.error) -> str:
    cause = error.args[0] if error.args else b""
    reason = cause.decode("utf-8", "replace") if isinstance(cause, bytes) else str(cause)
    escape = reason.partition("invalid escape sequence: \\")[2]
    if escape[:1].isdigit():
        return f"bad pattern ({reason}): backreferences are not RE2 syntax; spell the text out"
    cure = next((cure for sign, cure in _CURES if sign in reason), "correct it; the syntax is RE2's")
    return f"bad pattern ({reason}): {cure}"


def _utf8(text: str) -> bytes:
    """Half surrogate pairs, which some JSON readers let through, are searched as U+FFFD."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()

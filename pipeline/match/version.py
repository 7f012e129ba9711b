"""Version strings as text that sorts: `1.2.3-rc.1` before `1.2.3`, `1.9.0` before `1.10.0`. Owns nothing else."""

from __future__ import annotations

import re
from typing import Any

from pipeline.match.coerce import number_text

_SEPARATOR = re.compile(r"[-.]")
_LINE_ENDS = "\n\r\u2028\u2029"
_PART_WIDTH = 5


def padded_version(value: Any) -> str:
    """Numeric parts padded to one width, `~` after a plain three-part version; what is no version counts as "0".

    A leading `v` and the build (`+…` to the end of the text, if on its last line) are left out.
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = number_text(value)
    text = value if isinstance(value, str) and value else "0"
    parts = _SEPARATOR.split(_without_build(text).removeprefix("v"))
    if len(parts) == 3:
        parts.append("~")
    return "-".join(part.rjust(_PART_WIDTH) if part.isascii() and part.isdigit() else part for part in parts)


def _without_build(text: str) -> str:
    """By hand: the regular expression for it takes quadratic time on a text of many `+`."""
    last_line = 1 + max(text.rfind(end) for end in _LINE_ENDS)
    plus = text.find("+", last_line)
    return text if plus < 0 else text[:plus]

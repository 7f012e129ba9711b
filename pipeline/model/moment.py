"""Owns the moments that definitions name: RFC 3339 in, one form of it out (UTC, milliseconds, `Z`), which sorts as time."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")
_FIRST_YEAR = 1970  # counters know no earlier days


def parse_moment(text: object) -> str | None:
    """A moment in its one form, None for what is none."""
    if not isinstance(text, str) or not _RFC_3339.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment_text(moment) if moment.year >= _FIRST_YEAR else None


def moment_text(moment: datetime) -> str:
    """The one form of a moment that knows its offset."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

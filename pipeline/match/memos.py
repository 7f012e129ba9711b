"""How much is remembered of what was worked out by value: many dicts, bounded together."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

BYTES_MAX = 48 << 20
_ENTRY_BYTES = 120  # of memory, roughly, without the text


class Memos:
    """Memos come from whoever sends events: names, values, visitors. When they are full all are forgotten at once, which
    costs working them out again.
    """

    def __init__(self, bytes_max: int = BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._bytes = 0
        self._filled: list[dict[Any, Any]] = []

    def put(self, memo: dict[Any, Any], key: Hashable, value: object) -> None:
        """Remember it in `memo`, which only this fills."""
        if self._bytes >= self._bytes_max:
            for filled in self._filled:
                filled.clear()
            self._filled.clear()
            self._bytes = 0
        if not memo:
            self._filled.append(memo)
        memo[key] = value
        self._bytes += _ENTRY_BYTES + (len(key) if isinstance(key, str) else 0)

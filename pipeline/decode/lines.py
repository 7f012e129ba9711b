"""The lines of a block by number, for the few that are looked at again. Cut only when one is asked for."""

from __future__ import annotations

from functools import cached_property


class Lines:
    """`data` cut at its line ends. A line is given without its end."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __getitem__(self, number: int) -> bytes:
        return self._all[number]

    def offset(self, number: int) -> int:
        """The offset of a line's first byte in the block."""
        return self._offsets[number]

    @cached_property
    def _all(self) -> list[bytes]:
        return self._data.split(b"\n")

    @cached_property
    def _offsets(self) -> list[int]:
        offsets, at = [], 0
        for line in self._all:
            offsets.append(at)
            at += len(line) + 1
        return offsets

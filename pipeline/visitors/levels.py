"""Sorted rows to which a few are added again and again: a large level, and a small one that is merged into it now and then.

A unit learns some hundred rows where millions are held; with one level each unit would move them all.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SMALL_ROWS_MIN = 4_096
LARGE_TO_SMALL = 16  # the small one is merged when it has grown to this part of the large one

Columns = Sequence[np.ndarray]


class Levels:
    """Parallel columns, in each level sorted by the first. empty: columns without rows, of the right types."""

    def __init__(self, *empty: np.ndarray) -> None:
        self._empty = empty
        self._large = list(empty)
        self._small = list(empty)

    @property
    def each(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """The levels. Values, not keys, may be changed in place."""
        return self._large, self._small

    def add(self, rows: Columns) -> None:
        """Take in more rows, sorted by the first column."""
        if not len(rows[0]):
            return
        self._small = _merged(self._small, rows)
        if len(self._small[0]) > max(SMALL_ROWS_MIN, len(self._large[0]) // LARGE_TO_SMALL):
            rows, self._small = self._small, list(self._empty)
            self._large = _merged(self._large, rows)

    def all(self) -> list[np.ndarray]:
        """All rows as one, sorted."""
        return _merged(list(self._large), self._small) if len(self._small[0]) else self._large

    @property
    def nbytes(self) -> int:
        """What the rows take in memory."""
        return sum(column.nbytes for level in self.each for column in level)


def _merged(held: list[np.ndarray], new: Columns) -> list[np.ndarray]:
    """Both, sorted. Takes the columns of `held` one after the other, so that only one is there twice."""
    if not len(held[0]):
        return list(new)
    at = np.searchsorted(held[0], new[0]) + np.arange(len(new[0]))
    old = np.ones(len(held[0]) + len(new[0]), dtype=bool)
    old[at] = False
    for i, column in enumerate(new):
        merged = np.empty(len(old), dtype=column.dtype)
        merged[at], merged[old] = column, held[i]
        held[i] = merged
    return held


def found_at(held: np.ndarray, at: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Whether `wanted` stands at the places a search gave. Bool, shape of `wanted`."""
    if not len(held):
        return np.zeros(len(wanted), dtype=bool)
    return held[np.minimum(at, len(held) - 1)] == wanted

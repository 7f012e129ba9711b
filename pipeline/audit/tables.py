"""Holds two tables of cells against one another. What one of them has no row for, it has counted nothing of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pipeline.audit.cells import Cells, Columns, added_up, nothing

ALL_VALUES = -1  # stands for all values of a breakdown together


@dataclass(frozen=True, slots=True)
class Differing:
    """The cells that are not equal. `compared`, `numbers`: how many numbers there are, and how many of them differ."""

    compared: int
    numbers: int
    when: np.ndarray
    value: np.ndarray
    first: np.ndarray  # the rows of both
    second: np.ndarray

    def rows(self, most: int) -> Iterator[tuple[int, int, list[int], list[int]]]:
        """Some of them: (when, value, first, second), by time."""
        for at in range(min(most, len(self.when))):
            yield int(self.when[at]), int(self.value[at]), self.first[at].tolist(), self.second[at].tolist()


def differing(first: Cells, second: Cells, cols: Columns) -> Differing:
    """Both have one row for each (value, when)."""
    when, value = np.concatenate([first.when, second.when]), np.concatenate([first.value, second.value])
    width = int(value.max(initial=0)) - ALL_VALUES + 1
    keys, inverse = np.unique(when * width + (value - ALL_VALUES), return_inverse=True)
    rows = [nothing(cols, len(keys)) for _ in (first, second)]
    for table, into, at in zip((first, second), rows, np.split(inverse, [len(first.when)]), strict=True):
        into[at] = table.rows
    differs = rows[0] != rows[1]
    sums = [i for i, column in enumerate(cols) if column.part == "hi"]
    numbers = differs.sum() - (differs[:, sums] & differs[:, [i + 1 for i in sums]]).sum()  # a sum has two columns
    at = np.flatnonzero(differs.any(axis=1))
    when, value = np.divmod(keys[at], width)
    return Differing(len(keys) * (len(cols) - len(sums)), int(numbers), when, value + ALL_VALUES, rows[0][at], rows[1][at])


def with_values_merged(cells: Cells, days: np.ndarray, per_day: int, cols: Columns) -> Cells:
    """On these days, one row for all values. per_day: how many `when`s a day has."""
    if not len(days):
        return cells
    merged = np.where(np.isin(cells.when // per_day, days), ALL_VALUES, cells.value)
    return added_up(cells._replace(value=merged), cols)

"""Owns tables of cells: what the columns of a metric's cells are called, and the adding up of rows with equal keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pipeline.model.counter import NO_MAX, NO_MIN, QUALITY, Column, columns, from_micro, join_limbs
from pipeline.model.definition import Metric

# Notes on quality that events alone decide. The others, late ones and duplicates, depend on how events arrived.
COMPARED_NOTES = ("no_visitor", "no_number")
_NEUTRAL = {"min": NO_MIN, "max": NO_MAX}

Columns = Sequence[Column]


class Cells(NamedTuple):
    """Rows of columns as parallel arrays. `value` is a number that stands for a breakdown's value."""

    value: np.ndarray  # int64
    when: np.ndarray  # int64: days since 1970, or days * HOURS_PER_DAY + hour
    rows: np.ndarray  # int64, shape (n, columns)

    def take(self, at: np.ndarray) -> Cells:
        """The rows at these places, or where a mask is true."""
        return Cells(self.value[at], self.when[at], self.rows[at])


def columns_of(metric: Metric, breakdown: int) -> tuple[Column, ...]:
    """What is compared of a metric's cells, in their order; `breakdown` 0 has notes on quality behind its measures."""
    notes = tuple(Column(f"quality.{note}", "n") for note in COMPARED_NOTES) if breakdown == 0 else ()
    return (*columns(metric.measures), *notes)


def compared(metric: Metric, breakdown: int, rows: np.ndarray) -> np.ndarray:
    """The columns of stored rows that `columns_of` names: all but the notes that depend on the arrival."""
    measured = len(columns(metric.measures))
    notes = [measured + QUALITY.index(note) for note in COMPARED_NOTES] if breakdown == 0 else []
    return rows[:, [*range(measured), *notes]]


def stored_width(metric: Metric, breakdown: int) -> int:
    """How many columns a stored row has."""
    return len(columns(metric.measures)) + (len(QUALITY) if breakdown == 0 else 0)


def nothing(cols: Columns, n: int) -> np.ndarray:
    """n rows in which nothing was counted."""
    row = np.array([_NEUTRAL.get(c.part, 0) for c in cols], dtype=np.int64)
    return np.tile(row, (n, 1))


def joined(parts: Sequence[Cells], width: int) -> Cells:
    """Several tables one below the other, each of so many columns."""
    none = Cells(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros((0, width), dtype=np.int64))
    return Cells(*(np.concatenate(column) for column in zip(none, *parts, strict=True)))


def added_up(cells: Cells, cols: Columns) -> Cells:
    """One row for each (value, when), in their order."""
    if not len(cells.when):
        return cells
    order = np.lexsort((cells.when, cells.value))
    value, when, rows = cells.take(order)
    begins = np.flatnonzero(np.concatenate([[True], (value[1:] != value[:-1]) | (when[1:] != when[:-1])]))
    totals = np.add.reduceat(rows, begins, axis=0)
    for part, best in (("min", np.minimum), ("max", np.maximum)):
        for i in (i for i, column in enumerate(cols) if column.part == part):
            totals[:, i] = best.reduceat(rows[:, i], begins)
    return Cells(value[begins], when[begins], totals)


def shown_numbers(cols: Columns, row: Sequence[int]) -> dict[str, str | None]:
    """A row for people, exact: measure and part -> number as text, None where there is none (least, most of nothing)."""
    shown: dict[str, str | None] = {}
    for i, (measure, part) in enumerate((c.measure, c.part) for c in cols):
        if part == "n":
            mean = any(c.measure == measure and c.part == "hi" for c in cols)
            shown[f"{measure} (values)" if mean else measure] = str(row[i])
        elif part == "hi":
            shown[measure] = format(from_micro(join_limbs(row[i], row[i + 1])), "f")
        elif part in _NEUTRAL:
            shown[measure] = None if row[i] == _NEUTRAL[part] else format(from_micro(row[i]), "f")
    return shown

"""Owns the adding up: cells of all slots into the totals of each row and breakdown value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from pipeline.model.counter import Column, measure_value, neutral_row
from pipeline.model.definition import Measure
from readers.query.axis import Axis
from readers.query.found import Found
from readers.query.plan import Shape

Number = int | Decimal | None
Key = tuple[int, str]  # the row's place on the time axis, and its breakdown value ("": none)


@dataclass(frozen=True, slots=True)
class Totals:
    """The totals of one series by row. A key without an entry had no event."""

    cols: tuple[Column, ...]
    by_key: dict[Key, list[int]]
    nothing: list[int]

    def number(self, key: Key, measure: Measure) -> Number:
        """A measure of one row."""
        return measure_value(self.cols, self.by_key.get(key, self.nothing), measure)


def add_up(found: Found, axis: Axis, shape: Shape) -> Totals:
    """The totals of each row and, with a breakdown as dimension, value. Rows that add up to nothing are left out: a
    cell that was taken back to nothing says no more than one that was never written.
    """
    nothing = neutral_row(found.cols, quality=False)
    names, codes = _encode(found.values, shape)
    codes = np.repeat(codes, found.lengths())
    kept = np.flatnonzero(codes >= 0)
    positions, rows = axis.place(found.ticks()[kept])
    cells = kept[positions]
    groups, totals = _add_groups(found.cols, found.matrix()[cells], rows * len(names) + codes[cells])
    some = (totals != nothing).any(axis=1)
    keys = ((group // len(names), names[group % len(names)]) for group in groups[some].tolist())
    return Totals(found.cols, dict(zip(keys, totals[some].tolist(), strict=True)), nothing.tolist())


def first_tick(found: Found) -> int | None:
    """The first tick at which anything was counted."""
    some = (found.matrix() != neutral_row(found.cols, quality=False)).any(axis=1)
    return int(found.ticks()[some].min()) if some.any() else None


def _encode(values: Sequence[str], shape: Shape) -> tuple[list[str], np.ndarray]:
    """Row values as numbers into a list of names; -1 for those that the filters drop."""
    distinct = dict.fromkeys(values)
    kept = [value for value in distinct if shape.breakdown is None or value in shape.chosen]
    names = sorted(kept) if shape.by_value else [""]
    code = {value: at if shape.by_value else 0 for at, value in enumerate(sorted(kept))}
    return names or [""], np.array([code.get(value, -1) for value in values], dtype=np.int64)


def _add_groups(cols: tuple[Column, ...], rows: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct groups, ascending, and the totals of their rows (as `counter.add_rows`, for many groups at once)."""
    order = np.argsort(groups, kind="stable")
    rows, groups = rows[order], groups[order]
    starts = np.flatnonzero(np.diff(groups, prepend=-1))
    if not len(starts):
        return groups, rows
    totals = np.add.reduceat(rows, starts, axis=0)
    for part, reduce in (("min", np.minimum), ("max", np.maximum)):
        for i in (i for i, column in enumerate(cols) if column.part == part):
            totals[:, i] = reduce.reduceat(rows[:, i], starts)
    return groups[starts], totals

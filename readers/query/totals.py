"""Owns the adding up: what was found of a series into the totals of each row and breakdown value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.model.counter import Column, neutral_row
from readers.query.axis import Axis
from readers.query.found import Found
from readers.query.part import add_groups
from readers.query.plan import Shape


@dataclass(frozen=True, slots=True)
class Totals:
    """The totals of one series: int64, (entries, columns), of the time rows `rows` and the values `names[codes]` (""
    without a breakdown). What has no entry had no event; every name has one.
    """

    cols: tuple[Column, ...]
    rows: np.ndarray
    codes: np.ndarray
    names: list[str]
    totals: np.ndarray

    def table(self, times: int, values: list[str]) -> np.ndarray:
        """The totals of these rows, ascending by time, then by value: int64, (times x values, columns). What is of other
        values is left out.
        """
        table = np.empty((times * len(values), len(self.cols)), dtype=np.int64)
        table[:] = neutral_row(self.cols, quality=False)
        if self.names == values == [""]:
            table[self.rows] = self.totals
            return table
        place = {value: at for at, value in enumerate(values)}
        at = np.array([place.get(name, -1) for name in self.names], dtype=np.int64)[self.codes]
        table[(self.rows * len(values) + at)[at >= 0]] = self.totals[at >= 0]
        return table


def add_up(found: Found, axis: Axis, shape: Shape) -> Totals:
    """The totals of each row and, with a breakdown as dimension, value. Rows that add up to nothing are left out: a
    cell that was taken back to nothing says no more than one that was never written.
    """
    names, code = _encode(found.names, shape)
    codes = code[found.codes]
    kept = np.flatnonzero(codes >= 0)
    positions, rows = axis.place(found.ticks[kept])
    cells = kept[positions]
    groups, totals = add_groups(found.cols, found.totals[cells], rows * len(names) + codes[cells])
    some = (totals != neutral_row(found.cols, quality=False)).any(axis=1)
    if len(names) == 1:
        return Totals(
            found.cols, groups[some], np.zeros(some.sum(), dtype=np.int64), names if some.any() else [], totals[some]
        )
    rows, codes = np.divmod(groups[some], len(names))
    there, codes = np.unique(codes, return_inverse=True)
    return Totals(found.cols, rows, codes, [names[i] for i in there.tolist()], totals[some])


def first_tick(found: Found) -> int | None:
    """The first tick at which anything was counted."""
    some = (found.totals != neutral_row(found.cols, quality=False)).any(axis=1)
    return int(found.ticks[some].min()) if some.any() else None


def _encode(values: list[str], shape: Shape) -> tuple[list[str], np.ndarray]:
    """Breakdown values as numbers into a list of names; -1 for those that the filters drop."""
    kept = [value for value in values if shape.breakdown is None or value in shape.chosen]
    names = sorted(kept) if shape.by_value else [""]
    code = {value: at if shape.by_value else 0 for at, value in enumerate(sorted(kept))}
    return names or [""], np.array([code.get(value, -1) for value in values], dtype=np.int64)

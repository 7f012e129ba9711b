"""Owns parts of rows as they are added up: the cells of some days of one series, decoded, all slots in one.

Where parts come from (the store, or what is held of it) is `source`; which parts a query needs is `cells`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pipeline.model.counter import LIMB_BITS, LIMB_MASK, QUALITY, Column
from pipeline.model.layout import (
    DAY,
    HOURS_PER_DAY,
    counter_value,
    day_range,
    parse_counter_qualifiers,
    unpack_all_totals,
    unpack_hours,
)

Cells = Sequence[tuple[bytes, bytes]]
UNBROKEN = 0  # the breakdown's number of a series without one; its cells have the quality columns too
OBJECT_BYTES = 600  # of an empty part, roughly


class PartKey(NamedTuple):
    """Which cells: of a row, a kind (DAY or HOUR) and a breakdown, from day `first` to `last` (of the month)."""

    row: bytes
    kind: bytes
    breakdown: int
    first: int
    last: int
    before: int  # the day before the month begins, as an ordinal

    @property
    def qualifiers(self) -> tuple[bytes, bytes]:
        """Half-open."""
        return day_range(self.kind, self.breakdown, self.first, self.last)


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of totals, ascending by tick: the i-th is of the value `values[codes[i]]`. A tick is a day's ordinal, or that
    x HOURS_PER_DAY + the hour. totals: int64, (rows, columns [+ quality]); sums: of each column. low, high: the first
    tick and the last, if there are any. cells: how many were stored.
    """

    ticks: np.ndarray
    codes: np.ndarray
    values: tuple[str, ...]
    totals: np.ndarray
    sums: list[int]
    low: int
    high: int
    cells: int

    @property
    def size(self) -> int:
        """Bytes it takes, roughly."""
        arrays = self.ticks.nbytes + self.codes.nbytes + self.totals.nbytes
        return OBJECT_BYTES + arrays + sum(60 + len(value) for value in self.values)


def cut_cells(cells: Cells, key: PartKey) -> Cells:
    """Those of a part among a row's, which come in the order of qualifiers."""
    start, end = key.qualifiers
    return cells[bisect_left(cells, (start,)) : bisect_left(cells, (end,))]


def decode_part(key: PartKey, cols: tuple[Column, ...], cells: Cells) -> Part:
    """The cells of a part, added up over slots. Raises what `damage.reading` takes for unreadable."""
    width = len(cols) + (len(QUALITY) if key.breakdown == UNBROKEN else 0)
    days, texts = parse_counter_qualifiers([qualifier for qualifier, _ in cells])
    names = {text: code for code, text in enumerate(dict.fromkeys(texts))}
    codes = np.array([names[text] for text in texts], dtype=np.int64)
    if key.kind == DAY:
        ticks, rows = days + key.before, unpack_all_totals([value for _, value in cells], width)
    else:
        at, ticks, rows = _hours([value for _, value in cells], width)
        ticks, codes = (days[at] + key.before) * HOURS_PER_DAY + ticks, codes[at]
    groups, totals = add_groups(cols, carry(cols, rows), ticks * max(1, len(names)) + codes)
    values = tuple(counter_value(text) for text in names)
    ticks, codes = np.divmod(groups, max(1, len(names)))
    for array in (ticks, codes, totals):
        array.setflags(write=False)  # threads share it
    low, high = (int(ticks[0]), int(ticks[-1])) if len(ticks) else (0, 0)
    return Part(ticks, codes, values, totals, totals.sum(axis=0).tolist(), low, high, len(cells))


def carry(cols: Sequence[Column], rows: np.ndarray) -> np.ndarray:
    """The same totals (in place) with limbs carried, so that no sum of them can overflow."""
    for i, column in enumerate(cols):
        if column.part == "hi":
            rows[:, i] += rows[:, i + 1] >> LIMB_BITS
            rows[:, i + 1] &= LIMB_MASK
    return rows


def add_groups(cols: tuple[Column, ...], rows: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct groups, ascending, and the totals of their rows (as `counter.add_rows`, for many groups at once)."""
    if not len(groups):
        return groups, rows
    if (steps := np.diff(groups)).min(initial=1) < 0:
        order = np.argsort(groups, kind="stable")
        rows, groups = rows[order], groups[order]
        steps = np.diff(groups)
    if steps.min(initial=1) > 0:
        return groups, rows
    starts = np.concatenate([[0], np.flatnonzero(steps) + 1])
    totals = np.add.reduceat(rows, starts, axis=0)
    for part, reduce in (("min", np.minimum), ("max", np.maximum)):
        for i in (i for i, column in enumerate(cols) if column.part == part):
            totals[:, i] = reduce.reduceat(rows[:, i], starts)
    return groups[starts], totals


def _hours(values: Sequence[bytes], width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The hours that were ever touched, of all cells: which cell, which hour, its columns.

    What an hour holds that was never touched means nothing; it is there to keep the others in their places.
    """
    at, hours, rows = [], [], [np.zeros((0, width), dtype=np.int64)]
    for i, value in enumerate(values):
        start, touched, columns = unpack_hours(value)
        if columns.shape[1] != width:
            raise ValueError(f"{columns.shape[1]} columns instead of {width}")
        meant = np.flatnonzero(touched)
        at.append(np.full(len(meant), i))
        hours.append(meant + start)
        rows.append(columns[meant])
    none = np.zeros(0, dtype=np.int64)
    return np.concatenate([none, *at]), np.concatenate([none, *hours]), np.concatenate(rows)

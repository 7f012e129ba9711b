"""What the integers of a counter cell mean: a metric's measures as columns that add up.

A column is an int64. Sums are held as two limbs (`hi` = micro-units >> 32, `lo` = the rest), which add up
independently and can't overflow before some 2^31 events in one hour of one slot; `min` and `max` hold micro-units
and a sentinel where no value was seen. All but `min` and `max` add up over hours, days, slots and values.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

import numpy as np

from pipeline.model.layout import MICRO

NO_MIN = np.iinfo(np.int64).max  # the neutral element of min
NO_MAX = np.iinfo(np.int64).min
NO_NUMBER = np.iinfo(np.int64).min  # a value that is no number; no sum of micro-units that is accepted comes near it
LIMB_BITS = 32
LIMB_MASK = (1 << LIMB_BITS) - 1

# Counted per day beside the measures, in the series without breakdown only.
QUALITY = ("no_visitor", "no_number", "late", "duplicates")


class MeasureLike(Protocol):
    """The part of `definition.Measure` that decides columns."""

    @property
    def name(self) -> str: ...
    @property
    def aggregate(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Column:
    """One int64 of a counter cell: the measure it belongs to and its part (`n`, `hi`, `lo`, `min`, `max`)."""

    measure: str
    part: str


_PARTS = {"count": ("n",), "sum": ("hi", "lo"), "mean": ("hi", "lo", "n"), "min": ("min",), "max": ("max",)}


def columns(measures: Iterable[MeasureLike]) -> tuple[Column, ...]:
    """The columns of a metric's cells, in order; the series without breakdown has `QUALITY` behind them."""
    return tuple(Column(m.name, part) for m in measures for part in _PARTS[m.aggregate])


def neutral_row(cols: Sequence[Column], quality: bool) -> np.ndarray:
    """The totals of nothing: int64, shape (columns [+ quality],)."""
    start = {"min": NO_MIN, "max": NO_MAX}
    return np.array([start.get(c.part, 0) for c in cols] + [0] * (len(QUALITY) if quality else 0), dtype=np.int64)


def add_rows(cols: Sequence[Column], rows: np.ndarray) -> np.ndarray:
    """Totals of several cells or hours. rows: int64, shape (n, columns [+ quality]), n >= 1."""
    total = rows.sum(axis=0)
    for i, column in enumerate(cols):
        if column.part == "min":
            total[i] = rows[:, i].min()
        elif column.part == "max":
            total[i] = rows[:, i].max()
    return total


def join_limbs(hi: int, lo: int) -> int:
    """Micro-units of a sum from its two limbs, exact."""
    return (int(hi) << LIMB_BITS) + int(lo)


def measure_value(cols: Sequence[Column], totals: Sequence[int], measure: MeasureLike) -> int | Decimal | None:
    """A measure's number: int for counts, exact Decimal for sums, min and max; means are rounded half-even to six
    places; None where there is no value (min, max, mean of nothing).
    """
    part = {c.part: int(totals[i]) for i, c in enumerate(cols) if c.measure == measure.name}
    if measure.aggregate == "count":
        return part["n"]
    if measure.aggregate in ("min", "max"):
        micro = part[measure.aggregate]
        return None if micro in (NO_MIN, NO_MAX) else from_micro(micro)
    micro = join_limbs(part["hi"], part["lo"])
    if measure.aggregate == "sum":
        return from_micro(micro)
    return None if part["n"] == 0 else from_micro(divide_half_even(micro, part["n"]))


def from_micro(micro: int) -> Decimal:
    """Micro-units as an exact decimal number without trailing zeros."""
    sign, digits = ("-" if micro < 0 else ""), f"{abs(micro):07d}"
    text = f"{digits[:-6]}.{digits[-6:]}".rstrip("0").rstrip(".")
    return Decimal(sign + text if micro else "0")


def divide_half_even(numerator: int, denominator: int) -> int:
    """Integer quotient, ties to even; denominator > 0."""
    quotient, rest = divmod(numerator, denominator)
    twice = 2 * rest
    return quotient + (twice > denominator or (twice == denominator and quotient % 2 == 1))


__all__ = [
    "LIMB_BITS",
    "LIMB_MASK",
    "MICRO",
    "NO_MAX",
    "NO_MIN",
    "NO_NUMBER",
    "QUALITY",
    "Column",
    "add_rows",
    "columns",
    "divide_half_even",
    "from_micro",
    "join_limbs",
    "measure_value",
    "neutral_row",
]

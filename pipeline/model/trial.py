"""How an experiment's numbers lie in counter cells: columns that add up, and the text that names epoch and variation.

An experiment's row is that of a metric `~{id}` whose revision is the experiment's. Its breakdown 1 holds a value per
epoch and variation; breakdown 1 + i the same by the i-th breakdown of the experiment. Visitors, and what they are worth,
stand at the hour of their exposure; totals by day at that of the goal event.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from pipeline.model.counter import LIMB_BITS, LIMB_MASK, Column

PREFIX = "~"  # of the metric id; no client's id can begin so
VARIATIONS = 1  # the breakdown without further ones
SEVERAL = ""  # the variation of visitors who saw several, and of what was forgotten
_SEPARATOR = "\x1f"
_WIDE_LIMBS = 5  # of the product of two visitors' values in micro-units: 250 events of 10^18 each, squared, is below 2^140

VISITORS, SEVERAL_VISITORS, FORGOTTEN = range(3)
_FIXED = ("visitors", "several", "forgotten")
_WIDE = ("square", "before_square", "product")
_OF_GOAL = (
    "converted", "hi", "lo", "day_hi", "day_lo", "before_hi", "before_lo",
    *(f"{name}{i}" for name in _WIDE for i in range(_WIDE_LIMBS)),
)  # fmt: skip
_CONVERTED, _SUM, _DAY, _BEFORE, _SQUARE = 0, 1, 3, 5, 7
_BEFORE_SQUARE, _PRODUCT = _SQUARE + _WIDE_LIMBS, _SQUARE + 2 * _WIDE_LIMBS


class TrialName(NamedTuple):
    """What the value of a cell says. by: the breakdown's value, "" without one."""

    epoch: int
    variation: str
    by: str = ""

    def text(self) -> str:
        """As the value of a counter cell."""
        return _SEPARATOR.join((str(self.epoch), self.variation, self.by))

    @classmethod
    def of(cls, text: str) -> TrialName:
        """The inverse of `text`."""
        epoch, variation, by = text.split(_SEPARATOR, 2)
        return cls(int(epoch), variation, by)


def trial_columns(goals: int) -> tuple[Column, ...]:
    """The columns of an experiment of so many goals."""
    fixed = [Column("", part) for part in _FIXED]
    return (*fixed, *(Column(str(goal), part) for goal in range(goals) for part in _OF_GOAL))


def trial_width(goals: int) -> int:
    """How many columns that are."""
    return len(_FIXED) + goals * len(_OF_GOAL)


class GoalSums(NamedTuple):
    """One goal's numbers of a cell, in micro-units and their squares. before: of what visitors did before their exposure;
    products: of the two values of each visitor.
    """

    converted: int
    total: int
    squares: int
    of_day: int
    before: int
    before_squares: int
    products: int


def goal_sums(row: Sequence[int], goal: int) -> GoalSums:
    """Read one goal's columns."""
    at = _at(goal)
    return GoalSums(
        int(row[at]),
        _joined(row, at + _SUM),
        _wide(row, at + _SQUARE),
        _joined(row, at + _DAY),
        _joined(row, at + _BEFORE),
        _wide(row, at + _BEFORE_SQUARE),
        _wide(row, at + _PRODUCT),
    )


def add_value(row: list[int], goal: int, value: int | None, before: int, sign: int) -> None:
    """Add a visitor's value (micro-units; None: not converted) of a goal, and what it was before the exposure."""
    at = _at(goal)
    row[at + _CONVERTED] += sign * (value is not None)
    value = value or 0
    _add(row, at + _SUM, value, sign)
    _add(row, at + _BEFORE, before, sign)
    _add_wide(row, at + _SQUARE, value * value, sign)
    _add_wide(row, at + _BEFORE_SQUARE, before * before, sign)
    _add_wide(row, at + _PRODUCT, value * before, sign)


def add_of_day(row: list[int], goal: int, value: int, sign: int) -> None:
    """Add a goal event's value (micro-units) to its own day."""
    _add(row, _at(goal) + _DAY, value, sign)


def squared(micro_squares: int, micro: int) -> Fraction:
    """Squares of micro-units as an exact number. micro: units per whole."""
    return Fraction(micro_squares, micro * micro)


def _at(goal: int) -> int:
    return trial_width(goal)


def _add(row: list[int], at: int, value: int, sign: int) -> None:
    row[at] += sign * (value >> LIMB_BITS)
    row[at + 1] += sign * (value & LIMB_MASK)


def _add_wide(row: list[int], at: int, value: int, sign: int) -> None:
    last = _WIDE_LIMBS - 1
    for i in range(last):
        row[at + i] += sign * ((value >> (LIMB_BITS * i)) & LIMB_MASK)
    row[at + last] += sign * (value >> (LIMB_BITS * last))


def _wide(row: Sequence[int], at: int) -> int:
    return sum(int(row[at + i]) << (LIMB_BITS * i) for i in range(_WIDE_LIMBS))


def _joined(row: Sequence[int], at: int) -> int:
    return (int(row[at]) << LIMB_BITS) + int(row[at + 1])

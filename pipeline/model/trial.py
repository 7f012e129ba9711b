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
_SQUARE_LIMBS = 5  # of the square of a visitor's value in micro-units: 250 events of 10^18 each, squared, is below 2^140

VISITORS, SEVERAL_VISITORS, FORGOTTEN = range(3)
_FIXED = ("visitors", "several", "forgotten")
_OF_GOAL = ("converted", "hi", "lo", *(f"square{i}" for i in range(_SQUARE_LIMBS)), "day_hi", "day_lo")
_CONVERTED, _SUM, _SQUARE, _DAY = 0, 1, 3, 3 + _SQUARE_LIMBS


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


class GoalSums(NamedTuple):
    """One goal's numbers of a cell, in micro-units and their squares."""

    converted: int
    total: int
    squares: int
    of_day: int


def goal_sums(row: Sequence[int], goal: int) -> GoalSums:
    """Read one goal's columns."""
    at = _at(goal)
    squares = sum(int(row[at + _SQUARE + i]) << (LIMB_BITS * i) for i in range(_SQUARE_LIMBS))
    return GoalSums(int(row[at]), _joined(row, at + _SUM), squares, _joined(row, at + _DAY))


def add_value(row: list[int], goal: int, value: int, sign: int) -> None:
    """Add a visitor's value (micro-units) of a goal: converted, sum and square."""
    at = _at(goal)
    row[at + _CONVERTED] += sign
    _add(row, at + _SUM, value, sign)
    square = value * value
    for i in range(_SQUARE_LIMBS):
        row[at + _SQUARE + i] += sign * ((square >> (LIMB_BITS * i)) & LIMB_MASK)


def add_of_day(row: list[int], goal: int, value: int, sign: int) -> None:
    """Add a goal event's value (micro-units) to its own day."""
    _add(row, _at(goal) + _DAY, value, sign)


def squared(micro_squares: int, micro: int) -> Fraction:
    """Squares of micro-units as an exact number. micro: units per whole."""
    return Fraction(micro_squares, micro * micro)


def _at(goal: int) -> int:
    return len(_FIXED) + goal * len(_OF_GOAL)


def _add(row: list[int], at: int, value: int, sign: int) -> None:
    row[at] += sign * (value >> LIMB_BITS)
    row[at + 1] += sign * (value & LIMB_MASK)


def _joined(row: Sequence[int], at: int) -> int:
    return (int(row[at]) << LIMB_BITS) + int(row[at + 1])

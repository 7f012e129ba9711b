"""Owns what statistics take of one variation and goal: how many visitors, the mean and variance of their values."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from pipeline.model.definition import COUNT, VISITOR, Measure
from readers.experiments.totals import GoalTotals

RATE, MEAN = KINDS = ("rate", "mean")


@dataclass(frozen=True, slots=True)
class Sample:
    """visitors; mean and unbiased variance of their values (0 where there are too few); converted: of how many the value
    is known to be more than nothing.
    """

    visitors: int
    mean: float
    variance: float
    converted: int

    @classmethod
    def of(cls, visitors: int, goal: GoalTotals) -> Sample:
        """Exact until the last step: squares of large sums that nearly cancel out lose nothing."""
        if not visitors:
            return cls(0, 0.0, 0.0, 0)
        total = Fraction(goal.total)
        spread = goal.squares - total * total / visitors
        variance = float(spread / (visitors - 1)) if visitors > 1 else 0.0
        return cls(visitors, float(total / visitors), max(variance, 0.0), goal.converted)

    def rarer(self, kind: str) -> int:
        """Visitors on whom the mean hangs: those that converted, or for a rate those that did not if they are fewer."""
        return min(self.converted, self.visitors - self.converted) if kind == RATE else self.converted


def kind_of(measure: Measure | None) -> str:
    """`rate` where every visitor's value is 0 or 1, else `mean`. None: a measure that is defined no longer."""
    is_rate = measure is not None and measure.aggregate == COUNT and measure.once_per == VISITOR
    return RATE if is_rate else MEAN

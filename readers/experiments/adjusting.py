"""Owns the same comparison with less variance: what visitors did before their exposure explains part of what they did after.

From each value is taken theta times what the visitor's earlier value lies above the mean of all; theta is the slope of both
variations together (Deng, Xu, Kohavi, Walker: "Improving the sensitivity of online controlled experiments by utilizing
pre-experiment data", WSDM 2013). It changes what is expected of no variation, for no variation can reach into the past. In
a later epoch it can: visitors may have been in the same variation before. There nothing is adjusted.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from readers.experiments.always_valid import Sequence
from readers.experiments.compare import compare
from readers.experiments.sample import MEAN, Sample
from readers.experiments.totals import GoalTotals


@dataclass(frozen=True, slots=True)
class _Sums:
    """Around the variation's own means: of values, of values before, and of their products."""

    visitors: int
    mean: Fraction
    mean_before: Fraction
    own: Fraction
    before: Fraction
    both: Fraction

    @classmethod
    def of(cls, n: int, goal: GoalTotals) -> _Sums:
        total, before = Fraction(goal.total), Fraction(goal.before)
        return cls(
            n,
            total / n,
            before / n,
            goal.squares - total * total / n,
            goal.before_squares - before * before / n,
            goal.products - total * before / n,
        )

    def adjusted(self, theta: Fraction, mean_before: Fraction, converted: int) -> Sample:
        mean = self.mean - theta * (self.mean_before - mean_before)
        spread = self.own - 2 * theta * self.both + theta * theta * self.before
        return Sample(self.visitors, float(mean), max(float(spread / (self.visitors - 1)), 0.0), converted)


def adjusted(n: int, goal: GoalTotals, n_control: int, control: GoalTotals) -> tuple[Sample, Sample] | None:
    """The variation's and control's samples. None where nothing is known of before, or there are too few visitors."""
    if min(n, n_control) < 2:
        return None
    own, other = _Sums.of(n, goal), _Sums.of(n_control, control)
    if not own.before + other.before:
        return None
    theta = (own.both + other.both) / (own.before + other.before)
    mean_before = (Fraction(goal.before) + Fraction(control.before)) / (n + n_control)
    return own.adjusted(theta, mean_before, goal.converted), other.adjusted(theta, mean_before, control.converted)


def adjusted_document(
    n: int, goal: GoalTotals, n_control: int, control: GoalTotals, sequence: Sequence
) -> dict[str, Any] | None:
    """The comparison as the results have it, and which part of the variance is explained."""
    samples = adjusted(n, goal, n_control, control)
    if samples is None:
        return None
    plain = (Sample.of(n, goal), Sample.of(n_control, control))
    before, after = (sum(one.variance / one.visitors for one in pair) for pair in (plain, samples))
    explained = 1 - after / before if before else 0.0
    return {**compare(MEAN, *samples, sequence).document(), "variance_explained": explained}

"""Owns the test that may be looked at after every visitor: an asymptotic confidence sequence for a difference of means.

The interval is that of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit theory and asymptotic
confidence sequences" (Annals of Statistics 52, 2024; arXiv:2103.06476), theorem 2.2: a normal mixture whose boundary
stands in for the fixed quantile 1.96. Time is the number of visitors of the two variations. The chance that any of the
intervals, from the first look to the last, misses the true difference is at most 1 - level once the means are about
normal. Before that the theorem promises nothing, and two things stand in:

- No variation's variance is taken to be smaller than that of both together. With 10 % of the visitors in one variation
  and rare conversions, its own variance is near zero just while it happens to have too few: without this every third A/A
  test raised a false alarm.
- Nothing is said before each of the two can be expected to hold EXPECTED_MIN of the rarer outcome, were they alike: five
  for a rate (the rule of chi-squared tests), twenty for a mean, whose values differ among those who convert (where 0.5 %
  buy, log-normally, and a variation doubles what they spend, 8 % of the sequences missed that with five, 4 % with twenty).
  What is expected counts, not what was seen: a variation in which nobody can convert any more is found.

`python -m benchmarks.peeking` shows what comes of it. All functions take numbers or numpy arrays of one shape.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from readers.experiments.sample import MEAN, RATE

LEVEL = 0.95
TUNED_TO = 10_000  # visitors at which the interval is narrowest; it is valid at any number
EXPECTED_MIN = {RATE: 5.0, MEAN: 20.0}
NAME = "asymptotic confidence sequence"
SOURCE = (
    "Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas: Time-uniform central limit theory and asymptotic confidence "
    "sequences, Annals of Statistics 52(6), 2024, theorem 2.2, arXiv:2103.06476"
)

Numbers = Any  # float or numpy array


@dataclass(frozen=True, slots=True)
class Sequence:
    """One confidence sequence: chosen before any data, for the choice must not follow what was seen."""

    level: float = LEVEL
    tuned_to: int = TUNED_TO

    @property
    def alpha(self) -> float:
        return 1 - self.level

    @property
    def rho_squared(self) -> float:
        """The mixture's variance that makes the interval narrowest at `tuned_to` visitors."""
        return _narrowest(self.alpha) / self.tuned_to

    def boundary(self, visitors: Numbers, alpha: float | None = None) -> Numbers:
        """How many standard errors the interval reaches to each side."""
        eta = np.asarray(visitors) * self.rho_squared
        return np.sqrt((1 + 1 / eta) * (np.log1p(eta) - 2 * np.log(self.alpha if alpha is None else alpha)))

    def p_value(self, z: Numbers, visitors: Numbers) -> Numbers:
        """From the current totals alone, the smallest alpha whose interval excludes 0; at most 1. The boundary, inverted.

        The mixture stays the one tuned to `level`, so that p < 1 - level says the same as the interval.
        """
        eta = np.asarray(visitors) * self.rho_squared
        return np.minimum(1.0, np.sqrt(1 + eta) * np.exp(-np.square(z) * eta / (1 + eta) / 2))


def squared_errors(n: Numbers, variance: Numbers, n_control: Numbers, variance_control: Numbers) -> tuple[Numbers, Numbers]:
    """The variances of both means, neither from less than the variance of both together. n: at least 1."""
    together = (n * variance + n_control * variance_control) / (n + n_control)
    return np.maximum(variance, together) / n, np.maximum(variance_control, together) / n_control


def expected(n: Numbers, n_control: Numbers, rarer: Numbers) -> Numbers:
    """How many of the rarer outcome (of both together) the smaller of the two would hold, were they alike."""
    return rarer * np.minimum(n, n_control) / (n + n_control)


@lru_cache(maxsize=16)
def _narrowest(alpha: float) -> float:
    """eta where (1 + 1/eta) (log(1 + eta) - 2 log alpha) is least: the lower branch of Lambert's W."""
    from scipy.special import lambertw

    return float(-lambertw(-(alpha**2) / np.e, -1).real - 1)

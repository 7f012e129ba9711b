"""Owns whether visitors came to the variations in the shares that the epoch's allocation gives them.

`p_value` is the usual chi-squared test's. `ok` rests on a test that may be looked at after every visitor, as it will be:
the sequential multinomial test of Lindon and Malek ("Anytime-valid inference for multinomial count data", NeurIPS 2022).
Against the fixed shares stands a Dirichlet mixture around them; the inverse of their likelihood ratio is a p-value that is
below ALARM at any time, ever, with a chance of at most ALARM. A threshold on the chi-squared p-value, however small, would
be crossed in the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, lgamma, log
from typing import Any

from pipeline.model.experiment import Ranges

ALARM = 0.01
CONCENTRATION = 100.0  # of the mixture: splits that are off by a tenth are found soonest; any are, in the end


@dataclass(frozen=True, slots=True)
class SampleRatio:
    """expected: shares that add up to 1; observed: visitors. p-values None without visitors."""

    expected: Mapping[str, float]
    observed: Mapping[str, int]
    p_value: float | None
    sequential_p_value: float | None

    @property
    def ok(self) -> bool:
        return self.sequential_p_value is None or self.sequential_p_value >= ALARM

    def document(self) -> dict[str, Any]:
        """As the results have it."""
        return {
            "ok": self.ok,
            "p_value": self.p_value,
            "sequential_p_value": self.sequential_p_value,
            "alarm_below": ALARM,
            "expected": dict(self.expected),
            "observed": dict(self.observed),
        }


def shares(allocation: Mapping[str, Ranges]) -> dict[str, float]:
    """The part of the allocated buckets that each variation has. Those without a bucket are left out."""
    buckets = {variation: sum(end - start for start, end in ranges) for variation, ranges in allocation.items()}
    total = sum(buckets.values())
    return {variation: n / total for variation, n in buckets.items() if n}


def sample_ratio(expected: Mapping[str, float], visitors: Mapping[str, int]) -> SampleRatio:
    """expected: of `shares`. Visitors of variations that are not in it are not looked at."""
    observed = {variation: visitors.get(variation, 0) for variation in expected}
    if not sum(observed.values()) or len(expected) < 2:
        return SampleRatio(expected, observed, None, None)
    return SampleRatio(expected, observed, _chi_squared(expected, observed), sequential_p_value(expected, observed))


def _chi_squared(expected: Mapping[str, float], observed: Mapping[str, int]) -> float:
    from scipy.stats import chisquare

    total = sum(observed.values())
    return float(chisquare(list(observed.values()), [total * share for share in expected.values()]).pvalue)


def sequential_p_value(expected: Mapping[str, float], observed: Mapping[str, int]) -> float:
    """At least 0, at most 1; valid at any look. All shares are above 0."""
    log_ratio = lgamma(CONCENTRATION) - lgamma(CONCENTRATION + sum(observed.values()))
    for variation, share in expected.items():
        prior, seen = CONCENTRATION * share, observed[variation]
        log_ratio += lgamma(prior + seen) - lgamma(prior) - seen * log(share)
    return exp(-max(log_ratio, 0.0))

"""Owns how long still: the visitors that a goal needs until a difference of a given size is found, and the days till then.

For the sequence, that is where its boundary and the quantile of the power together come to the difference: the power at
that very look. As any look before may find it too, this is on the safe side (by 8 to 20 %: Schultzberg, "A closed-form
sample size correction for always-valid inference with optional stopping", 2026, arXiv:2606.18366). For a fixed horizon it
is the usual formula.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence as Items
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil
from typing import Any

from readers.experiments.always_valid import Sequence
from readers.experiments.sample import Sample

POWER = 0.8
ARRIVAL_DAYS = 7  # whole days whose mean is the rate of arrival: a week has all its weekdays
VISITORS_MAX = 10**12


@dataclass(frozen=True, slots=True)
class Needed:
    """Visitors of all variations together. None: can't be told yet, or beyond VISITORS_MAX."""

    minimum_effect: float
    difference: float
    visitors: int | None
    visitors_fixed: int | None
    missing: int | None
    days: int | None

    def document(self) -> dict[str, Any]:
        """As the results have it."""
        return {
            "minimum_effect": self.minimum_effect,
            "difference": self.difference,
            "power": POWER,
            "visitors_needed": self.visitors,
            "visitors_needed_fixed": self.visitors_fixed,
            "visitors_missing": self.missing,
            "days_left": self.days,
        }


def needed(
    minimum_effect: float, control: Sample, shares: Items[float], visitors: int, per_day: float, sequence: Sequence
) -> Needed | None:
    """minimum_effect: relative to control's mean; shares: of all visitors, of control and of the variation that has
    fewest. None where control's mean or variance is 0.
    """
    difference = abs(control.mean) * minimum_effect
    if not difference or not control.variance:
        return None
    of_control, of_other = shares
    variance = control.variance * (1 / of_control + 1 / of_other)  # of the difference, times all visitors
    both = of_control + of_other
    total = _until(lambda n: float(sequence.boundary(n * both)), variance, difference)
    fixed = _until(lambda _: _quantile(sequence.alpha / 2), variance, difference)
    missing = None if total is None else max(total - visitors, 0)
    days = ceil(missing / per_day) if missing is not None and per_day > 0 else None
    return Needed(minimum_effect, difference, total, fixed, missing, days)


def arriving_per_day(days: Mapping[str, int], today: date) -> float:
    """The mean of the last whole days since the first that has any: visitors by day, as 2026-10-01."""
    whole = [day for day in days if day < today.isoformat()]
    if not whole:
        return float(sum(days.values()))
    since = max(date.fromisoformat(min(whole)), today - timedelta(days=ARRIVAL_DAYS))
    counted = (today - since).days
    return sum(n for day, n in days.items() if since.isoformat() <= day < today.isoformat()) / counted


def _until(boundary: Any, variance: float, difference: float) -> int | None:
    """The least n at which (boundary(n) + quantile) standard errors are the difference: it falls with n."""
    from scipy.optimize import brentq

    power = _quantile(1 - POWER)

    def excess(log_n: float) -> float:
        n: float = 10**log_n
        return (boundary(n) + power) * (variance / n) ** 0.5 - difference

    most = len(str(VISITORS_MAX)) - 1
    if excess(most) > 0:
        return None
    return 1 if excess(0) <= 0 else ceil(10 ** float(brentq(excess, 0, most)))


def _quantile(tail: float) -> float:
    from scipy.stats import norm

    return float(norm.isf(tail))

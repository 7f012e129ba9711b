"""Owns how a comparison came to be: the difference and its interval as of the end of each day, to be drawn.

Squares of values aren't kept by day. For a rate they aren't needed; a mean's interval of an earlier day is drawn with the
variance of all values till now, and so is about what was shown then.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from readers.experiments.always_valid import Sequence
from readers.experiments.compare import compare
from readers.experiments.sample import RATE, Sample
from readers.experiments.totals import VariationTotals
from readers.query.limits import DAYS_MAX


def cumulative(
    kind: str, control: VariationTotals, found: VariationTotals, number: int, sequence: Sequence
) -> list[dict[str, Any]]:
    """[{day, difference, interval}] of the last DAYS_MAX days, ascending. number: of the goal."""
    days = sorted({*found.days, *control.days, *found.goals[number].days, *control.goals[number].days})
    until = {v.id: _samples(kind, v, number, days) for v in (control, found)}
    drawn = []
    for day in days[-DAYS_MAX:]:
        compared = compare(kind, until[found.id][day], until[control.id][day], sequence, with_fixed=False)
        interval = list(compared.interval) if compared.interval else None
        drawn.append({"day": day, "difference": compared.difference, "interval": interval})
    return drawn


def _samples(kind: str, found: VariationTotals, number: int, days: list[str]) -> Mapping[str, Sample]:
    goal = found.goals[number]
    whole = Sample.of(found.visitors, goal)
    visitors, total, samples = 0, Decimal(0), {}
    for day in days:
        visitors += found.days.get(day, 0)
        total += goal.days.get(day, Decimal(0))
        samples[day] = _until(kind, visitors, total, whole)
    return samples


def _until(kind: str, visitors: int, total: Decimal, whole: Sample) -> Sample:
    mean = float(total) / visitors if visitors else 0.0
    if kind == RATE:
        spread = max(mean * (1 - mean), 0.0)
        return Sample(visitors, mean, spread * visitors / (visitors - 1) if visitors > 1 else 0.0, int(total))
    converted = whole.converted * visitors // whole.visitors if whole.visitors else 0
    return Sample(visitors, mean, whole.variance if visitors > 1 else 0.0, converted)

"""Owns experiments and totals that tests make up: of counts, or of the visitors' very values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from pipeline.model.definition import Measure, Metric
from pipeline.model.experiment import Epoch, Experiment, Goal, Variation
from readers.experiments.totals import GoalTotals, TrialTotals, VariationTotals

DAY = "2026-10-01"
METRICS = {
    "signups": Metric("signups", {}, (Measure("visitors", "count", None, "visitor"),), (), "", "1" * 16, {}),
    "orders": Metric("orders", {}, (Measure("revenue", "sum", "properties.total"),), (), "", "2" * 16, {}),
    "cancels": Metric("cancels", {}, (Measure("visitors", "count", None, "visitor"),), (), "", "3" * 16, {}),
}
SIGNUPS, REVENUE = Goal("signups", "visitors"), Goal("orders", "revenue")
CANCELS = Goal("cancels", "visitors", better="lower", guardrail=True)


def converted(count: int, day: str = DAY) -> GoalTotals:
    """A rate's totals."""
    return GoalTotals(count, Decimal(count), Fraction(count), {day: Decimal(count)} if count else {})


def valued(values: Iterable[str | int], day: str = DAY) -> GoalTotals:
    """The totals of these visitors' values."""
    exact = [Decimal(value) for value in values]
    total = sum(exact, Decimal(0))
    squares = sum((Fraction(value) ** 2 for value in exact), Fraction(0))
    return GoalTotals(sum(value != 0 for value in exact), total, squares, {day: total})


def counted(variation: str, visitors: int, *goals: GoalTotals, day: str = DAY) -> VariationTotals:
    return VariationTotals(variation, visitors, {day: visitors} if visitors else {}, goals)


def totals(*variations: VariationTotals, several: int = 0, unknown: Mapping[str, int] | None = None) -> TrialTotals:
    return TrialTotals({v.id: v for v in variations}, several, 0, unknown or {})


def epoch(number: int = 1, effective_at: str | None = None, **buckets: int) -> Epoch:
    """Variations with so many buckets each, one after the other."""
    allocation, start = {}, 0
    for variation, n in buckets.items():
        allocation[variation] = ((start, start + n),) if n else ()
        start += n
    return Epoch(number, effective_at, tuple(Variation(v, {}) for v in buckets), allocation, {})


def experiment(*goals: Goal, epochs: Iterable[Epoch] = (), **changed: Any) -> Experiment:
    """hero_cta, of control and friendly unless the epochs say otherwise."""
    named: dict[str, Any] = {
        "id": "hero_cta",
        "layer": "homepage",
        "status": "running",
        "description": "",
        "parameters": {},
        "exposed": {"event": "Experiment Viewed"},
        "variation_path": "properties.variationName",
        "breakdowns": ("context.traits.plan",),
        "goals": goals or (SIGNUPS,),
        "control": "control",
        "epochs": tuple(epochs) or (epoch(control=512, friendly=512),),
        "start": None,
        "end": None,
        "revision": "4" * 16,
    }
    return Experiment(**{**named, **changed})

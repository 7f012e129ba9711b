"""What was counted of one experiment in one epoch, as numbers that statistics begin with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class GoalTotals:
    """One goal of one variation. A visitor's value is the sum over the visitor's goal events at or after the exposure, the
    value before it that of the same visitor's earlier ones (as far as they are remembered).
    """

    converted: int = 0  # visitors with at least one such event
    total: Decimal = Decimal(0)  # of the visitors' values
    squares: Fraction = Fraction(0)  # of the visitors' values, each squared
    days: Mapping[str, Decimal] = field(default_factory=dict)  # the total by day of the goal event, as 2026-10-01
    before: Decimal = Decimal(0)  # of the visitors' values before the exposure
    before_squares: Fraction = Fraction(0)
    products: Fraction = Fraction(0)  # of each visitor's two values


@dataclass(frozen=True, slots=True)
class VariationTotals:
    """One variation. goals: in the order of the experiment's."""

    id: str
    visitors: int
    days: Mapping[str, int]  # visitors by day of their exposure
    goals: tuple[GoalTotals, ...]


@dataclass(frozen=True, slots=True)
class TrialTotals:
    """One epoch of one experiment, of all visitors or of those with one value of a breakdown."""

    variations: Mapping[str, VariationTotals]  # by id; those that were never seen are there with zeros
    several: int  # visitors seen in several variations, taken out of all others
    forgotten: int  # goal events beyond those that are remembered of a visitor, in no total
    unknown: Mapping[str, int]  # visitors by variation that the epoch doesn't have

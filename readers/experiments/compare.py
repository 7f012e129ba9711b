"""Owns one variation against control in one goal: difference, uplift, intervals, p-value. Which test is elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from readers.experiments.always_valid import EXPECTED_MIN, Sequence, expected, squared_errors
from readers.experiments.fixed import fixed_test
from readers.experiments.sample import Sample
from readers.experiments.uplift import Interval, uplift, uplift_interval


@dataclass(frozen=True, slots=True)
class Comparison:
    """p_value 1 and intervals None: too early to say. difference None: one of the two has no visitors."""

    difference: float | None
    interval: Interval | None
    uplift: float | None
    uplift_interval: Interval | None
    p_value: float | None
    fixed: dict[str, Any] | None

    def document(self) -> dict[str, Any]:
        """As the results have it."""
        return {
            "difference": self.difference,
            "interval": list(self.interval) if self.interval else None,
            "uplift": self.uplift,
            "uplift_interval": list(self.uplift_interval) if self.uplift_interval else None,
            "p_value": self.p_value,
            "fixed": self.fixed,
        }


def compare(kind: str, sample: Sample, control: Sample, sequence: Sequence, *, with_fixed: bool = True) -> Comparison:
    """sample against control, always valid and fixed."""
    if not sample.visitors or not control.visitors:
        return Comparison(None, None, None, None, None, None)
    relative = uplift(sample.mean, control.mean)
    fixed = fixed_test(kind, sample, control, sequence.alpha) if with_fixed else None
    if not has_begun(kind, sample, control):
        return Comparison(sample.mean - control.mean, None, relative, None, 1.0, fixed)
    return _compared(sample, control, sequence, relative, fixed)


def has_begun(kind: str, sample: Sample, control: Sample) -> bool:
    """Whether there is enough for the sequence to say anything."""
    n, n_control = sample.visitors, control.visitors
    enough = expected(n, n_control, sample.rarer(kind) + control.rarer(kind)) >= EXPECTED_MIN[kind]
    return bool(enough) and sample.variance + control.variance > 0


def _compared(
    sample: Sample, control: Sample, sequence: Sequence, relative: float | None, fixed: dict[str, Any] | None
) -> Comparison:
    visitors = sample.visitors + control.visitors
    errors = squared_errors(sample.visitors, sample.variance, control.visitors, control.variance)
    own, of_control = float(errors[0]), float(errors[1])
    boundary, error = float(sequence.boundary(visitors)), (own + of_control) ** 0.5
    difference, reach = sample.mean - control.mean, boundary * error
    return Comparison(
        difference,
        (difference - reach, difference + reach),
        relative,
        uplift_interval(sample.mean, own, control.mean, of_control, boundary),
        float(sequence.p_value(difference / error, visitors)),
        fixed,
    )

"""Owns the relative uplift and its interval, after Fieller: the ratios of two means that an interval can't tell apart.

Fieller's interval excludes 0 exactly where that of the difference does, and is as valid under peeking as its boundary,
which the delta method's is not. It is bounded only where control's mean is told apart from 0.
"""

from __future__ import annotations

from math import sqrt

Interval = tuple[float, float]


def uplift(mean: float, control: float) -> float | None:
    """By which part of control's mean the other lies above it; None where control's is not positive."""
    return mean / control - 1 if control > 0 else None


def uplift_interval(
    mean: float, squared_error: float, control: float, squared_error_control: float, boundary: float
) -> Interval | None:
    """boundary: in standard errors, as of the difference. None where it is not bounded."""
    reach = boundary * boundary
    a = control * control - reach * squared_error_control
    if control <= 0 or a <= 0:
        return None
    b = mean * control
    c = mean * mean - reach * squared_error
    root = sqrt(max(b * b - a * c, 0.0))
    return (b - root) / a - 1, (b + root) / a - 1

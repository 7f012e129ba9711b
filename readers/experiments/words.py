"""Owns how numbers are said in sentences: few digits, for people."""

from __future__ import annotations

from collections.abc import Sequence

from readers.experiments.compare import Comparison


def percent(part: float) -> str:
    """0.05 as 5%, 0.0125 as 1.3%."""
    return f"{part:.1%}".replace(".0%", "%")


def signed_percent(part: float) -> str:
    """With its sign; large ones without decimals."""
    return f"{part:+.0%}" if abs(part) >= 1 else f"{part:+.1%}"


def change_text(comparison: Comparison) -> str:
    """The change relative to control with its interval, or the plain difference where there is none."""
    relative, interval = comparison.uplift, comparison.uplift_interval
    if relative is not None and interval:
        low, high = interval
        return f"{signed_percent(relative)} (between {signed_percent(low)} and {signed_percent(high)})"
    return f"a difference of {comparison.difference:+.4g}"


def counted(names: Sequence[str]) -> str:
    """a, b and c."""
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)

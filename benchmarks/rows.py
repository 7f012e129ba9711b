"""The rows that every contestant must produce, and how two sets of them are compared.

A row is one metric, series (breakdown value, '' where there is none) and UTC day.
"""

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

COUNTED = ("count", "uniques", "daily_uniques")
SUMMED = (*COUNTED, "sum_total", "sum_quantity")
SUM_METRICS = ("adds_50", "orders", "big_orders", "in_f_or_big", "commerce_geo")
METRICS = (
    "page_views", "cat_views", "shirt_searches", "adds_50", "orders", "big_orders", "in_f_or_big", "pricing_pages",
    "even_tabs", "exp_views", "exp_clicks", "commerce_geo",
)  # fmt: skip
BREAKDOWNS = {
    "exp_views": "properties.variationName",
    "exp_clicks": "properties.variationName",
    "commerce_geo": "context.location.country",
}


class Row(NamedTuple):
    """Sums are exact; zero where the metric has none."""

    metric: str
    series: str
    day: str
    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody calls
    uniques: int
    daily_uniques: int
    sum_total: Decimal
    sum_quantity: Decimal


def measures_of(metric: str) -> tuple[str, ...]:
    return SUMMED if metric in SUM_METRICS else COUNTED


def compare(truth_rows: Iterable[Row], got_rows: Iterable[Row]) -> list[str]:
    """One line per differing cell; a row that is absent equals a row of zeros. Empty: the two are the same."""
    truth, got = _by_key(truth_rows), _by_key(got_rows)
    zeros = (0,) * len(SUMMED)
    return [
        f"{'/'.join(key)} {measure}: {mine} instead of {right}"
        for key in sorted(truth.keys() | got.keys())
        for measure, right, mine in zip(SUMMED, truth.get(key, zeros), got.get(key, zeros), strict=True)
        if mine != right
    ]


def to_lines(rows: Iterable[Row]) -> str:
    """One JSON array a line; decimals as text."""
    return "".join(json.dumps(row, default=str) + "\n" for row in rows)


def from_lines(text: str) -> list[Row]:
    values = (json.loads(line) for line in text.splitlines())
    return [Row._make([*row[:6], Decimal(row[6]), Decimal(row[7])]) for row in values]


def _by_key(rows: Iterable[Row]) -> dict[tuple[str, ...], tuple[int | Decimal, ...]]:
    cells: dict[tuple[str, ...], tuple[int | Decimal, ...]] = {}
    for row in rows:
        key = row[:3]
        if key in cells:
            raise ValueError(f"two rows for {'/'.join(key)}")
        cells[key] = row[3:]
    return cells

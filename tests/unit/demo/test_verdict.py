"""The comparison at the demo's end: a single wrong number is found, named and shown."""

from __future__ import annotations

import io
from decimal import Decimal

from rich.console import Console

from pipeline.demo.tally import VARIATION, Cell
from pipeline.demo.verdict import Verdict

TOTAL = Cell("hero_clicks.clicks", "", "", "2026-10-01")
A = Cell("hero_clicks.clicks", VARIATION, "A", "2026-10-01")
REVENUE = Cell("orders.revenue", "", "", "2026-10-01")
SENT = {TOTAL: Decimal(3), A: Decimal(3), REVENUE: Decimal("10.30")}


def test_what_is_the_same_is_the_same_however_it_is_written() -> None:
    assert Verdict(SENT, {**SENT, REVENUE: Decimal("10.3")}).differences() == []


def test_a_wrong_number_of_a_variation_is_named() -> None:
    verdict = Verdict(SENT, {**SENT, A: Decimal(2)})
    assert [verdict.describe(cell) for cell in verdict.differences()] == [
        "hero_clicks.clicks of A on 2026-10-01: sent 3, answered 2"
    ]


def test_a_missing_number_and_one_too_many_are_differences() -> None:
    extra = Cell("orders.orders", "", "", "2026-10-02")
    verdict = Verdict(SENT, {TOTAL: Decimal(3), A: Decimal(3), extra: Decimal(1)})
    assert verdict.differences() == [extra, REVENUE]


def test_the_table_has_a_line_for_each_measure_and_variation() -> None:
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(Verdict(SENT, {**SENT, A: Decimal(2)}).table())
    rows = [line.split() for line in console.export_text().splitlines()]
    assert ["hero_clicks.clicks", "2", "3", "3", "1", "differ"] in rows
    assert ["A", "1", "3", "2", "1", "differ"] in rows
    assert ["orders.revenue", "1", "10.30", "10.30", "same"] in rows

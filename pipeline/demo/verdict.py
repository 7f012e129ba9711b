"""Holds the service's answers against the shop's own tally: every number of every day, nothing rounded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from pipeline.demo.board import shown
from pipeline.demo.numbers import Numbers
from pipeline.demo.tally import EXPOSED, GOALS, HERO, RULES, VARIATION, Cell, Tally

REJECTED = "_rejected.rejected"
REASON = "reason"
Cells = Mapping[Cell, Decimal]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Numbers that were sent and that were answered; one that is missing is zero."""

    sent: Cells
    answered: Cells
    decision: str = ""  # of the A/B test, in a sentence

    def differences(self) -> list[Cell]:
        """Those that aren't the same."""
        return [cell for cell in sorted({*self.sent, *self.answered}) if self._differs(cell)]

    def describe(self, cell: Cell) -> str:
        """One difference in words."""
        sent, answered = self._of(cell)
        of = f" of {cell.value}" if cell.breakdown else ""
        return f"{cell.measure}{of} on {cell.day or 'all days'}: sent {sent}, answered {answered}"

    def table(self) -> Table:
        """A line for each measure, and for each variation where it is broken down by them."""
        table = Table(title="Sent and answered", title_justify="left", title_style="bold", box=SIMPLE_HEAD)
        for name in ("measure", "numbers", "sent", "answered", ""):
            table.add_column(name, justify="left" if name in ("measure", "") else "right")
        everything = {*self.sent, *self.answered}
        for measure in sorted({cell.measure for cell in everything}):
            self._add_row(table, measure, [cell for cell in everything if cell.measure == measure])
            for variation in sorted({c.value for c in everything if c.measure == measure and c.breakdown == VARIATION}):
                cells = [c for c in everything if (c.measure, c.breakdown, c.value) == (measure, VARIATION, variation)]
                self._add_row(table, f"  {variation}", cells)
        return table

    def _add_row(self, table: Table, name: str, cells: list[Cell]) -> None:
        """`numbers` are all that were compared, the sums those of the least broken down among them."""
        wrong = sum(1 for cell in cells if self._differs(cell))
        least = min(cell.breakdown for cell in cells)
        summed = [self._of(cell) for cell in cells if cell.breakdown == least]
        sent, answered = (sum(numbers, Decimal(0)) for numbers in zip(*summed, strict=True))
        outcome = f"[red]{wrong:,} differ" if wrong else "[green]same"
        table.add_row(name, f"{len(cells):,}", shown(sent), shown(answered), outcome)

    def _differs(self, cell: Cell) -> bool:
        sent, answered = self._of(cell)
        return sent != answered

    def _of(self, cell: Cell) -> tuple[Decimal, Decimal]:
        return self.sent.get(cell, Decimal(0)), self.answered.get(cell, Decimal(0))


def judge(tally: Tally, numbers: Numbers, today: date) -> Verdict:
    """Ask for everything that the tally knows. Raises NoAnswer."""
    sent = tally.cells()
    for reason, count in tally.rejects.items():
        sent[Cell(REJECTED, REASON, reason, "")] = Decimal(count)
    days = [min(cell.day for cell in sent if cell.day), max(today.isoformat(), *(cell.day for cell in sent))]
    results = numbers.experiments(f"/v1/experiments/{HERO}/results")
    answered = {**dict(_answered(numbers, days)), **dict(_of_test(results))}
    return Verdict(sent, {cell: number for cell, number in answered.items() if number}, results["decision"]["reason"])


def _of_test(results: Mapping[str, Any]) -> Iterator[tuple[Cell, Decimal]]:
    for measure, goal in zip(GOALS, results["goals"], strict=True):
        for variation in goal["variations"]:
            yield Cell(EXPOSED, VARIATION, variation["id"], ""), Decimal(variation["visitors"])
            yield Cell(measure, VARIATION, variation["id"], ""), Decimal(variation["total"])


def _answered(numbers: Numbers, days: list[str]) -> Iterator[tuple[Cell, Decimal]]:
    for rule in RULES:
        for breakdown in ("", rule.breakdown):
            answer = numbers.ask(rule.measures(), days, "time:day", *([breakdown] if breakdown else []))
            for (day, *values), row in answer.rows.items():
                for measure, number in row.items():
                    yield Cell(measure, breakdown, values[0] if values else "", day), number
    for (reason,), row in numbers.ask([REJECTED], days, REASON).rows.items():
        yield Cell(REJECTED, REASON, reason, ""), row[REJECTED]

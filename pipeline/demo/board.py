"""What the demo shows while it runs: today's numbers and the A/B test, as tables or as one line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from pipeline.demo.numbers import Numbers
from pipeline.demo.tally import HERO

TODAY = {
    "page views": "page_views.views",
    "new visitors": "page_views.visitors",
    "orders": "orders.orders",
    "revenue (GBP)": "orders.revenue",
    "first-time buyers": "orders.buyers",
}


@dataclass(frozen=True, slots=True)
class Variation:
    """One variation's numbers over all days. visitors: who saw it; clicked: of these, who clicked it then."""

    name: str
    visitors: int
    clicked: int
    revenue: Decimal

    @property
    def click_rate(self) -> str:
        return f"{self.clicked / self.visitors:.1%}" if self.visitors else "-"


@dataclass(frozen=True, slots=True)
class Board:
    """The numbers at one moment. `rejected` is of today, as the rest but the variations and what is decided by them."""

    today: dict[str, Decimal]
    variations: list[Variation]
    decision: str
    rejected: int
    complete_until: datetime | None

    def complete_after(self, time: datetime) -> bool:
        """Whether all that had been sent by then is in the numbers."""
        return self.complete_until is not None and self.complete_until > time


def read_board(numbers: Numbers) -> Board:
    """Raises NoAnswer."""
    today = numbers.ask([*TODAY.values(), "_rejected.rejected"], "day")
    test = numbers.experiments(f"/v1/experiments/{HERO}/results")
    totals = {name: today.total(metric) for name, metric in TODAY.items()}
    clicks, revenue = (goal["variations"] for goal in test["goals"])
    variations = [
        Variation(c["id"], c["visitors"], int(c["total"]), Decimal(r["total"])) for c, r in zip(clicks, revenue, strict=True)
    ]
    return Board(
        totals, variations, test["decision"]["reason"], int(today.total("_rejected.rejected")), today.complete_until
    )


def tables(board: Board, status: str) -> Group:
    """For a terminal."""
    today = Table(title="Today in London", title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for name in board.today:
        today.add_column(name, justify="right")
    today.add_row(*(shown(number) for number in board.today.values()))
    test = Table(title="A/B test Homepage Hero CTA, all days", title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for name in ("variation", "visitors", "clicked", "rate", "revenue after it"):
        test.add_column(name, justify="left" if name == "variation" else "right")
    for v in board.variations:
        test.add_row(v.name, f"{v.visitors:,}", f"{v.clicked:,}", v.click_rate, shown(v.revenue))
    return Group(Text(), today, Text(), test, Text(f"  {board.decision}\n"), Text(status, style="dim"))


def line(board: Board, status: str) -> str:
    """The same for a file or a pipe."""
    today = ", ".join(f"{name} {shown(number)}" for name, number in board.today.items())
    test = ", ".join(f"{v.name} {v.click_rate} of {v.visitors:,}" for v in board.variations)
    return f"today: {today} | clicked: {test} | {status}"


def shown(number: Decimal) -> str:
    """With separators; whole numbers without decimals, others with two."""
    return f"{number:,.2f}" if number != number.to_integral_value() else f"{int(number):,}"

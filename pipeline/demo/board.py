"""What the demo shows while it runs: today's numbers and the A/B test, as tables or as one line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from pipeline.demo.numbers import Answer, Numbers
from pipeline.demo.visitors import VARIATIONS

TODAY = {
    "page views": "page_views.views",
    "new visitors": "page_views.visitors",
    "orders": "orders.orders",
    "revenue (GBP)": "orders.revenue",
    "first-time buyers": "orders.buyers",
}
VIEWS, CLICKS, ORDERS = "hero_views.views", "hero_clicks.clicks", "hero_orders.orders"


@dataclass(frozen=True, slots=True)
class Variation:
    """One variation's numbers over all days."""

    name: str
    views: int
    clicks: int
    orders: int

    @property
    def click_rate(self) -> str:
        return f"{self.clicks / self.views:.1%}" if self.views else "-"


@dataclass(frozen=True, slots=True)
class Board:
    """The numbers at one moment. `rejected` is of today, as the rest but the variations."""

    today: dict[str, Decimal]
    variations: list[Variation]
    rejected: int
    complete_until: datetime | None

    def complete_after(self, time: datetime) -> bool:
        """Whether all that had been sent by then is in the numbers."""
        return self.complete_until is not None and self.complete_until > time


def read_board(numbers: Numbers) -> Board:
    """Raises NoAnswer."""
    today = numbers.ask([*TODAY.values(), "_rejected.rejected"], "day")
    test = numbers.ask([VIEWS, CLICKS, ORDERS], "30d", "properties.variationName")
    totals = {name: today.total(metric) for name, metric in TODAY.items()}
    variations = [_variation(test, name) for name in VARIATIONS]
    return Board(totals, variations, int(today.total("_rejected.rejected")), today.complete_until)


def tables(board: Board, status: str) -> Group:
    """For a terminal."""
    today = Table(title="Today in London", title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for name in board.today:
        today.add_column(name, justify="right")
    today.add_row(*(shown(number) for number in board.today.values()))
    test = Table(title="A/B test Homepage Hero CTA, all days", title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for name in ("variation", "views", "clicks", "click rate", "orders after it"):
        test.add_column(name, justify="left" if name == "variation" else "right")
    for v in board.variations:
        test.add_row(v.name, f"{v.views:,}", f"{v.clicks:,}", v.click_rate, f"{v.orders:,}")
    return Group(Text(), today, Text(), test, Text(status, style="dim"))


def line(board: Board, status: str) -> str:
    """The same for a file or a pipe."""
    today = ", ".join(f"{name} {shown(number)}" for name, number in board.today.items())
    test = ", ".join(f"{v.name} {v.click_rate} of {v.views:,}" for v in board.variations)
    return f"today: {today} | clicked: {test} | {status}"


def shown(number: Decimal) -> str:
    """With separators; whole numbers without decimals, others with two."""
    return f"{number:,.2f}" if number != number.to_integral_value() else f"{int(number):,}"


def _variation(test: Answer, name: str) -> Variation:
    row = test.rows.get((name,), {})
    return Variation(name, *(int(row.get(metric, 0)) for metric in (VIEWS, CLICKS, ORDERS)))

"""What the demo has sent, counted by hand: the truth that the service's answers are held against.

The rules stand here a second time, in plain words; nothing of the pipeline is used, nor are the definitions.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from pipeline.demo.traffic import Delivery
from pipeline.demo.visit import EXPERIMENT, Event

COUNTRY = "context.location.country"
CATEGORY = "properties.category"
QUERY = "properties.query"
VARIATION = "properties.variationName"

Record = Mapping[str, Any]


class Cell(NamedTuple):
    """One number: a measure on a day, of all events or (breakdown not empty) of those with a value."""

    measure: str
    breakdown: str
    value: str
    day: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A metric: which events, what each adds, what a visitor's first one adds, and the value it is broken down by."""

    metric: str
    breakdown: str
    matches: Callable[[Record], bool]
    adds: dict[str, Callable[[Record], Decimal]]
    first_adds: dict[str, Callable[[Record], Decimal]]

    def measures(self) -> list[str]:
        return [f"{self.metric}.{name}" for name in (*self.adds, *self.first_adds)]


def _one(_: Record) -> Decimal:
    return Decimal(1)


def _total(record: Record) -> Decimal:
    return Decimal(str(record["properties"]["total"]))


def _quantity(record: Record) -> Decimal:
    return Decimal(sum(product["quantity"] for product in record["properties"]["products"]))


def _tracks(event: str) -> Callable[[Record], bool]:
    return lambda record: record.get("event") == event


def _tracks_test(event: str) -> Callable[[Record], bool]:
    return lambda record: record.get("event") == event and record["properties"].get("experimentName") == EXPERIMENT


RULES = (
    Rule("page_views", COUNTRY, lambda record: record["type"] == "page", {"views": _one}, {"visitors": _one}),
    Rule("product_views", CATEGORY, _tracks("Product Viewed"), {"views": _one}, {"viewers": _one}),
    Rule("searches", QUERY, _tracks("Products Searched"), {"searches": _one}, {}),
    Rule(
        "orders",
        COUNTRY,
        _tracks("Order Completed"),
        {"orders": _one, "revenue": _total, "quantity": _quantity},
        {"buyers": _one, "first_spend": _total},
    ),
    Rule("hero_views", VARIATION, _tracks_test("Experiment Viewed"), {"views": _one}, {"visitors": _one}),
    Rule("hero_clicks", VARIATION, _tracks_test("Experiment Clicked"), {"clicks": _one}, {"visitors": _one}),
    Rule(
        "hero_orders",
        VARIATION,
        _tracks_test("Order Completed"),
        {"orders": _one, "revenue": _total},
        {"buyers": _one},
    ),
)


HERO = "hero_cta"  # the experiment's id in shop.yaml
GOALS = (f"{HERO}: hero_clicks.visitors", f"{HERO}: orders.revenue")
EXPOSED = f"{HERO}: exposed visitors"


class _InTest(NamedTuple):
    """What a visitor did that matters to the A/B test, in order of time: an exposure, a click, or an order's total."""

    time: datetime
    message_id: str
    variation: str
    clicked: bool
    spent: Decimal


class _First(NamedTuple):
    """A visitor's first event so far; the smaller is the earlier one."""

    time: datetime
    message_id: str
    day: str
    adds: dict[str, Decimal]


class Tally:
    """Counts deliveries: numbers, rejects by reason, and how much came twice or without a visitor."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._sums: defaultdict[Cell, Decimal] = defaultdict(Decimal)
        self._firsts: dict[tuple[str, str, str, str], _First] = {}
        self._in_test: defaultdict[str, list[_InTest]] = defaultdict(list)
        self.events = 0
        self.repeated = 0
        self.nameless = 0
        self.rejects: Counter[str] = Counter()

    def add(self, delivery: Delivery) -> None:
        """Count what one line tells that is new."""
        if delivery.reject:
            self.rejects[delivery.reject] += 1
        elif delivery.event is None:
            self.repeated += 1
        else:
            self.events += 1
            self.nameless += delivery.event.visitor is None
            self._count(delivery.event)

    def cells(self) -> dict[Cell, Decimal]:
        """All numbers that are not zero."""
        cells = self._sums.copy()
        for (metric, breakdown, value, _), first in self._firsts.items():
            for name, amount in first.adds.items():
                cells[Cell(f"{metric}.{name}", breakdown, value, first.day)] += amount
        for in_test in self._in_test.values():
            exposed = min((one.time for one in in_test if one.variation), default=None)
            if exposed is not None:
                later = [one for one in in_test if one.time >= exposed]
                variation = next(one.variation for one in in_test if one.variation)
                clicked, spent = any(one.clicked for one in later), sum((one.spent for one in later), Decimal(0))
                for measure, number in zip((EXPOSED, *GOALS), (Decimal(1), Decimal(clicked), spent), strict=True):
                    cells[Cell(measure, VARIATION, variation, "")] += number
        return {cell: number for cell, number in cells.items() if number}

    def _count(self, event: Event) -> None:
        day = event.time.astimezone(self._zone).date().isoformat()
        if event.visitor is not None:
            self._note_test(event.visitor, event)
        for rule in RULES:
            if rule.matches(event.record):
                for breakdown in ("", rule.breakdown):
                    self._count_as(rule, event, day, breakdown, _at(event.record, breakdown) if breakdown else "")

    def _note_test(self, visitor: str, event: Event) -> None:
        record = event.record
        variation = record["properties"]["variationName"] if _tracks_test("Experiment Viewed")(record) else ""
        clicked = _tracks_test("Experiment Clicked")(record)
        spent = _total(record) if _tracks("Order Completed")(record) else Decimal(0)
        if variation or clicked or spent:
            self._in_test[visitor].append(_InTest(event.time, record["messageId"], variation, clicked, spent))

    def _count_as(self, rule: Rule, event: Event, day: str, breakdown: str, value: str) -> None:
        for name, amount in rule.adds.items():
            self._sums[Cell(f"{rule.metric}.{name}", breakdown, value, day)] += amount(event.record)
        if event.visitor is not None and rule.first_adds:
            key = (rule.metric, breakdown, value, event.visitor)
            when = (event.time, event.record["messageId"])
            if key not in self._firsts or when < self._firsts[key][:2]:
                adds = {name: amount(event.record) for name, amount in rule.first_adds.items()}
                self._firsts[key] = _First(*when, day, adds)


def _at(record: Record, path: str) -> str:
    found: Any = record
    for part in path.split("."):
        found = found[part]
    return str(found)

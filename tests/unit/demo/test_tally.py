"""The demo's own count, held to events that are counted by eye."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pipeline.demo.tally import COUNTRY, EXPOSED, GOALS, RULES, VARIATION, Cell, Tally
from pipeline.demo.traffic import Delivery
from pipeline.demo.visit import EXPERIMENT, Event


@pytest.fixture
def tally() -> Tally:
    return Tally(ZoneInfo("Europe/London"))


def order(time: str, total: float, *, visitor: str | None = "v", message: str = "m", country: str = "GB") -> Delivery:
    products = [{"quantity": 2}, {"quantity": 1}]
    return delivery(time, visitor, message, country, {"total": total, "products": products})


def delivery(
    time: str,
    visitor: str | None,
    message: str,
    country: str,
    properties: dict[str, Any],
    name: str = "Order Completed",
) -> Delivery:
    record = {
        "messageId": message,
        "type": "track",
        "event": name,
        "properties": properties,
        "context": {"location": {"country": country}},
    }
    return Delivery(b"", Event(datetime.fromisoformat(time).astimezone(UTC), visitor, record))


def day(tally: Tally, measure: str, day: str) -> Decimal:
    return tally.cells().get(Cell(measure, "", "", day), Decimal(0))


def test_a_late_earlier_order_moves_the_buyer_and_the_first_spend(tally: Tally) -> None:
    tally.add(order("2026-10-02T10:00Z", 20.5, message="b"))
    tally.add(order("2026-10-01T10:00Z", 0.1, message="c"))
    tally.add(order("2026-10-03T10:00Z", 7.2, message="a"))
    assert [day(tally, "orders.buyers", f"2026-10-0{d}") for d in (1, 2, 3)] == [1, 0, 0]
    assert day(tally, "orders.first_spend", "2026-10-01") == Decimal("0.1")
    assert [day(tally, "orders.revenue", f"2026-10-0{d}") for d in (1, 2, 3)] == [
        Decimal("0.1"), Decimal("20.5"), Decimal("7.2"),
    ]  # fmt: skip
    assert day(tally, "orders.quantity", "2026-10-01") == 3


def test_of_two_at_the_same_time_the_smaller_message_id_is_first(tally: Tally) -> None:
    tally.add(order("2026-10-01T10:00Z", 5, message="b"))
    tally.add(order("2026-10-01T10:00Z", 3, message="a"))
    assert day(tally, "orders.first_spend", "2026-10-01") == 3


def test_days_are_london_days(tally: Tally) -> None:
    tally.add(order("2026-07-01T23:30Z", 5))
    assert day(tally, "orders.orders", "2026-07-02") == 1


def test_firsts_are_per_value_too(tally: Tally) -> None:
    tally.add(order("2026-10-01T10:00Z", 5, message="a"))
    tally.add(order("2026-10-02T10:00Z", 5, message="b", country="DE"))
    cells = tally.cells()
    assert cells[Cell("orders.buyers", COUNTRY, "DE", "2026-10-02")] == 1
    assert day(tally, "orders.buyers", "2026-10-02") == 0


def test_an_event_without_a_visitor_is_no_buyer(tally: Tally) -> None:
    tally.add(order("2026-10-01T10:00Z", 5, visitor=None))
    assert day(tally, "orders.orders", "2026-10-01") == 1
    assert day(tally, "orders.buyers", "2026-10-01") == 0
    assert tally.nameless == 1


def test_repeats_and_rejects_add_to_no_number(tally: Tally) -> None:
    tally.add(Delivery(b"{}"))
    tally.add(Delivery(b"{", reject="not_json"))
    assert tally.cells() == {}
    assert (tally.events, tally.repeated, tally.rejects) == (0, 1, {"not_json": 1})


def test_an_order_after_the_test_was_seen_counts_for_its_variation(tally: Tally) -> None:
    test = {"experimentName": EXPERIMENT, "variationName": "A"}
    tally.add(delivery("2026-10-01T10:00Z", "v", "m", "GB", {"total": 5, "products": [], **test}))
    assert tally.cells()[Cell("hero_orders.orders", VARIATION, "A", "2026-10-01")] == 1


def test_in_the_test_counts_what_a_visitor_does_from_the_first_sight_on(tally: Tally) -> None:
    test = {"experimentName": EXPERIMENT, "variationName": "A"}
    tally.add(order("2026-10-01T10:00Z", 5, message="before"))
    tally.add(delivery("2026-10-02T10:00Z", "v", "seen", "GB", test, name="Experiment Viewed"))
    tally.add(delivery("2026-10-02T10:01Z", "v", "clicked", "GB", test, name="Experiment Clicked"))
    tally.add(order("2026-10-03T10:00Z", 7, message="after"))
    cells = tally.cells()
    assert [cells[Cell(measure, VARIATION, "A", "")] for measure in (EXPOSED, *GOALS)] == [1, 1, 7]


def test_there_is_a_rule_for_each_metric_that_is_pushed() -> None:
    from importlib.resources import files

    import yaml

    pushed = yaml.safe_load((files("pipeline.demo") / "shop.yaml").read_text())["metrics"]
    assert [metric["id"] for metric in pushed] == [rule.metric for rule in RULES]
    # Means and a day's visitors don't add up over days; the pipeline's own tests are about them.
    left_out = {"page_views.daily_visitors", "orders.average"}
    measures = {f"{metric['id']}.{name}" for metric in pushed for name in metric["measures"]}
    assert measures - left_out == {name for rule in RULES for name in rule.measures()}

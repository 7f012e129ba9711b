"""What a visitor does in the demo's shop, from the first page to the order, and what the browser says of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from pipeline.demo.visitors import VARIATIONS, Visitor

EXPERIMENT = "Homepage Hero CTA"
CLICK_RATES = dict(zip(VARIATIONS, (0.11, 0.16), strict=True))  # the truth that the A/B test is after
EVENTS_PER_VISIT = 5.9  # on average, of what stands below; held by a test
BETWEEN_EVENTS_S = 5.0  # on average
HOME = 0.7  # of visits begin there
SEARCHES = 0.4
ADDS = 0.1  # of products looked at are put into the cart; of those who clicked the call to action, ADDS_CLICKED
ADDS_CLICKED = 0.2
BUYS = 0.5  # of visits with a cart
QUERIES = ("linen shirt", "shirt", "sneakers", "leather bag", "watch", "rain coat", "gift", "socks", "blue dress")
PRODUCTS = tuple(  # name, category, price in cents
    (f"{kind.lower()}-{i}", kind, cents + 730 * i)
    for kind, cents in (("Shirts", 1999), ("Shoes", 5995), ("Bags", 4450), ("Watches", 12900), ("Socks", 499))
    for i in range(1, 7)
)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that a visitor did. `time`: when, UTC, in whole ms. `record`: what is sent of it, but for the times."""

    time: datetime
    visitor: str | None
    record: dict[str, Any]


def visit(rng: Random, visitor: Visitor, start: datetime) -> list[Event]:
    """One visit's events, in order of time."""
    browser = _Browser(rng, visitor, start)
    in_test = clicked = False
    if rng.random() < HOME:
        in_test, clicked = True, _see_hero(browser)
    if rng.random() < SEARCHES:
        browser.track("Products Searched", query=rng.choice(QUERIES))
    cart = _look_around(browser, ADDS_CLICKED if clicked else ADDS)
    if cart and rng.random() < BUYS:
        _buy(browser, cart, {"experimentName": EXPERIMENT, "variationName": visitor.variation} if in_test else {})
    return browser.events


class _Browser:
    """Notes what happens, a while after what happened before."""

    def __init__(self, rng: Random, visitor: Visitor, start: datetime) -> None:
        self.rng = rng
        self.visitor = visitor
        self.events: list[Event] = []
        self._time = start

    def page(self, name: str, path: str) -> None:
        self._note({"type": "page", "name": name}, {"path": path}, path)

    def track(self, event: str, **properties: Any) -> None:
        self._note({"type": "track", "event": event}, properties, "/")

    def _note(self, what: dict[str, str], properties: dict[str, Any], path: str) -> None:
        self._time += timedelta(seconds=self.rng.expovariate(1 / BETWEEN_EVENTS_S))
        context = {
            "page": {"url": f"https://shop.example{path}"},
            "location": {"country": self.visitor.country},
        }
        record = {
            "messageId": f"{self.rng.getrandbits(96):024x}",
            **what,
            **self.visitor.ids,
            "properties": properties,
            "context": context,
        }
        time = self._time.replace(microsecond=self._time.microsecond // 1000 * 1000)
        self.events.append(Event(time, self.visitor.key, record))


def _see_hero(browser: _Browser) -> bool:
    """The homepage with the A/B test; whether its call to action was clicked."""
    test = {"experimentName": EXPERIMENT, "variationName": browser.visitor.variation}
    browser.page("Home", "/")
    browser.track("Experiment Viewed", **test)
    if browser.rng.random() >= CLICK_RATES[browser.visitor.variation]:
        return False
    browser.track("Experiment Clicked", **test)
    return True


def _look_around(browser: _Browser, adds: float) -> list[dict[str, Any]]:
    """Some products; those put into the cart, with prices in cents."""
    cart = []
    for _ in range(1 + min(int(browser.rng.expovariate(0.8)), 8)):
        name, category, cents = browser.rng.choice(PRODUCTS)
        browser.page("Product", f"/p/{name}")
        browser.track("Product Viewed", product_id=name, category=category, price=cents / 100)
        if browser.rng.random() < adds:
            quantity = browser.rng.choice((1, 1, 1, 2, 3))
            browser.track("Product Added", product_id=name, category=category, price=cents / 100, quantity=quantity)
            cart.append({"product_id": name, "cents": cents, "quantity": quantity})
    return cart


def _buy(browser: _Browser, cart: list[dict[str, Any]], test: dict[str, str]) -> None:
    cents = sum(item["cents"] * item["quantity"] for item in cart)
    products = [
        {"product_id": item["product_id"], "price": item["cents"] / 100, "quantity": item["quantity"]} for item in cart
    ]
    browser.page("Checkout", "/checkout")
    order_id = f"{browser.rng.getrandbits(32):08x}"
    browser.track("Order Completed", order_id=order_id, total=cents / 100, currency="GBP", products=products, **test)

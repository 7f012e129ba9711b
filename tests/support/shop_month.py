"""Owns two shop months for tests of the dashboard: generated events up to now, with one day on which the sales fell."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

DAYS = 75
FELL_DAYS_AGO = 9  # the sales of that day are a quarter of what they would be
COUNTRIES = ["DE", "FR", "GB", "IN", "US", "NL", "ES"]
WEIGHTS = [30, 20, 18, 12, 10, 6, 4]

DEFINITIONS: list[dict[str, Any]] = [
    {
        "id": "orders",
        "description": "Orders completed",
        "where": {"event": "Order Completed"},
        "measures": {
            "orders": {"aggregate": "count"},
            "revenue": {"aggregate": "sum", "field": "properties.total"},
            "buyers": {"aggregate": "count", "once_per": "visitor"},
            "daily_buyers": {"aggregate": "count", "once_per": "visitor_day"},
            "average": {"aggregate": "mean", "field": "properties.total"},
        },
        "breakdowns": ["context.location.country", "properties.variationName"],
    },
    {
        "id": "page_views",
        "description": "Pages seen",
        "where": {"type": "page"},
        "measures": {"views": {"aggregate": "count"}, "visitors": {"aggregate": "count", "once_per": "visitor"}},
        "breakdowns": ["context.location.country"],
    },
]
# What `searches` was before it was changed.
SEARCHES_BEFORE: dict[str, Any] = {
    "id": "searches",
    "description": "Searches",
    "where": {"event": "Searched"},
    "measures": {"searches": {"aggregate": "count"}},
}
SEARCHES = {**SEARCHES_BEFORE, "where": {"event": "Products Searched"}}


def shop_events(now: datetime, seed: int) -> Iterator[dict[str, Any] | str]:
    """Events of the days up to `now`, and a few records that are rejected or come twice."""
    rng = random.Random(seed)
    for ago in range(DAYS, -1, -1):
        day = (now - timedelta(days=ago)).replace(hour=0, minute=0, second=0, microsecond=0)
        weight = (0.7 if day.weekday() >= 5 else 1) * (0.25 if ago == FELL_DAYS_AGO else 1) * (1.2 - ago / DAYS * 0.5)
        for name, number in (("order", 16), ("page", 40), ("search", 12)):
            for i in range(int(number * weight * rng.uniform(0.85, 1.15))):
                at = day + timedelta(seconds=int(86_400 * min(rng.betavariate(3, 2.2), 0.999)))
                if at < now:
                    event = _event(rng, name, f"{name}-{ago}-{i}", at)
                    yield event
                    if rng.random() < 0.02:
                        yield event
    yield "this is not JSON"
    yield {"type": "track", "event": "Order Completed", "messageId": "bad-time", "timestamp": "yesterday"}


def order(message: str, at: datetime, total: float, **properties: Any) -> dict[str, Any]:
    """One more order, of a visitor of its own."""
    return {
        "type": "track",
        "event": "Order Completed",
        "messageId": message,
        "anonymousId": f"visitor of {message}",
        "timestamp": at.isoformat(),
        "properties": {"total": total, **properties},
        "context": {"location": {"country": "DE"}},
    }


def _event(rng: random.Random, name: str, message: str, at: datetime) -> dict[str, Any]:
    event = order(message, at, round(rng.lognormvariate(4, 0.6), 2), variationName=rng.choice(["Join", "Count me in!"]))
    event["anonymousId"] = f"visitor {rng.randrange(400)}" if rng.random() > 0.01 else None
    event["context"]["location"]["country"] = rng.choices(COUNTRIES, WEIGHTS)[0]
    if name == "order" and rng.random() < 0.01:
        event["properties"]["total"] = "unknown"
    if name == "page":
        return {**event, "type": "page", "event": None}
    return event if name == "order" else {**event, "event": "Products Searched"}

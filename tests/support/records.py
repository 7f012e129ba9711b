"""Owns small events for tests of runs: valid ones, to be changed at one place."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

AT = "2026-10-01T12:00:00.000Z"


def order(**changes: Any) -> dict[str, Any]:
    """An order of 10 by visitor v1; `...` leaves a key out, `total` and `country` go where they belong."""
    properties = {"total": changes.pop("total", 10), **changes.pop("properties", {})}
    context = {"location": {"country": changes.pop("country", "DE")}}
    event = {
        "messageId": "m1",
        "type": "track",
        "event": "Order Completed",
        "anonymousId": "v1",
        "timestamp": AT,
        "properties": {key: value for key, value in properties.items() if value is not ...},
        "context": context,
    }
    return {key: value for key, value in {**event, **changes}.items() if value is not ...}


def orders(prefix: str = "m") -> Iterator[dict[str, Any]]:
    """Orders with ids of their own, without end."""
    return (order(messageId=f"{prefix}{n}") for n in itertools.count(1))


ORDERS = {
    "id": "orders",
    "where": {"event": "Order Completed"},
    "measures": {
        "n": {"aggregate": "count"},
        "buyers": {"aggregate": "count", "once_per": "visitor"},
        "revenue": {"aggregate": "sum", "field": "properties.total"},
    },
    "breakdowns": ["context.location.country"],
}

"""Owns small definitions for tests: a document that is valid, to be changed at one place."""

from __future__ import annotations

from typing import Any


def metric_document(**changes: Any) -> dict[str, Any]:
    """A valid metric; a change to None leaves the key out."""
    document = {
        "id": "orders",
        "description": "All orders",
        "where": {"event": "Order Completed"},
        "measures": {"count": {"aggregate": "count"}, "revenue": {"aggregate": "sum", "field": "properties.total"}},
        "breakdowns": ["properties.plan", "context.country"],
    }
    return {key: value for key, value in {**document, **changes}.items() if value is not None}


def account_document(*metrics: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A valid account's document; with one valid metric if none is given."""
    settings = {"timezone": "Asia/Kolkata", "groups": {"vip": ["u1", "u2"]}}
    return {"account": "acme", "settings": settings, "metrics": list(metrics) or [metric_document()], **changes}

"""Owns an e-mail test of three arms, with the numbers that a real one had, as definitions and events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

ARMS = {"first": (21_306, 122), "second": (21_307, 267), "third": (21_387, 189)}  # visitors, of whom so many ordered
DAYS = 5
HALF = {"first": [[0, 341]], "second": [[341, 682]], "third": [[682, 1023]]}


def definitions() -> dict[str, Any]:
    """An account with the test in it."""
    orders = {"visitors": {"aggregate": "count", "once_per": "visitor"}, "revenue": _sum("properties.total")}
    return {
        "account": "post",
        "metrics": [{"id": "orders", "where": {"event": "Order Completed"}, "measures": orders}],
        "layers": [{"id": "mail", "buckets": 1024}],
        "experiments": [
            {
                "id": "subject",
                "layer": "mail",
                "status": "running",
                "parameters": {"line": {"type": "string", "default": "News"}},
                "variations": [{"id": arm, "parameters": {"line": arm}} for arm in ARMS],
                "allocation": HALF,
                "exposure": {"where": {"event": "E-mail Opened"}, "variation": "properties.arm"},
                "breakdowns": ["properties.plan"],
                "goals": ["orders.visitors", "orders.revenue"],
                "control": "first",
            }
        ],
    }


def events(until: datetime, seed: int = 1) -> Iterator[dict[str, Any]]:
    """Exposures over the days before, orders after them, in any order; the totals of orders are cents."""
    random, made = Random(seed), []
    for arm, (visitors, buyers) in ARMS.items():
        for number in range(visitors):
            visitor, at = f"{arm}-{number}", until - timedelta(days=DAYS) * random.uniform(0.2, 1)
            plan = "pro" if number % 3 else "free"
            made.append(_event("E-mail Opened", visitor, at, arm=arm, plan=plan))
            if number < buyers:
                ordered = at + timedelta(minutes=random.randrange(1, 600))
                made.append(_event("Order Completed", visitor, ordered, total=random.randrange(1, 10_000) / 100))
    random.shuffle(made)
    yield from made


def write(folder: Path, until: datetime | None = None) -> tuple[str, str]:
    """The paths of the definitions and of the events in a folder."""
    (folder / "definitions.json").write_text(json.dumps(definitions()))
    lines = (json.dumps(event) + "\n" for event in events(until or datetime.now(UTC)))
    (folder / "events.jsonl").write_text("".join(lines))
    return str(folder / "definitions.json"), str(folder / "events.jsonl")


def _event(name: str, visitor: str, at: datetime, **properties: Any) -> dict[str, Any]:
    text = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    identity = {"messageId": f"{name}-{visitor}", "type": "track", "event": name, "anonymousId": visitor}
    return {**identity, "timestamp": text, "properties": properties}


def _sum(path: str) -> dict[str, str]:
    return {"aggregate": "sum", "field": path}

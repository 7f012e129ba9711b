"""Hits of a few events of one account, made by the real matcher, for tests of what comes behind it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from pipeline.decode.odd import Span
from pipeline.match.block import BlockMatcher
from pipeline.model.definition import Snapshot
from pipeline.model.hit import HitBlock
from pipeline.model.judged import Judged
from pipeline.visitors.unit import Unit, read_unit
from tests.support.generate_definitions import parse

NOW = datetime(2024, 6, 1, tzinfo=UTC)
ACCOUNT = "acme"
MEASURES = {
    "n": {"aggregate": "count"},
    "sum": {"aggregate": "sum", "field": "properties.total"},
    "least": {"aggregate": "min", "field": "properties.total"},
    "first": {"aggregate": "count", "once_per": "visitor"},
    "first_sum": {"aggregate": "sum", "field": "properties.total", "once_per": "visitor"},
    "daily": {"aggregate": "count", "once_per": "visitor_day"},
}


def snapshot_of(*metrics: dict[str, Any]) -> Snapshot:
    """Definitions of one account in UTC. A metric counts every event in `MEASURES`, unless it says otherwise."""
    written = metrics or ({"id": "all"},)
    return Snapshot.of([parse(ACCOUNT, {"timezone": "UTC"}, [{"where": {}, "measures": MEASURES, **m} for m in written])])


def event(message: str, visitor: str | None, at: str, total: Any = 1, **properties: Any) -> dict[str, Any]:
    """One event. at: day and time as in "03T10:15" of January 2024."""
    properties = {"total": total, **properties}
    return {"messageId": message, "anonymousId": visitor, "timestamp": f"2024-01-{at}:00Z", "properties": properties}


def hits_of(snapshot: Snapshot, events: Sequence[dict[str, Any]]) -> list[bytes]:
    """All hits as messages to shard 0."""
    data = b"".join(json.dumps(e).encode() + b"\n" for e in events)
    matched = BlockMatcher(snapshot, 1, b"key").match(data, Span("test", 0, ACCOUNT), int(NOW.timestamp() * 1e9))
    assert not matched.rejects
    return [hits for _, hits in matched.hits]


def unit_of(snapshot: Snapshot, events: Sequence[dict[str, Any]]) -> Unit:
    """The events as one unit."""
    judged = Judged.of(snapshot.accounts[ACCOUNT])
    return read_unit([HitBlock.from_bytes(hits) for hits in hits_of(snapshot, events)], lambda key: judged)

"""A visitor with very many events: exact, no cell grows large, and no unit writes again what others wrote."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline.adopt import Adoption
from pipeline.decode.odd import Span
from pipeline.match.block import BlockMatcher
from pipeline.shard.keeper import ShardKeeper
from pipeline.shard.plan import CELL_BYTES_MAX, FOLD_CELLS, SEALED_BYTES
from pipeline.store import Cell, Store, open_store
from tests.support.changed_store import ChangedStore
from tests.support.deliver import KEY, NOW
from tests.support.hits import ACCOUNT, snapshot_of
from tests.support.stored import stored_numbers

EVENTS = 150_000
MEASURES = {"n": {"aggregate": "count"}, "visitors": {"aggregate": "count", "once_per": "visitor"}}
CELL_MAX = 1_000_000


class Weighed(ChangedStore):
    """Knows how much of visitors each unit has written, and the largest cell of all."""

    def __init__(self, inner: Store) -> None:
        super().__init__(inner)
        self.units: list[int] = []
        self.largest = 0

    def commit(self, shard: int, seq: int, cells: Sequence[Cell]) -> int:
        sizes = [len(cell.value) for cell in cells if cell.table == "visitors" and cell.value is not None]
        self.units.append(sum(sizes))
        self.largest = max(self.largest, *sizes, *(len(c.value or b"") for c in cells), 0)
        return super().commit(shard, seq, cells)


@pytest.mark.parametrize("unit_events", [1_000, 10_000, EVENTS])
def test_a_visitor_with_very_many_events_twice(tmp_path: Path, unit_events: int) -> None:
    snapshot = snapshot_of({"id": "all", "where": {}, "measures": MEASURES})
    store = Weighed(open_store(f"sqlite:///{tmp_path}/numbers.db", create=True))
    Adoption(store).adopt(snapshot, NOW)
    keeper = ShardKeeper(store, clock=NOW.timestamp)
    keeper.adopt(snapshot)
    matcher = BlockMatcher(snapshot, 1, KEY)
    events = EVENTS if unit_events > 1_000 else EVENTS // 3
    for _ in range(2):
        for at in range(0, events, unit_events):
            data = b"".join(_line(n) for n in range(at, at + unit_events))
            matched = matcher.match(data, Span("events", 0, ACCOUNT), int(NOW.timestamp() * 1e9))
            for shard, hits in matched.hits:
                keeper.commit(shard, [hits])
    days = {key[3]: value for key, value in stored_numbers(store, [snapshot]).items() if "/" not in key[-1]}
    assert days == {"n": events, "visitors": 1}
    assert store.largest < CELL_MAX
    learnt = 8 * unit_events
    assert max(store.units) < 1.2 * learnt + FOLD_CELLS * SEALED_BYTES + CELL_BYTES_MAX
    # Everything is written once, and what is small twice or so before it is folded for good.
    assert sum(store.units) < 4 * 8 * events + 1_000 * len(store.units)
    store.close()


def _line(n: int) -> bytes:
    return (
        json.dumps(
            {"messageId": f"m{n}", "type": "track", "event": "x", "anonymousId": "only", "timestamp": "2026-11-20T10:00:00Z"}
        ).encode()
        + b"\n"
    )

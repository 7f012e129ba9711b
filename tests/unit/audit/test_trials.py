"""The recount of experiments: equal to what was counted in any order, and red where a cell was changed."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from random import Random

import numpy as np
import pytest

from pipeline.audit.compare import Days, compare
from pipeline.audit.read import recount_files
from pipeline.model.layout import DAY, pack_totals, unpack_totals
from pipeline.store import open_store
from pipeline.store.contract import Store
from pipeline.store.fixed import fix
from tests.support.seeds import seeds
from tests.support.trial_world import ACCOUNT, NOW, SHARDS, draw_events, hits_of, keeper_of, snapshot


def counted(folder: Path, seed: int) -> tuple[Store, Path]:
    """A store that a world's events were counted into, some twice, and the file of them."""
    random = Random(seed)
    store = open_store(f"sqlite:///{folder}/s.db", create=True)
    fix(store, shards=SHARDS, default_shards=SHARDS, visitor_key=None)
    events = draw_events(random, 150)
    deliveries = random.sample(events * 2, 250) + events
    keeper = keeper_of(store, snapshot())
    while deliveries:
        for shard, hits in hits_of(snapshot(), deliveries[:20]):
            keeper.commit(shard, [hits])
        deliveries = deliveries[20:]
    path = folder / "events.jsonl"
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    return store, path


def experiments_that_differ(store: Store, path: Path) -> int:
    recount = recount_files([str(path)], snapshot(), ACCOUNT, 1, int(NOW.timestamp() * 1e9), lambda *_: None)
    comparison = compare(store, recount, Days(None, None))
    assert comparison.cells["experiments"] > 100
    return sum(n for (_, metric), n in comparison.differing.items() if metric.startswith("~"))


@pytest.mark.parametrize("seed", seeds(10))
def test_what_was_counted_in_any_order_is_recounted(tmp_path: Path, seed: int) -> None:
    assert experiments_that_differ(*counted(tmp_path, seed)) == 0


def test_a_changed_number_is_found(tmp_path: Path) -> None:
    store, path = counted(tmp_path, 1)
    with sqlite3.connect(tmp_path / "s.db") as db:
        found = db.execute("SELECT row, qualifier, value FROM counters WHERE instr(row, '~')").fetchall()
        row, qualifier, value = next(cell for cell in found if cell[1][:1] == DAY and unpack_totals(cell[2]).any())
        changed = pack_totals(unpack_totals(value) + np.eye(1, len(unpack_totals(value)), dtype=np.int64)[0])
        db.execute("UPDATE counters SET value = ? WHERE row = ? AND qualifier = ?", (changed, row, qualifier))
    db.close()
    assert experiments_that_differ(store, path) == 1

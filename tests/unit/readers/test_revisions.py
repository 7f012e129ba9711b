"""Which revisions of a metric a pipeline counted, and when, as the store has it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.adopt import Adoption
from pipeline.model.definition import Snapshot
from pipeline.store import Store, open_store
from readers.revisions import read_history
from tests.support.hits import ACCOUNT, snapshot_of

NOW = datetime(2026, 10, 1, tzinfo=UTC)
OLD, NEW = snapshot_of({"id": "all"}), snapshot_of({"id": "all", "where": {"event": "Order"}})
PROCESSES = 3


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(f"sqlite:///{tmp_path}/numbers.db", create=True)
    yield store
    store.close()


def revision(snapshot: Snapshot) -> str:
    return snapshot.accounts[ACCOUNT].metrics["all"].revision


def test_what_each_process_of_a_job_takes_into_force_is_in_force_once(store: Store) -> None:
    processes = [Adoption(store, stating=True) for _ in range(PROCESSES)]
    for n, snapshot in enumerate([OLD, NEW, OLD]):
        for late, process in enumerate(processes):
            process.adopt(snapshot, NOW + timedelta(hours=n, seconds=late))
    begins = [f"2026-10-01T0{n}:00:00.000Z" for n in range(3)]
    assert read_history(store, ACCOUNT, "all") == [
        {"revision": revision(OLD), "from": begins[0], "to": begins[1]},
        {"revision": revision(NEW), "from": begins[1], "to": begins[2]},
        {"revision": revision(OLD), "from": begins[2], "to": None},
    ]

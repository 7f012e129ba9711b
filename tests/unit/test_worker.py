"""A worker whose store is away when it first comes to it: a run that waits for its store waits for this too."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from pipeline.model.errors import TransientStoreError
from pipeline.store import open_store
from pipeline.store.sqlite import SqliteStore
from pipeline.worker import Worker, WorkerSetup
from tests.support.emulators import BigtableEmulator, bigtable_emulator, bigtable_prefix, bigtable_url

__all__ = ["bigtable_emulator", "bigtable_prefix", "bigtable_url"]


def worker_on(store_url: str) -> Worker:
    open_store(store_url, create=True).close()
    return Worker(WorkerSetup(store_url, 3, b"k" * 32))


def test_a_bigtable_that_does_not_answer_yet_may_later(bigtable_url: str, bigtable_emulator: BigtableEmulator) -> None:
    worker = worker_on(bigtable_url)
    with bigtable_emulator.stalled(), pytest.raises(TransientStoreError, match="start the emulator"):
        worker.settle(0)
    worker.settle(0)


def test_a_file_that_others_hold_on_to_may_be_had_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = worker_on(f"sqlite:///{tmp_path / 'numbers.db'}")
    monkeypatch.setitem(SqliteStore.__init__.__kwdefaults__, "busy_timeout_s", 0.1)
    other = sqlite3.connect(tmp_path / "numbers.db", isolation_level=None)
    other.execute("PRAGMA locking_mode=EXCLUSIVE")
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(TransientStoreError, match="locked; try again once others are done with it"):
        worker.settle(0)
    other.close()
    worker.settle(0)

"""SQLite behind the store's contract, and what only a file can go wrong with."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event

import pytest

from pipeline.model.errors import StoreError, TransientStoreError, UsageError
from pipeline.store.sqlite import SqliteStore
from tests.contract.fixed_contract import FixedContract
from tests.contract.model_contract import ModelContract
from tests.contract.store_contract import CommitContract, FaultContract, MetaContract, ReadContract, commit, counter
from tests.support.store_places import SqlitePlace


@pytest.fixture
def place(tmp_path: Path) -> Iterator[SqlitePlace]:
    place = SqlitePlace(tmp_path / "numbers.db")
    yield place
    place.close()


class TestCommit(CommitContract):
    pass


class TestFaults(FaultContract):
    pass


class TestRead(ReadContract):
    pass


class TestMeta(MetaContract):
    pass


class TestFixed(FixedContract):
    pass


class TestModel(ModelContract):
    pass


def test_a_file_that_is_not_there_is_not_made_unless_asked(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no store at .*absent\.db"):
        SqliteStore(tmp_path / "absent.db", create=False)
    assert not (tmp_path / "absent.db").exists()


@pytest.mark.parametrize("content", [b"", b"this is no database, whatever its name says" * 50])
def test_a_file_without_a_store_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "other.db").write_bytes(content)
    with pytest.raises(UsageError, match=r"cannot open the store .*other\.db"):
        SqliteStore(tmp_path / "other.db", create=False)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot open the store"):
        SqliteStore(tmp_path / "no" / "such" / "folder.db")


def test_a_commit_against_a_lock_that_stays_is_transient_and_the_next_one_goes_through(place: SqlitePlace) -> None:
    store = SqliteStore(place.url.removeprefix("sqlite:///"), busy_timeout_s=0.01)
    seq = store.take(0)
    blocker = sqlite3.connect(place.url.removeprefix("sqlite:///"), isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(TransientStoreError):
        store.commit(0, seq, [counter(b"a", b"1")])
    blocker.execute("ROLLBACK")
    blocker.close()
    assert commit(store, counter(b"a", b"2"), shard=0) == 1
    store.close()


def test_a_store_that_is_closed_while_another_thread_is_at_work_is_closed_behind_that(place: SqlitePlace) -> None:
    path, begun = place.url.removeprefix("sqlite:///"), Event()
    store = SqliteStore(path)
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    store._db.set_trace_callback(lambda sql: begun.set() if sql.startswith("BEGIN") else None)
    with ThreadPoolExecutor(2) as threads:
        committing = threads.submit(commit, store, counter(b"a", b"1"))
        assert begun.wait(60)
        closing = threads.submit(store.close)
        blocker.execute("ROLLBACK")
        assert committing.result() == 1
        closing.result()
    blocker.close()
    with pytest.raises(StoreError, match="closed"):
        store.take(0)


def test_several_may_make_one_file_at_once(tmp_path: Path) -> None:
    together = Barrier(4)

    def make(path: Path) -> None:
        together.wait()
        SqliteStore(path).close()

    with ThreadPoolExecutor(4) as makers:
        for n in range(25):
            assert list(makers.map(make, [tmp_path / f"{n}.db"] * 4)) == [None] * 4


def test_a_flush_that_could_not_reach_the_disk_says_so(place: SqlitePlace) -> None:
    path = place.url.removeprefix("sqlite:///")
    store = SqliteStore(path, busy_timeout_s=0.01)
    commit(store, counter(b"a", b"1"))
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    with pytest.raises(TransientStoreError, match="locked"):
        store.flush()
    writer.execute("ROLLBACK")
    writer.close()
    store.flush()
    store.close()


def test_a_full_disk_is_an_error_for_good_that_leaves_no_half_unit(place: SqlitePlace) -> None:
    store = SqliteStore(place.url.removeprefix("sqlite:///"))
    store._db.execute("PRAGMA max_page_count = 30")
    with pytest.raises(StoreError, match="full"):
        commit(store, *[counter(b"%d" % n, b"x" * 4000) for n in range(100)])
    store._db.execute("PRAGMA max_page_count = 100000")
    assert store.take(3) == 0
    assert commit(store, counter(b"a", b"1")) == 1
    store.close()

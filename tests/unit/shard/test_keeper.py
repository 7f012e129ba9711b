"""What a keeper does with units, doubts and what it holds."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.adopt import Adoption
from pipeline.model.definition import Snapshot
from pipeline.model.errors import Fenced, StoreError, TransientStoreError
from pipeline.model.hit import HitBlock
from pipeline.shard.keeper import ATTEMPTS, ShardKeeper, judged_alike
from pipeline.store.sqlite import SqliteStore
from tests.support.changed_store import ChangedStore
from tests.support.hits import NOW, event, hits_of, snapshot_of

OLD, NEW = snapshot_of(), snapshot_of({"id": "all"}, {"id": "more"})
ONE, TWO = event("a", "ann", "05T10:00"), event("b", "bob", "05T10:00")


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    store = SqliteStore(tmp_path / "numbers.db")
    for snapshot in (OLD, NEW):
        Adoption(store).adopt(snapshot, datetime(2024, 1, 1, tzinfo=UTC))
    return store


def keeper_of(store: Any, *snapshots: Snapshot, **options: Any) -> ShardKeeper:
    keeper = ShardKeeper(store, clock=NOW.timestamp, **{"sleep": lambda _: None, **options})
    for snapshot in snapshots:
        keeper.adopt(snapshot)
    return keeper


def test_it_says_what_was_new_and_what_was_dropped(store: SqliteStore) -> None:
    keeper = keeper_of(store, OLD)
    assert keeper.commit(0, hits_of(OLD, [ONE, ONE])) == {"new": 1, "duplicates": 1, "units": 1}
    assert keeper.commit(0, hits_of(OLD, [ONE, TWO])) == {"new": 1, "duplicates": 1, "units": 1}


def test_hits_judged_under_different_definitions_are_units_of_their_own(store: SqliteStore) -> None:
    keeper = keeper_of(store, OLD, NEW)
    tally = keeper.commit(0, [*hits_of(OLD, [ONE]), *hits_of(NEW, [ONE]), *hits_of(OLD, [TWO])])
    assert tally == {"new": 3, "units": 2}
    assert keeper.commit(0, hits_of(NEW, [ONE])) == {"duplicates": 1, "units": 1}


def test_blocks_are_put_together_as_far_as_they_were_judged_alike() -> None:
    blocks = [HitBlock.from_bytes(h) for s in (OLD, NEW, OLD, NEW) for h in hits_of(s, [ONE])]
    assert [len(group) for group in judged_alike(blocks)] == [2, 2]
    assert judged_alike(blocks[:1]) == [blocks[:1]]
    assert judged_alike([]) == []


def test_a_digest_that_this_process_never_adopted_is_looked_up_in_the_store(store: SqliteStore) -> None:
    keeper_of(store, OLD).commit(0, hits_of(OLD, [ONE]))
    assert keeper_of(store, NEW).commit(0, hits_of(NEW, [ONE, TWO]))["new"] == 2
    assert keeper_of(store, OLD).commit(0, hits_of(OLD, [ONE, TWO])) == {"duplicates": 2, "units": 1}


def test_a_digest_that_nobody_knows_is_damage(tmp_path: Path) -> None:
    empty = SqliteStore(tmp_path / "empty.db")
    keeper_of(empty, OLD).commit(0, hits_of(OLD, [ONE]))
    with pytest.raises(StoreError, match="does not say what definitions"):
        keeper_of(empty, NEW).commit(0, hits_of(NEW, [ONE]))


@pytest.mark.parametrize("held_bytes_max", [0, 1 << 26])
def test_what_is_held_saves_reads_and_changes_nothing(store: SqliteStore, held_bytes_max: int) -> None:
    counting = CountsReads(store)
    keeper = keeper_of(counting, OLD, held_bytes_max=held_bytes_max)
    keeper.commit(0, hits_of(OLD, [ONE]))
    before = counting.reads
    assert keeper.commit(0, hits_of(OLD, [ONE]))["duplicates"] == 1
    assert (counting.reads == before) is (held_bytes_max > 0)


class CountsReads(ChangedStore):
    reads = 0

    def read(self, *args: Any) -> Any:
        self.reads += 1
        return self.inner.read(*args)


class Fails(ChangedStore):
    """Fails the first commits."""

    def __init__(self, inner: Any, failure: Exception, times: int) -> None:
        super().__init__(inner)
        self.failure, self.left, self.takes = failure, times, 0

    def take(self, shard: int) -> int:
        self.takes += 1
        return self.inner.take(shard)

    def commit(self, *args: Any) -> int:
        self.left -= 1
        if self.left >= 0:
            raise self.failure
        return self.inner.commit(*args)


@pytest.mark.parametrize("failure", [TransientStoreError("who knows"), Fenced("moved on")])
def test_after_a_doubt_it_begins_again_at_the_head(store: SqliteStore, failure: Exception) -> None:
    failing = Fails(store, failure, 2)
    assert keeper_of(failing, OLD).commit(0, hits_of(OLD, [ONE]))["new"] == 1
    assert failing.takes == 3


def test_it_waits_longer_each_time_and_gives_up_with_the_reason(store: SqliteStore) -> None:
    waits: list[float] = []
    failing = Fails(store, TransientStoreError("who knows"), ATTEMPTS)
    with pytest.raises(TransientStoreError, match=f"shard 0 was not committed in {ATTEMPTS} attempts: who knows"):
        keeper_of(failing, OLD, sleep=waits.append).commit(0, hits_of(OLD, [ONE]))
    assert waits == sorted(waits) and waits[0] > 0 and waits[-1] <= 5


def test_an_error_for_good_is_raised_at_once_and_nothing_is_held(store: SqliteStore) -> None:
    failing = Fails(store, StoreError("broken"), 1)
    keeper = keeper_of(failing, OLD)
    with pytest.raises(StoreError, match="broken"):
        keeper.commit(0, hits_of(OLD, [ONE]))
    assert keeper.commit(0, hits_of(OLD, [ONE]))["new"] == 1
    assert failing.takes == 2


def test_definitions_that_it_was_never_told_are_read_from_the_store_where_they_are_stated(store: SqliteStore) -> None:
    with pytest.raises(StoreError, match="does not say what definitions"):
        keeper_of(store).commit(0, hits_of(OLD, [ONE]))
    Adoption(store, stating=True).adopt(OLD, NOW)
    assert keeper_of(store).commit(0, hits_of(OLD, [ONE])) == {"new": 1, "units": 1}

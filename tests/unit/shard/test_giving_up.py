"""How long a keeper goes on with a unit where the store is away: attempts are many only while each fails at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.model.errors import TransientStoreError
from pipeline.shard.keeper import ATTEMPTS, GIVE_UP_S, REST_S, ShardKeeper
from pipeline.store.sqlite import SqliteStore
from tests.support.changed_store import ChangedStore
from tests.support.hits import NOW, event, hits_of, snapshot_of

A_WAIT_S = GIVE_UP_S - 1  # what a store that does not answer lets every call wait


class Away(ChangedStore):
    """A store that answers nothing, after a while."""

    now = NOW.timestamp()
    wait_s = A_WAIT_S
    takes = 0
    is_back = False

    def take(self, shard: int) -> int:
        if self.is_back:
            return super().take(shard)
        self.takes += 1
        self.now += self.wait_s
        raise TransientStoreError("nobody there")


@pytest.fixture
def away(tmp_path: Path) -> Iterator[Away]:
    store = Away(SqliteStore(tmp_path / "numbers.db"))
    yield store
    store.close()


SNAPSHOT = snapshot_of()


def keeper_of(away: Away) -> ShardKeeper:
    keeper = ShardKeeper(away, clock=lambda: away.now, sleep=lambda _: None)
    keeper.adopt(SNAPSHOT)
    return keeper


def commit(keeper: ShardKeeper, shard: int = 0) -> int:
    return keeper.commit(shard, hits_of(SNAPSHOT, [event("m", "v", "01T10:00")]))["new"]


@pytest.mark.parametrize(("wait_s", "attempts"), [(A_WAIT_S, 2), (0.0, ATTEMPTS)])
def test_a_store_that_is_away_is_not_waited_for_in_every_attempt(away: Away, wait_s: float, attempts: int) -> None:
    away.wait_s = wait_s
    with pytest.raises(TransientStoreError, match=f"not committed in {attempts} attempts: nobody there"):
        commit(keeper_of(away))
    assert away.takes == attempts


def test_nor_for_every_unit_that_waits_behind_the_first(away: Away) -> None:
    keeper = keeper_of(away)
    for shard in range(4):
        with pytest.raises(TransientStoreError, match="shard 0 was not committed in 2 attempts: nobody there"):
            commit(keeper, shard)
    assert away.takes == 2


def test_after_a_rest_it_is_asked_again(away: Away) -> None:
    keeper = keeper_of(away)
    with pytest.raises(TransientStoreError):
        commit(keeper)
    away.now += REST_S
    away.is_back = True
    assert commit(keeper) == 1

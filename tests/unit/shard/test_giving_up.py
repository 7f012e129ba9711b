"""How long a keeper goes on with a unit where the store is away: attempts are many only while each fails at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.model.errors import TransientStoreError
from pipeline.shard.keeper import ATTEMPTS, GIVE_UP_S, ShardKeeper
from pipeline.store.sqlite import SqliteStore
from tests.support.changed_store import ChangedStore
from tests.support.hits import NOW, event, hits_of, snapshot_of

A_WAIT_S = GIVE_UP_S - 1  # what a store that does not answer lets every call wait


class Away(ChangedStore):
    """A store that answers nothing, after a while."""

    now = NOW.timestamp()
    wait_s = A_WAIT_S
    takes = 0

    def take(self, shard: int) -> int:
        self.takes += 1
        self.now += self.wait_s
        raise TransientStoreError("nobody there")


@pytest.mark.parametrize(("wait_s", "attempts"), [(A_WAIT_S, 2), (0.0, ATTEMPTS)])
def test_a_store_that_is_away_is_not_waited_for_in_every_attempt(tmp_path: Path, wait_s: float, attempts: int) -> None:
    away = Away(SqliteStore(tmp_path / "numbers.db"))
    away.wait_s = wait_s
    snapshot = snapshot_of()
    keeper = ShardKeeper(away, clock=lambda: away.now, sleep=lambda _: None)
    keeper.adopt(snapshot)
    with pytest.raises(TransientStoreError, match=f"not committed in {attempts} attempts: nobody there"):
        keeper.commit(0, hits_of(snapshot, [event("m", "v", "01T10:00")]))
    assert away.takes == attempts
    away.close()

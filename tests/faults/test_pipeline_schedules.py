"""Faults at chosen calls to the store: each call of a run in turn, each way a commit can end, keepers that take turns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.model.errors import StoreError, TransientStoreError
from pipeline.shard.keeper import ATTEMPTS, ShardKeeper
from pipeline.store import Store, open_store
from tests.support.faulty_store import Action, Fault, FaultyStore, Killed, When, scripted
from tests.support.one_shard import OneShard, commit_one_by_one

SEED = 9  # two accounts, firsts with amounts that move


class Bench:
    """One world's units on one store, and keepers of them over scripted faults."""

    def __init__(self, url: str, block_events_max: int = 30) -> None:
        self.url = url
        self.world = OneShard(SEED, block_events_max)
        self.messages = self.world.messages
        self.store = open_store(url, create=True)
        self.world.adopt(self.store)

    def keeper(self, store: Store | None = None) -> ShardKeeper:
        return self.world.keeper(store or open_store(self.url))

    def faulty(self, plan_of: Callable[[str], Fault | None], on_stall: Callable[[], None] = lambda: None) -> FaultyStore:
        return FaultyStore(open_store(self.url), plan_of, on_stall)

    def wrong(self) -> list[str]:
        return self.world.wrong(self.store)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/numbers.db"


@pytest.mark.parametrize("call", range(12))
@pytest.mark.parametrize("when", [When.BEFORE, When.AFTER])
def test_a_process_killed_at_any_call_and_everything_redelivered(call: int, when: When, sqlite_url: str) -> None:
    bench = Bench(sqlite_url)
    assert len(bench.messages) >= 3
    calls = iter(range(1000))
    keeper = bench.keeper(bench.faulty(lambda _: Fault(when, Action.KILL) if next(calls) == call else None))
    with pytest.raises(Killed):
        commit_one_by_one(keeper, bench.messages * 2)
    commit_one_by_one(bench.keeper(), bench.messages)
    assert bench.wrong() == []


@pytest.mark.parametrize("when", [When.BEFORE, When.AFTER])
def test_a_commit_of_unknown_outcome_is_made_again_from_the_start(when: When, sqlite_url: str) -> None:
    bench = Bench(sqlite_url)
    keeper = bench.keeper(bench.faulty(scripted(commit=[None, Fault(when, Action.FAIL)])))
    commit_one_by_one(keeper, bench.messages)
    assert bench.wrong() == []


def test_a_store_that_keeps_failing_is_given_up_and_the_redelivery_is_exact(sqlite_url: str) -> None:
    bench = Bench(sqlite_url)
    fails = [Fault(When.AFTER if i % 2 else When.BEFORE, Action.FAIL) for i in range(ATTEMPTS)]
    keeper = bench.keeper(bench.faulty(scripted(commit=[None, *fails])))
    with pytest.raises(TransientStoreError, match="not committed in 8 attempts"):
        commit_one_by_one(keeper, bench.messages)
    commit_one_by_one(keeper, bench.messages)
    assert bench.wrong() == []


@pytest.mark.parametrize("when", [When.BEFORE, When.AFTER])
def test_an_error_for_good_is_told_at_once_and_the_redelivery_is_exact(when: When, sqlite_url: str) -> None:
    bench = Bench(sqlite_url)
    keeper = bench.keeper(bench.faulty(scripted(commit=[None, Fault(when, Action.REFUSE)])))
    with pytest.raises(StoreError, match="refused"):
        commit_one_by_one(keeper, bench.messages)
    commit_one_by_one(keeper, bench.messages)
    assert bench.wrong() == []


@pytest.mark.parametrize("rows", range(0, 12, 2))
@pytest.mark.parametrize("action", [Action.FAIL, Action.KILL, Action.LATE])
def test_k_of_n_rows_applied(rows: int, action: Action, bigtable_url: str) -> None:
    bench = Bench(bigtable_url)
    store = bench.faulty(scripted(commit=[None, Fault(When.WITHIN, action, rows)]))
    keeper = bench.keeper(store)
    try:
        commit_one_by_one(keeper, bench.messages)
    except Killed:
        commit_one_by_one(bench.keeper(), bench.messages)
    while store.in_flight:
        store.land()  # late cells are older than their successors', and lose
    assert bench.wrong() == []


@pytest.mark.parametrize("url", ["sqlite_url", "bigtable_url"])
def test_a_zombie_that_goes_on_after_another_keeper_has_taken_over(url: str, request: pytest.FixtureRequest) -> None:
    bench = Bench(request.getfixturevalue(url))
    zombie = bench.keeper()
    zombie.commit(0, bench.messages[:1])
    other = bench.keeper()
    commit_one_by_one(other, bench.messages[1:])
    commit_one_by_one(zombie, bench.messages)  # what it holds is out of date, and the store tells it so
    commit_one_by_one(other, bench.messages)
    assert bench.wrong() == []


def test_two_keepers_that_take_turns_within_each_other_s_units(sqlite_url: str) -> None:
    bench = Bench(sqlite_url, block_events_max=5)
    turns = iter(bench.messages)

    def other_moves() -> None:
        for message in turns:
            other.commit(0, [message])
            break

    stalling = bench.faulty(lambda _: Fault(When.BEFORE, Action.STALL), other_moves)
    other, keeper = bench.keeper(), bench.keeper(stalling)
    commit_one_by_one(keeper, bench.messages[::-1])
    assert list(turns) == []
    assert bench.wrong() == []

"""Faults at chosen places: each call of a run in turn, each way a commit can end, a zombie, half of another's unit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pipeline.model.errors import TransientStoreError
from pipeline.shard import plan
from pipeline.shard.keeper import ATTEMPTS, ShardKeeper
from pipeline.store import Cell, Store, open_store
from tests.support.changed_store import ChangedStore
from tests.support.deliver import NOW, Delivery, Manner, expected_numbers
from tests.support.faulty_store import Action, Fault, FaultyStore, Killed, When, scripted
from tests.support.generate import World, make_world
from tests.support.stored import Numbers, differences, stored_numbers

SEED = 9  # two accounts, firsts with amounts that move


class Bench:
    """One world's units on one store, and keepers of them over scripted faults."""

    def __init__(self, url: str, block_events_max: int = 30) -> None:
        self.url = url
        self.world: World = make_world(SEED)
        self.store = open_store(url, create=True)
        manner = Manner(shards=1, block_events_max=block_events_max, redelivered=0)
        delivery = Delivery(self.store, manner, Random(SEED))
        delivery.adopt(self.world.snapshot)
        delivery.judge(delivery.shuffled(self.world.events), self.world.trusted)
        self.messages = delivery.pending[0]
        self.expected = expected_numbers(self.world.snapshot, self.world)

    def keeper(self, store: Store | None = None) -> ShardKeeper:
        keeper = ShardKeeper(store or open_store(self.url), clock=NOW.timestamp, sleep=lambda _: None)
        keeper.adopt(self.world.snapshot)
        return keeper

    def faulty(self, plan_of: Callable[[str], Fault | None], on_stall: Callable[[], None] = lambda: None) -> FaultyStore:
        return FaultyStore(open_store(self.url), plan_of, on_stall)

    def wrong(self) -> list[str]:
        return differences(self.numbers(), self.expected)

    def numbers(self) -> Numbers:
        return stored_numbers(self.store, [self.world.snapshot])


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/numbers.db"


def commit_one_by_one(keeper: ShardKeeper, messages: Sequence[bytes]) -> None:
    for message in messages:
        keeper.commit(0, [message])


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


class FactsFirst(ChangedStore):
    """Writes a unit's facts before its counters, as a Bigtable may, and knows how many rows of them there are."""

    facts_rows = 0

    def commit(self, shard: int, seq: int, cells: Sequence[Cell]) -> int:
        self.facts_rows = len({cell.row for cell in cells if cell.table == "visitors"})
        return self.inner.commit(shard, seq, cells[::-1])


class NothingToCommit(ChangedStore):
    """Acknowledges a unit that has nothing new without a look at the head."""

    def commit(self, shard: int, seq: int, cells: Sequence[Cell]) -> int:
        return self.inner.commit(shard, seq, cells) if cells else seq


def half_applied(url: str, around: Callable[[Store], Store]) -> Bench:
    """While a keeper reads, another one commits the same unit, writes its facts and dies before its counters."""
    bench = Bench(url, block_events_max=1000)

    def die() -> None:
        plan_of = lambda operation: Fault(When.WITHIN, Action.KILL, dying.facts_rows) if operation == "commit" else None  # noqa: E731
        dying = FactsFirst(bench.faulty(plan_of))
        with pytest.raises(Killed):
            bench.keeper(dying).commit(0, bench.messages)

    store = around(bench.faulty(scripted(read=[Fault(When.BEFORE, Action.STALL)]), die))
    bench.keeper(store).commit(0, bench.messages)
    return bench


def test_a_unit_with_nothing_new_is_acknowledged_only_when_what_it_saw_is_whole(bigtable_url: str) -> None:
    assert half_applied(bigtable_url, lambda store: store).wrong() == []


def test_without_a_look_at_the_head_half_a_unit_is_found_out(bigtable_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = plan.Planner.plan

    def without_duplicates(planner: plan.Planner, held: plan.Held, unit: Any) -> plan.Plan:
        made = real(planner, held, unit)
        made.cells = made.cells if made.new else []
        return made

    monkeypatch.setattr(plan.Planner, "plan", without_duplicates)
    assert half_applied(bigtable_url, NothingToCommit).wrong() != []

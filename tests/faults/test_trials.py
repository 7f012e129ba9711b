"""Exposures and goals in any order, redelivered, cut into units anyhow, under faults: the numbers of the set of events."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
import xxhash

from pipeline.adopt import Adoption
from pipeline.model.definition import AccountDefinitions, Snapshot
from pipeline.model.errors import TransientStoreError
from pipeline.shard import plan
from pipeline.shard.keeper import ShardKeeper
from pipeline.store import open_store
from pipeline.store.contract import Store
from pipeline.store.fixed import fix
from pipeline.trials import mark
from tests.support.faulty_store import Action, Fault, FaultyStore, When
from tests.support.seeds import replay, seeds
from tests.support.trial_world import (
    ACCOUNT,
    EPOCHS,
    NOW,
    SECOND_EPOCH,
    SHARDS,
    counted,
    draw_events,
    experiment,
    hits_of,
    keeper_of,
    snapshot,
    truth,
)

FAULTS = [
    *(Fault(when, Action.FAIL, rows) for when in (When.BEFORE, When.AFTER) for rows in (0,)),
    *(Fault(When.WITHIN, Action.FAIL, rows) for rows in (0, 1, 3)),
]


def order_of(message: str) -> int:
    return int(xxhash.xxh3_64_intdigest(message.encode()))


def count_all(store: Store, seed: int, failing: float) -> list[dict[str, object]]:
    """Count a world's events into the store; returns them."""
    random = Random(seed)
    definitions = snapshot()
    events = draw_events(random, random.randrange(5, 120))
    deliveries = [e for e in events for _ in range(random.choice([1, 1, 1, 2, 3]))]
    random.shuffle(deliveries)
    faulty = FaultyStore(store, lambda _: random.choice(FAULTS) if random.random() < failing else None)
    keeper = keeper_of(faulty, definitions)
    while deliveries:
        step = random.randrange(1, 30)
        for shard, hits in hits_of(definitions, deliveries[:step]):
            while not commit(keeper, shard, hits):
                keeper = keeper_of(faulty, definitions)
        deliveries = deliveries[step:]
        if random.random() < 0.2:
            keeper = keeper_of(faulty, definitions, held_bytes_max=random.choice([0, 10**8]))
    store.settle(range(SHARDS))
    return events


def commit(keeper: ShardKeeper, shard: int, hits: bytes) -> bool:
    try:
        keeper.commit(shard, [hits])
    except TransientStoreError:
        return False
    return True


def hold(open_one: Callable[[], Store], seed: int, failing: float = 0.08) -> None:
    store = open_one()
    fix(store, shards=SHARDS, default_shards=SHARDS, visitor_key=None)
    events = count_all(store, seed, failing)
    assert counted(store, experiment()) == truth(events, experiment(), order_of), replay(seed)
    store.close()


@pytest.mark.parametrize("seed", seeds(25))
def test_experiments_on_sqlite_are_exact(tmp_path, seed: int) -> None:
    hold(lambda: open_store(f"sqlite:///{tmp_path}/s.db", create=True), seed)


@pytest.mark.parametrize("seed", seeds(4))
def test_experiments_on_bigtable_are_exact(bigtable_url: str, seed: int) -> None:
    hold(lambda: open_store(bigtable_url, create=True), seed)


@pytest.mark.parametrize("seed", seeds(5))
def test_they_are_too_where_facts_are_folded_and_cut(tmp_path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    monkeypatch.setattr(plan, "FOLD_CELLS", 2)
    monkeypatch.setattr(plan, "CELL_BYTES_MAX", 400)
    hold(lambda: open_store(f"sqlite:///{tmp_path}/s.db", create=True), seed, 0.0)


def without_experiments() -> Snapshot:
    of = snapshot().accounts[ACCOUNT]
    return Snapshot.of([AccountDefinitions.of(ACCOUNT, of.settings, of.metrics.values())])


def with_one_goal() -> Snapshot:
    return snapshot(experiment(goals=experiment().goals[:1], revision="fedcba9876543210"))


@pytest.mark.parametrize("earlier", [without_experiments, with_one_goal])
@pytest.mark.parametrize("seed", seeds(5))
def test_an_experiment_pushed_between_two_runs_over_the_same_events_is_complete(tmp_path, earlier, seed: int) -> None:
    random = Random(seed)
    store = open_store(f"sqlite:///{tmp_path}/s.db", create=True)
    fix(store, shards=SHARDS, default_shards=SHARDS, visitor_key=None)
    events = draw_events(random, 80)
    before, after = earlier(), snapshot()
    for definitions in (before, after, before, after):
        keeper = keeper_of(store, before)
        keeper.adopt(after)
        for number in (20, 50, len(events)):
            deliveries = random.sample(events, number)
            for shard, hits in hits_of(definitions, deliveries):
                keeper.commit(shard, [hits])
        if definitions is after:
            assert counted(store, experiment()) == truth(events, experiment(), order_of), replay(seed)
    store.close()


def test_events_beyond_those_that_are_remembered_are_said_to_be(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mark, "GOAL_EVENTS_MAX", 5)
    store = open_store(f"sqlite:///{tmp_path}/s.db", create=True)
    fix(store, shards=SHARDS, default_shards=SHARDS, visitor_key=None)
    definitions = snapshot()
    at = "2024-05-01T10:{:02d}:00Z"
    exposure = {"messageId": "e", "anonymousId": "v", "event": "Viewed", "timestamp": at.format(0)}
    orders = [
        {"messageId": f"o{n}", "anonymousId": "v", "event": "Order", "timestamp": at.format(n), "properties": {"total": 1}}
        for n in range(1, 10)
    ]
    keeper = keeper_of(store, definitions)
    for event in [*orders, {**exposure, "properties": {"variation": "control", "plan": "b"}}]:
        for shard, hits in hits_of(definitions, [event]):
            keeper.commit(shard, [hits])
    totals = counted(store, experiment())[1, None]
    # Each order is a goal event of five goals; the first one fills what is remembered.
    assert totals.variations["control"].goals[0].converted == 1
    assert totals.forgotten == 8 * 5


def _never_takes_back(patch: pytest.MonkeyPatch) -> None:
    real = mark.contribution
    patch.setattr(mark, "contribution", lambda *a: real(*a) if a[3] > 0 else None)


def _forgets_earlier_units(patch: pytest.MonkeyPatch) -> None:
    real = mark._learn
    patch.setattr(mark, "_learn", lambda trial, held, *rest: real(trial, (), *rest))


@pytest.mark.parametrize("plant", [_never_takes_back, _forgets_earlier_units])
def test_a_fault_in_the_rules_is_found(tmp_path, monkeypatch: pytest.MonkeyPatch, plant) -> None:
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        for seed in range(50):
            hold(lambda seed=seed: open_store(f"sqlite:///{tmp_path}/{seed}.db", create=True), seed, 0.0)


@pytest.mark.parametrize("stated", [False, True])
@pytest.mark.parametrize("seed", seeds(3))
def test_an_epoch_that_opens_while_a_process_counts_holds_in_that_process(tmp_path, seed: int, stated: bool) -> None:
    """stated: the process isn't told of definitions, but to read them from the store again."""
    random = Random(seed)
    events = draw_events(random, 60)
    both, first = snapshot(experiment()), snapshot(experiment(epochs=EPOCHS[:1]))
    store = open_store(f"sqlite:///{tmp_path}/s.db", create=True)
    fix(store, shards=SHARDS, default_shards=SHARDS, visitor_key=None)
    keeper, adoption = ShardKeeper(store, clock=NOW.timestamp), Adoption(store, stating=stated)
    for definitions, late in ((first, False), (both, True)):
        adoption.adopt(definitions, NOW)
        if stated:
            keeper.forget_definitions()
        else:
            keeper.adopt(definitions)
        some = [event for event in events if (event["timestamp"] >= SECOND_EPOCH) == late]
        for shard, hits in hits_of(definitions, some):
            keeper.commit(shard, [hits])
    assert counted(store, experiment()) == truth(events, experiment(), order_of), replay(seed)
    store.close()

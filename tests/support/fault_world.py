"""A world's hits committed by several real keepers over the same shards, while calls fail and processes die.

Hits are judged once, under definitions that gain a metric on the way; what is redelivered is units of them. Faults,
deliveries and the order in which keepers move are drawn from the seed. A stall inside a call, or a keeper's pause
between attempts, lets others move meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from pipeline.model.errors import TransientStoreError
from pipeline.shard.keeper import ShardKeeper
from pipeline.store import Store
from tests.support.changing import expected_of, with_new_metric
from tests.support.deliver import NOW, Delivery, Manner
from tests.support.faulty_store import Action, Fault, FaultyStore, Killed, When
from tests.support.generate import make_world
from tests.support.stored import differences, stored_numbers

SHARDS, KEEPERS = 2, 2
CALM_AFTER = 300  # steps; from then on nothing fails


@dataclass(frozen=True, slots=True)
class Knobs:
    """How rough the world is, as chances. `held_bytes_max`: 0, and keepers hold nothing between units."""

    fault: float = 0.1
    lost_ack: float = 0.2
    redelivered: float = 0.1
    thrown_away: float = 0.05
    landing: float = 0.1
    held_bytes_max: int = 1 << 26


@dataclass(frozen=True, slots=True)
class Rules:
    """How keepers are made and when a unit counts as done; a canary leaves one of these out."""

    store: Callable[[Store], Store] = lambda store: store
    keeper: Callable[..., ShardKeeper] = ShardKeeper
    acked_on_failure: bool = False


class FaultWorld:
    """One run. `open_store` opens an independent store object on the same, empty data."""

    def __init__(self, seed: int, open_store: Callable[[], Store], knobs: Knobs = Knobs(), rules: Rules = Rules()) -> None:
        self.random, self.knobs, self.rules = Random(seed), knobs, rules
        self._open_store = open_store
        self._opened: list[Store] = []
        self._faulty: list[FaultyStore] = []
        self._step = self._depth = self._mover = 0
        world = make_world(seed)
        self._snapshots = [world.snapshot, with_new_metric(world.snapshot, self.random)]
        delivery = Delivery(self._open(), Manner(shards=SHARDS, block_events_max=8, restarted=0), self.random)
        self._units: list[tuple[int, list[bytes]]] = []
        for snapshot in self._snapshots:
            delivery.adopt(snapshot)
            delivery.judge(delivery.shuffled(world.events), world.trusted)
            self._units += delivery.units()
        self._expected = expected_of(world, [(snapshot, world.events) for snapshot in self._snapshots])
        self._open_units = set(range(len(self._units)))
        self._keepers = [self._new_keeper() for _ in range(KEEPERS)]

    def run(self) -> list[str]:
        """Until every unit is acknowledged and all that was late has landed. What is wrong then, a line each."""
        while self._open_units:
            self._step += 1
            self._mover = self.random.randrange(KEEPERS)
            self._move(self._mover)
        for store in self._faulty:
            while store.in_flight:
                store.land(0)
        self._open().settle(range(SHARDS))
        return differences(stored_numbers(self._open(), self._snapshots), self._expected)

    def close(self) -> None:
        for store in self._opened:
            store.close()

    def _open(self) -> Store:
        self._opened.append(self._open_store())
        return self._opened[-1]

    def _new_keeper(self) -> ShardKeeper:
        faulty = FaultyStore(self._open(), self._fault, self._others_move)
        self._faulty.append(faulty)
        keeper = self.rules.keeper(
            self.rules.store(faulty), held_bytes_max=self.knobs.held_bytes_max, clock=NOW.timestamp,
            sleep=lambda _: self._others_move(),
        )  # fmt: skip
        for snapshot in self._snapshots:
            keeper.adopt(snapshot)
        return keeper

    def _move(self, which: int) -> None:
        """One keeper commits one unit, most likely one that is not acknowledged yet."""
        late = [store for store in self._faulty if store.in_flight]
        if late and self._chance(self.knobs.landing):
            store = self.random.choice(late)
            store.land(self.random.randrange(len(store.in_flight)))
        again = not self._open_units or self._chance(self.knobs.redelivered)
        number = self.random.randrange(len(self._units)) if again else self.random.choice(sorted(self._open_units))
        try:
            self._keepers[which].commit(*self._units[number])
        except (Killed, TransientStoreError) as failure:
            if isinstance(failure, Killed):
                self._keepers[which] = self._new_keeper()
            if not self.rules.acked_on_failure:
                return
        if not self._chance(self.knobs.lost_ack):
            self._open_units.discard(number)
        if self._chance(self.knobs.thrown_away):
            self._keepers[which] = self._new_keeper()

    def _others_move(self) -> None:
        """What happens while a keeper stalls or waits: the other one does something."""
        if self._depth == 0 and self._step <= CALM_AFTER:
            self._depth += 1
            try:
                self._move(1 - self._mover)
            finally:
                self._depth -= 1

    def _chance(self, chance: float) -> bool:
        return self._step <= CALM_AFTER and self.random.random() < chance

    def _fault(self, operation: str) -> Fault | None:
        if not self._chance(self.knobs.fault):
            return None
        when, action = self.random.choice(list(When)), self.random.choice(list(Action))
        if operation != "commit":
            when, action = When.BEFORE, self.random.choice([Action.FAIL, Action.KILL, Action.STALL])
        return Fault(when, action, rows=self.random.randrange(6))


def first_wrong_seed(
    place: Callable[[int], Callable[[], Store]], seeds: Any, knobs: Knobs = Knobs(), rules: Rules = Rules()
) -> tuple[int, list[str]] | None:
    """The first seed whose numbers are wrong, with what is. `place` gives a seed its own empty data."""
    for seed in seeds:
        world = FaultWorld(seed, place(seed), knobs, rules)
        wrong = world.run()
        world.close()
        if wrong:
            return seed, wrong
    return None

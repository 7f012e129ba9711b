"""Several processes count a world's hits into one store, while requests fail, get lost or land late and processes die.

Real keepers over real stores, and one process moves at a time: any of them may stand still anywhere for long while the
others go on. Deliveries, faults and steps are drawn from the seed; the same seed is the same run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from datetime import timedelta
from random import Random
from unittest.mock import patch

from pipeline.store import Store
from tests.support.at_least_once import SHARDS, Source
from tests.support.deliver import NOW
from tests.support.empty_places import OpenStore, Places
from tests.support.fault_knobs import ALL_RULES, USUAL, Knobs, Rules
from tests.support.fault_process import DEDUP_DAYS, Process, Surroundings
from tests.support.faulty_wire import Land
from tests.support.seeds import replay
from tests.support.stored import differences, stored_numbers

CALM_AFTER = 3000  # turns; from then on nothing fails and nobody stands still
TURNS_MAX = 100_000
STILL_TURNS_MAX = 40
NEXT_DAY = 0.1  # chance, whenever a keeper asks for the time


class FaultWorld:
    """One run. `open_store` opens an independent store object on the same, empty data."""

    def __init__(self, seed: int, open_store: OpenStore, knobs: Knobs = USUAL, rules: Rules = ALL_RULES) -> None:
        self.random, self.knobs = Random(seed), knobs
        self.happened: Counter[str] = Counter()
        self.source = Source(seed, self.random, knobs.delivered)
        self._open_store = open_store
        self._opened: list[Store] = []
        self._in_flight: list[Land] = []
        self._turns = self._days = 0
        around = Surroundings(
            self.random, knobs, rules, self.source, self._open, self._in_flight, self.happened, self._calm, self._now
        )
        self._processes = [Process(around) for _ in range(knobs.processes)]

    def run(self) -> list[str]:
        """Until every message is acknowledged and all that was late has landed. What is wrong then, a line each."""
        with ExitStack() as changed:
            for module, name, value in self.knobs.constants:
                changed.enter_context(patch.object(module, name, value))
            while self._run_span():
                self._days = 0
        while self._in_flight:
            self._land()
        store = self._open()
        if self.knobs.swept:
            store.settle(range(SHARDS))
        return differences(stored_numbers(store, self.source.snapshots), self.source.expected)

    def close(self) -> None:
        """End what stands still, close what is open."""
        for process in self._processes:
            process.stepper.end()
        for store in self._opened:
            store.close()

    def _open(self) -> Store:
        self._opened.append(self._open_store())
        return self._opened[-1]

    def _calm(self) -> bool:
        return self._turns > CALM_AFTER

    def _now(self) -> float:
        """A span of the source ends before any id of it may be forgotten."""
        if self._days < DEDUP_DAYS and self.random.random() < NEXT_DAY:
            self._days += 1
        return (NOW + timedelta(days=self.source.span * (DEDUP_DAYS + 1) + self._days)).timestamp()

    def _run_span(self) -> bool:
        """All that the source delivers within one span, to the end; whether there is another one."""
        while self.source.has_more:
            self._turns += 1
            assert self._turns < TURNS_MAX, "messages are not acknowledged any more"
            if self._in_flight and self.random.random() < self.knobs.landing:
                self._land()
            self._move_somebody()
        while at_work := [process for process in self._processes if process.at_work]:
            self._turns += 1
            self.random.choice(at_work).stepper.go()
        return self.source.next_span()

    def _move_somebody(self) -> None:
        """Some steps of one process; now and then one stands still for long, as if it were dead."""
        awake = [process for process in self._processes if process.still_until <= self._turns]
        process = self.random.choice(awake or self._processes)
        process.stepper.go(self.random.choice(self.knobs.steps))
        if self.random.random() < self.knobs.standing_still and not self._calm():
            process.still_until = self._turns + self.random.randrange(STILL_TURNS_MAX)

    def _land(self) -> None:
        self._in_flight.pop(self.random.randrange(len(self._in_flight)))()
        self.happened["landed late"] += 1


def first_wrong_seed(
    places: Places, seeds: Iterable[int], knobs: Knobs = USUAL, rules: Rules = ALL_RULES
) -> tuple[int, list[str]] | None:
    """The first seed whose numbers are wrong, with what is."""
    for seed in seeds:
        wrong, _ = run_seed(places, seed, knobs, rules)
        if wrong:
            return seed, wrong
    return None


def run_seed(places: Places, seed: int, knobs: Knobs = USUAL, rules: Rules = ALL_RULES) -> tuple[list[str], Counter[str]]:
    """What is wrong after a seed's run, and what happened in it."""
    world = FaultWorld(seed, places(seed), knobs, rules)
    try:
        return world.run(), world.happened
    except BaseException as e:
        e.add_note(replay(seed))
        raise
    finally:
        world.close()


def hold(places: Places, seeds: Iterable[int], knobs: Knobs = USUAL) -> None:
    """Fails with the first seed whose numbers are wrong, and says how to see it again."""
    found = first_wrong_seed(places, seeds, knobs)
    if found is not None:
        seed, wrong = found
        raise AssertionError("\n".join([replay(seed), *wrong[:10]]))

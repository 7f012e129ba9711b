"""A process of a world of faults: begins as a run does, commits what it is given, and dies or gives up now and then.

It runs in a thread of its own, step by step (`lockstep`): a step is a request to the service, of SQLite a statement.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, TypeVar

from pipeline.adopt import Adoption
from pipeline.model.errors import StoreError, TransientStoreError, UsageError
from pipeline.shard.keeper import ShardKeeper
from pipeline.store import Store
from pipeline.store.bigtable import BigtableStore
from pipeline.store.bigtable.patience import Patience
from tests.support.at_least_once import SHARDS, Message, Source
from tests.support.deliver import NOW
from tests.support.fault_knobs import Knobs, Rules
from tests.support.fault_plans import FaultPlans
from tests.support.faulty_sqlite import FaultyDb, Harm
from tests.support.faulty_store import FaultyStore, Killed
from tests.support.faulty_wire import FaultyWire, Land
from tests.support.lockstep import Stepper
from tests.support.watched_store import WatchedStore

DEDUP_DAYS = 2
LOCKED = 0.05  # chance per statement that a process may stand still within a transaction
DEADLINE_S = 0.5  # of an operation on Bigtable, on a clock that only its pauses move

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the processes of a world share. `calm`: whether nothing fails any more; `now`: seconds since 1970."""

    random: Random
    knobs: Knobs
    rules: Rules
    source: Source
    open_store: Callable[[], Store]
    in_flight: list[Land]
    happened: Counter[str]
    calm: Callable[[], bool]
    now: Callable[[], float]


class Process:
    """One after the other: when one dies, fails for good or is thrown away, the next one begins with nothing.
    `at_work`: it is not between two units; `still_until`: the turn until which it does nothing.
    """

    def __init__(self, around: Surroundings) -> None:
        self.at_work = False
        self.still_until = 0
        self._around = around
        self._numbers: list[int] = []  # the messages in work
        self.stepper = Stepper(self._live)

    def _live(self, stepper: Stepper) -> None:
        while True:
            try:
                self.at_work = True
                keeper, adoption = self._begin(stepper)
                self.at_work = False
                while self._commit(keeper, adoption, stepper):
                    pass
            except (Killed, StoreError, UsageError) as e:
                self._around.happened[f"ended by {type(e).__name__}"] += 1

    def _begin(self, stepper: Stepper) -> tuple[ShardKeeper, Adoption]:
        """As a run does: heads are applied again, and no definitions are known yet."""
        around = self._around
        plans = FaultPlans(around.random, around.knobs.rough, around.calm)
        store = self._open(stepper, plans)
        if around.knobs.swept:
            store.settle(range(SHARDS))
        adoption = Adoption(store)
        keeper = around.rules.keeper(
            store, dedup_days=DEDUP_DAYS, held_bytes_max=around.knobs.held_bytes_max, clock=around.now,
            sleep=lambda _: stepper.step(),
        )  # fmt: skip
        plans.begun = True
        return keeper, adoption

    def _commit(self, keeper: ShardKeeper, adoption: Adoption, stepper: Stepper) -> bool:
        """One delivery; whether the process goes on after it."""
        stepper.step()
        around = self._around
        shard, self._numbers = around.source.deliver()
        messages = [around.source.messages[number] for number in self._numbers]
        self.at_work = True
        try:
            for judged in sorted({message.judged for message in messages}):
                adoption.adopt(around.source.snapshots[judged], NOW)
                keeper.adopt(around.source.snapshots[judged])
            self._note(keeper.commit(shard, [message.hits for message in messages]), messages)
            done = True
        except TransientStoreError:
            around.happened["given up"] += 1
            done = around.rules.acked_on_failure
        if done:
            around.source.acknowledge(self._numbers, surely=around.calm())
        self.at_work = False
        return around.random.random() >= around.knobs.thrown_away

    def _note(self, tally: Counter[str], messages: list[Message]) -> None:
        happened = self._around.happened
        happened["units"] += tally["units"]
        happened["judged apart"] += tally["units"] > 1
        happened["nothing new"] += not tally["new"]
        happened["several accounts"] += len({account for message in messages for account in message.accounts}) > 1

    def _open(self, stepper: Stepper, plans: FaultPlans) -> Store:
        """A store as a new process has it, on which faults strike."""
        around = self._around
        store = around.open_store()
        if isinstance(store, BigtableStore):
            clock = _Clock(stepper)
            store._patience = Patience(DEADLINE_S, clock.sleep, lambda: clock.now, lambda: 1.0)
            FaultyWire(store, _after_a_step(stepper, plans.request), around.in_flight)
            if around.rules.acked_at_head:
                _after_the_head(store, lambda: around.source.acknowledge(self._numbers, surely=True))
        else:
            db: FaultyDb = FaultyDb(store, lambda word: self._statement(stepper, plans, db.in_transaction, word))
        return around.rules.store(WatchedStore(FaultyStore(store, plans.operation), around.happened))

    def _statement(self, stepper: Stepper, plans: FaultPlans, in_transaction: bool, word: str) -> Harm | None:
        """Within a transaction nobody stands still for long as a rule: the others would only be told that it is locked."""
        if not in_transaction or self._around.random.random() < LOCKED:
            stepper.step()
        return plans.statement(word)


class _Clock:
    """Moves on when somebody sleeps; meanwhile others may move."""

    def __init__(self, stepper: Stepper) -> None:
        self.now = 0.0
        self._stepper = stepper

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self._stepper.step()


def _after_a_step(stepper: Stepper, plan_of: Callable[[str], T]) -> Callable[[str], T]:
    def plan_of_step(name: str) -> T:
        stepper.step()
        return plan_of(name)

    return plan_of_step


def _after_the_head(store: BigtableStore, then: Callable[[], None]) -> None:
    """Do something between a commit and its apply."""

    def move(shard: int, seq: int, head: list[Any]) -> None:
        real(shard, seq, head)
        then()

    real = store._move_head
    store._move_head = move  # type: ignore[method-assign]

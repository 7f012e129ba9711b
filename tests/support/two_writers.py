"""Two writers of one shard that stand still at chosen steps: the first one at any step of its unit, the second one, that
takes over, at any of its own; then the first goes on as a zombie, or never does.

A step is a request to the service, of SQLite a statement. Nobody applies the heads again in the end: what was
acknowledged must be in the numbers without that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import count

from pipeline.model.errors import TransientStoreError
from pipeline.shard.keeper import ShardKeeper
from pipeline.store import Store
from pipeline.store.bigtable import BigtableStore
from tests.support.empty_places import OpenStore
from tests.support.faulty_sqlite import FaultyDb
from tests.support.faulty_wire import FaultyWire
from tests.support.lockstep import Stepper
from tests.support.one_shard import OneShard

Around = Callable[[Store], Store]


class Then(Enum):
    """What becomes of the first writer."""

    GOES_ON = "it stands, the second one goes some steps, the first goes on to its end, then the second one does"
    DIES = "the second one stands, the first goes some steps and is never seen again, the second one goes on"


@dataclass(frozen=True, slots=True)
class Stand:
    """Where they stand. `warm`: the first writer has committed a unit before and holds what it knows of the shard, and the
    second one does two units.
    """

    first: int
    second: int
    then: Then
    warm: bool = False


class TwoWriters:
    """A world's units, and both writers. `around`: what their stores are wrapped in."""

    def __init__(self, world: OneShard, around: Around = lambda store: store) -> None:
        self.world = world
        self._around = around
        self._before, self._unit, self._rest = world.cut(3)

    def wrong(self, open_store: OpenStore, stand: Stand) -> tuple[list[str], bool, bool]:
        """What is wrong after this, and whether the first and the second one came so far at all."""
        self._acked: set[bytes] = set()
        stores = [open_store() for _ in range(3)]
        self.world.adopt(stores[0])
        if stand.then is Then.DIES:
            first, second = (self._writer(store, [self.world.messages]) for store in stores[1:])
            also, came = _go(second, stand.second), _go(first, stand.first)
        else:
            first = self._writer(stores[1], [self._unit], self._before if stand.warm else None)
            after = [[*self._before, *self._unit], self._rest] if stand.warm else [[*self._before, *self._unit, *self._rest]]
            second = self._writer(stores[2], after)
            came, also = _go(first, stand.first), _go(second, stand.second)
            first.finish()
        first.end()
        second.finish()
        wrong = self._in_the_end(stores[0])
        for store in stores:
            store.close()
        return wrong, came, also

    def _writer(self, store: Store, units: list[list[bytes]], before: list[bytes] | None = None) -> Stepper:
        """One that commits these units, and has committed `before`."""
        keeper = self.world.keeper(self._around(store))
        if before:
            self._deliver(keeper, before)

        def work(stepper: Stepper) -> None:
            step_before_each(store, stepper)
            for unit in units:
                self._deliver(keeper, unit)

        return Stepper(work)

    def _deliver(self, keeper: ShardKeeper, unit: list[bytes]) -> None:
        try:
            keeper.commit(0, unit)
        except TransientStoreError:  # SQLite stays locked while the other one stands within a transaction
            return
        self._acked |= set(unit)

    def _in_the_end(self, store: Store) -> list[str]:
        """What nobody has acknowledged is delivered again."""
        left = [message for message in self.world.messages if message not in self._acked]
        if left:
            self.world.keeper(store).commit(0, left)
        return self.world.wrong(store)


def _go(stepper: Stepper, steps: int) -> bool:
    """To a place before a step; whether it came so far."""
    return stepper.go(steps + 1) > steps and not stepper.done


def step_before_each(store: Store, stepper: Stepper) -> None:
    """Let every request of the store be a step; of SQLite what is read, and begin and end of a transaction."""
    if isinstance(store, BigtableStore):
        FaultyWire(store, lambda _: stepper.step(), [])
        return

    def step(word: str) -> None:
        if word in ("BEGIN", "COMMIT") or (word == "SELECT" and not db.in_transaction):
            stepper.step()

    db = FaultyDb(store, step)


def stands(
    open_stores: Iterator[OpenStore], writers: TwoWriters, then: Then, warm: bool
) -> Iterator[tuple[Stand, list[str]]]:
    """Each pair of steps, with what is wrong after it."""
    for first in count():
        for second in count():
            stand = Stand(first, second, then, warm)
            wrong, first_came, second_came = writers.wrong(next(open_stores), stand)
            yield stand, wrong
            if not second_came:
                break
        if not first_came:
            return

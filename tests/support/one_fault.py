"""One writer of one shard, and one fault: at any request of Bigtable, at any statement of SQLite, of any kind.

What is not acknowledged is delivered again, to a new process where the old one died.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.model.errors import StoreError, UsageError
from pipeline.shard.keeper import ShardKeeper
from pipeline.store import Store
from pipeline.store.bigtable import BigtableStore
from pipeline.store.bigtable.patience import Patience
from pipeline.store.fixed import Fixed, fix
from tests.support.deliver import KEY
from tests.support.empty_places import OpenStore
from tests.support.fault_plans import HARMS
from tests.support.faulty_sqlite import FaultyDb, Harm
from tests.support.faulty_store import Killed
from tests.support.faulty_wire import Blow, Code, FaultyWire, Land, Struck
from tests.support.one_shard import OneShard

TRIES_MAX = 20
PARTS = 2
UNITS = 2
THROTTLED_CALLS = 5


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to so many requests or statements, beginning with number `at`."""

    at: int
    kind: Struck | Harm | None
    calls: int = 1


WHOLE = Fault(0, None)


class OneFault:
    """One run. `asked`: the requests or statements, by name."""

    def __init__(self, world: OneShard, open_store: OpenStore, fault: Fault) -> None:
        self.asked: list[str] = []
        self._world = world
        self._fault = fault
        self._open_store = open_store
        self._opened: list[Store] = []
        self._in_flight: list[Land] = []

    def wrong(self) -> list[str]:
        """What is wrong in the end."""
        left = self._commit(self._world.cut(UNITS))
        for land in self._in_flight:
            land()
        wrong = self._world.wrong(self._open())
        for store in self._opened:
            store.close()
        return [f"{left} units were never committed", *wrong] if left else wrong

    def _commit(self, left: list[list[bytes]]) -> int:
        """Commit units until they are committed; returns how many could not be."""
        store, keeper = self._open(), None
        self._strike(store)
        for _ in range(TRIES_MAX):
            if not left:
                break
            try:
                keeper = keeper or self._begin(store)
                keeper.commit(0, left[0])
                del left[0]
            except Killed:
                store, keeper = self._open(), None
            except (StoreError, UsageError):  # the same process goes on: it holds nothing that is not so
                continue
        return len(left)

    def _begin(self, store: Store) -> ShardKeeper:
        """As a run does."""
        fixed = fix(store, shards=None, default_shards=1, visitor_key=KEY)
        assert fixed == Fixed(1, KEY)
        store.settle([0])
        self._world.adopt(store)
        return self._world.keeper(store)

    def _open(self) -> Store:
        self._opened.append(self._open_store())
        return self._opened[-1]

    def _strike(self, store: Store) -> None:
        if isinstance(store, BigtableStore):
            store._patience = Patience(sleep=lambda _: None)
            FaultyWire(store, self._plan, self._in_flight)
        else:
            FaultyDb(store, self._plan)

    def _plan(self, name: str) -> Any:
        number = len(self.asked)
        self.asked.append(name)
        return self._fault.kind if self._fault.at <= number < self._fault.at + self._fault.calls else None


def each_fault(open_stores: Iterator[OpenStore], world: OneShard) -> Iterator[tuple[str, Fault, list[str]]]:
    """Every fault at every place, with what is wrong then."""
    whole = OneFault(world, next(open_stores), WHOLE)
    yield "", WHOLE, whole.wrong()
    for at, name in enumerate(whole.asked):
        for fault in _faults(at, name):
            yield name, fault, OneFault(world, next(open_stores), fault).wrong()


def _faults(at: int, name: str) -> Iterator[Fault]:
    kinds: Sequence[Struck | Harm]
    if name in HARMS:
        kinds = HARMS[name]
    elif name.startswith("read"):
        kinds = [Struck(Blow.REFUSED), Struck(Blow.CUT, parts=PARTS), Struck(Blow.KILL_BEFORE)]
    else:
        partly = () if name.startswith("check") else (Blow.PARTLY, Blow.CUT)
        whole = (Blow.REFUSED, Blow.UNHEARD, Blow.LATE, Blow.TWICE, Blow.KILL_AFTER)
        kinds = [Struck(blow, parts=PARTS) for blow in (*whole, *partly)]
        kinds += [Struck(blow, Code.PERMISSION_DENIED, PARTS) for blow in (Blow.REFUSED, *partly)]
    for kind in kinds:
        yield Fault(at, kind)
    if name.startswith(("check", "mutate")):
        yield Fault(at, Struck(Blow.REFUSED, Code.RESOURCE_EXHAUSTED), THROTTLED_CALLS)

"""A seeded world in which several writers count a set of events through a real store, while calls fail and writers die.

The counting is the smallest that needs every rule: events are delivered more than once, an event counts once, and the
earliest event of all is counted as the first one, so that it is taken back from a day when an earlier one comes late.
Delivery, faults and the order in which writers move are drawn from the seed; a stall inside a call lets others move.
"""

from __future__ import annotations

import random
import struct
from collections import Counter
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass

from pipeline.model.errors import StoreError
from pipeline.model.layout import facts_qualifier
from pipeline.store import Cell, Store
from tests.support.faulty_store import Action, Fault, FaultyStore, Killed, When

EVENTS, SHARDS, DAYS, DAYS_PER_ROW = 36, 2, 6, 2
UNIT_EVENTS_MAX = 5
WRITERS_MAX = 4
STALL_DEPTH_MAX = 2
FACTS_FOLDED_FROM = 3
_DAY = struct.Struct(">qq")  # events, firsts


@dataclass(frozen=True, slots=True)
class Knobs:
    """How rough the world is: chances per call or per step."""

    fault: float = 0.15
    lost_ack: float = 0.15
    redelivered: float = 0.3
    landing: float = 0.1


@dataclass(slots=True)
class Held:
    """What a writer knows of its shard. Replaced as a whole, never changed."""

    seq: int
    ids: frozenset[int]
    days: dict[int, tuple[int, int]]
    facts: tuple[bytes, ...]  # qualifiers


Writer = Generator[None, None, None]


class World:
    """One run. `open_store` opens an independent store object on the same, empty data."""

    def __init__(self, seed: int, open_store: Callable[[], Store], knobs: Knobs = Knobs()) -> None:
        self.random = random.Random(seed)
        self.knobs = knobs
        self._open_store = open_store
        self._opened: list[Store] = []
        self._day_of = [self.random.randrange(DAYS) for _ in range(EVENTS)]
        self._acked: set[int] = set()
        self._writers: list[Writer] = []
        self._moving: list[Writer] = []
        self._stores: list[FaultyStore] = []
        self._calm = False

    def run(self) -> None:
        """Until every event is acknowledged, nobody writes any more and all that was late has landed."""
        for step in range(100_000):
            self._calm = step > 400
            if not self._writers and len(self._acked) == EVENTS:
                break
            self._move_somebody()
        for store in self._stores:
            while store.in_flight:
                self._land(store)
        self._open().settle(range(SHARDS))

    def differences(self) -> dict[tuple[int, str], tuple[int, int]]:
        """(day, number) -> (counted, expected), where they differ."""
        store, counted, expected = self._open(), Counter[tuple[int, str]](), Counter[tuple[int, str]]()
        for shard in range(SHARDS):
            mine = [event for event in range(EVENTS) if event % SHARDS == shard]
            expected.update((self._day_of[event], "n") for event in mine)
            expected[self._day_of[min(mine)], "first"] += 1
            for day, (n, first) in _load(store, shard, 0).days.items():
                counted.update({(day, "n"): n, (day, "first"): first})
        return {key: (counted[key], expected[key]) for key in {*counted, *expected} if counted[key] != expected[key]}

    def close(self) -> None:
        for store in self._opened:
            store.close()

    def _open(self) -> Store:
        store = self._open_store()
        self._opened.append(store)
        return store

    def _move_somebody(self) -> None:
        late = [store for store in self._stores if store.in_flight]
        if late and self.random.random() < self.knobs.landing:
            return self._land(self.random.choice(late))
        if (len(self._writers) < WRITERS_MAX and self.random.random() < 0.1) or not self._writers:
            self._writers.append(self._writer(self.random.randrange(SHARDS)))
        idle = [writer for writer in self._writers if writer not in self._moving]
        if not idle:
            return None
        writer = self.random.choice(idle)
        self._moving.append(writer)
        try:
            next(writer)
        except (StopIteration, Killed):
            self._writers.remove(writer)
        finally:
            self._moving.remove(writer)

    def _land(self, store: FaultyStore) -> None:
        store.land(self.random.randrange(len(store.in_flight)))

    def _stall(self) -> None:
        if len(self._moving) <= STALL_DEPTH_MAX:
            for _ in range(self.random.randrange(1, 25)):
                self._move_somebody()

    def _fault(self, operation: str) -> Fault | None:
        if self._calm or self.random.random() >= self.knobs.fault:
            return None
        when, action = self.random.choice(list(When)), self.random.choice(list(Action))
        if operation != "commit":
            when, action = When.BEFORE, self.random.choice([Action.FAIL, Action.KILL, Action.STALL])
        return Fault(when, action, rows=self.random.randrange(4))

    def _deliver(self, shard: int) -> list[int]:
        mine = range(shard, EVENTS, SHARDS)
        open_ones = [event for event in mine if event not in self._acked]
        if not open_ones:
            return []
        unit = self.random.sample(open_ones, min(len(open_ones), self.random.randint(1, UNIT_EVENTS_MAX)))
        return unit + [event for event in self.random.sample(mine, 3) if self.random.random() < self.knobs.redelivered]

    def _acknowledge(self, unit: Iterable[int]) -> None:
        self._acked.update(event for event in unit if self._calm or self.random.random() >= self.knobs.lost_ack)

    def _writer(self, shard: int) -> Writer:
        store = FaultyStore(self._open(), self._fault, self._stall)
        self._stores.append(store)
        held: Held | None = None
        while unit := self._deliver(shard):
            yield
            try:
                if held is None:
                    seq = store.take(shard)
                    yield
                    held = _load(store, shard, seq)
                    yield
                after, cells = _count(shard, held, unit, self._day_of)
                if cells:
                    store.commit(shard, held.seq, cells)
                    held = after
                elif store.take(shard) != held.seq:  # what it saw may be half of another's unit
                    held = None
                    continue
            except StoreError:
                held = None
                continue
            yield
            self._acknowledge(unit)


def _load(store: Store, shard: int, seq: int) -> Held:
    visitors = store.read("visitors", [_visitors_row(shard)]).get(_visitors_row(shard), [])
    rows = [_counter_row(day) for day in range(0, DAYS, DAYS_PER_ROW)]
    slot = [(bytes([shard]), bytes([shard + 1]))]
    days = {q[1]: _DAY.unpack(value) for cells in store.read("counters", rows, slot).values() for q, value in cells}
    return Held(seq, frozenset(b for _, value in visitors for b in value), days, tuple(q for q, _ in visitors))


def _count(shard: int, held: Held, unit: Iterable[int], day_of: list[int]) -> tuple[Held, list[Cell]]:
    """The pure part: what is held after the unit, and the cells that say so; no cells when nothing is new."""
    fresh = frozenset(unit) - held.ids
    if not fresh:
        return held, []
    days = dict(held.days)
    for event in fresh:
        _add(days, day_of[event], 1, 0)
    if not held.ids or min(fresh) < min(held.ids):
        if held.ids:
            _add(days, day_of[min(held.ids)], 0, -1)
        _add(days, day_of[min(fresh)], 0, 1)
    ids = held.ids | fresh
    mine, fold = facts_qualifier(held.seq + 1), len(held.facts) >= FACTS_FOLDED_FROM
    row = _visitors_row(shard)
    cells = [Cell("visitors", row, mine, bytes(sorted(ids if fold else fresh)))]
    cells += [Cell("visitors", row, old, None) for old in held.facts if fold]
    cells += [
        Cell("counters", _counter_row(day), bytes([shard, day]), _DAY.pack(*totals))
        for day, totals in days.items()
        if totals != held.days.get(day)
    ]
    return Held(held.seq + 1, ids, days, (mine,) if fold else (*held.facts, mine)), cells


def _add(days: dict[int, tuple[int, int]], day: int, events: int, firsts: int) -> None:
    n, first = days.get(day, (0, 0))
    days[day] = (n + events, first + firsts)


def _visitors_row(shard: int) -> bytes:
    return b"shop#" + bytes([shard])


def _counter_row(day: int) -> bytes:
    return b"shop#metric#%d" % (day // DAYS_PER_ROW)

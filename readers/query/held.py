"""Owns what a service holds of a store's numbers between queries, and how old it may be.

**The promise**, by the clock that is passed in: what was in the numbers `open_s` before a query began is in its answer for
days that are open, `closed_s` before for closed ones (see `Ages`). A day is open until it has ended everywhere on Earth.
`complete_until` is read before the numbers and kept beside them; an answer names the earliest of its parts, so that it
never claims more than they show. Since when a revision is in force, and its gaps, may be `notes_s` old. A store that is at
hand is asked by each query how far it is: answers are never older than their query.

A store at rest is not read again: where no shard has moved and `complete_until` is the same, the numbers are, too. That
holds for parts that were read when this had been so for `settle_s`: a unit is applied after its shard has moved, and
`complete_until`, which moves when that is done, is of whole seconds. In a store that is at hand both are one.

Numbers can be held because a cell is a slot's absolute total: what was read is right as of that moment, whatever a unit
before or after changes. Parts are named by their row, and a row is of one account. What nobody has asked for lately goes
first when there is more than `bytes_max`. Of queries that miss the same part at once one reads it, the others wait.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pipeline.model.damage import reading
from pipeline.model.errors import TransientStoreError
from pipeline.model.layout import META_COMPLETE, META_LAYOUT
from pipeline.store.contract import Store
from readers.query.part import Part, PartKey
from readers.query.source import Wanted, read_parts, until_of

BYTES_MAX = 128 << 20
SHARDS_MAX = 64  # whose heads are looked at; with more, age alone decides
WAIT_S = 10.0  # for another query's read, which gives up before
LATEST_ZONE = timedelta(hours=12)  # a day ends last at UTC-12


@dataclass(frozen=True, slots=True)
class Ages:
    """How old what is given out may be, in seconds."""

    open_s: float  # numbers of open days, and how far the store is
    closed_s: float
    settle_s: float
    notes_s: float


REMOTE = Ages(open_s=1.0, closed_s=10.0, settle_s=5.0, notes_s=5.0)
AT_HAND = Ages(open_s=0.0, closed_s=0.0, settle_s=0.0, notes_s=0.0)


def is_young(age_s: float, age_max_s: float) -> bool:
    """Whether something may still be given out; where the bound is zero, nothing is however fast one asks."""
    return age_max_s > 0 and age_s <= age_max_s


def ages_of(store: Store) -> Ages:
    """What is worth it for this store."""
    return AT_HAND if store.at_hand else REMOTE


@dataclass(frozen=True, slots=True)
class State:
    """How far a store was. seqs None: not known. since_s: when it was first seen so."""

    until: str | None
    seqs: Any
    since_s: float

    def same(self, other: State) -> bool:
        return self.seqs is not None and (self.seqs, self.until) == (other.seqs, other.until)


@dataclass(frozen=True, slots=True)
class Kept:
    """A part, how far the store was before its read, and when that began."""

    part: Part
    state: State
    read_s: float


@dataclass(frozen=True, slots=True)
class Flight:
    """A part that somebody is reading."""

    begun_s: float
    done: Future[Kept]


class Held:
    """What is held of one store, for all threads. now: decides which days are open."""

    def __init__(self, clock_s: Callable[[], float], now: Callable[[], datetime], bytes_max: int = BYTES_MAX) -> None:
        self._clock_s = clock_s
        self._now = now
        self._bytes_max = bytes_max
        self._lock = threading.Lock()
        self._looking = threading.Lock()
        self._bytes = 0
        self._parts: OrderedDict[PartKey, Kept] = OrderedDict()  # what was asked for last comes last
        self._flights: dict[PartKey, Flight] = {}
        self._state = State(None, None, 0.0)
        self._looked_s = float("-inf")
        self.ages = REMOTE

    @property
    def size(self) -> int:
        """Bytes held, roughly."""
        return self._bytes

    def open_from(self) -> int:
        """The first open day, as an ordinal."""
        return (self._now() - LATEST_ZONE).toordinal()

    def state(self, store: Store | None) -> State | None:
        """How far the store is or was a moment ago; None without a store where that is not known."""
        if is_young(self._clock_s() - self._looked_s, self.ages.open_s):
            return self._state
        if store is None:
            return None
        with self._looking:
            begun_s = self._clock_s()
            if not is_young(begun_s - self._looked_s, self.ages.open_s):
                # What is complete first: by then all of it was committed, so that the seqs can't be older.
                state = State(until_of(store.read("meta", [META_COMPLETE])), _seqs(store), begun_s)
                self._state = self._state if self._state.same(state) else state
                self._looked_s = begun_s
            return self._state

    def take(self, wanted: Iterable[PartKey], state: State, open_from: int) -> tuple[dict[PartKey, Kept], list[PartKey]]:
        """Those that are held and may be given out, and the keys of the others."""
        now_s = self._clock_s()
        found, missing = {}, []
        with self._lock:
            for key in wanted:
                kept = self._parts.get(key)
                if kept is not None and self._is_fresh(key, kept, state, now_s, open_from):
                    self._parts.move_to_end(key)
                    found[key] = kept
                else:
                    missing.append(key)
        return found, missing

    def read(self, store: Store, wanted: Wanted, state: State, open_from: int) -> dict[PartKey, Kept]:
        """Reads these parts, or waits for who reads them already. Raises StoreError."""
        begun_s = self._clock_s()
        mine, others = self._divide(wanted, begun_s, open_from)
        if mine:
            self._fly(store, {key: wanted[key] for key in mine}, mine, state, begun_s)
        try:
            return {key: flight.done.result(WAIT_S) for key, flight in {**others, **mine}.items()}
        except TimeoutError:
            raise TransientStoreError(f"no answer within {WAIT_S:g} s") from None

    def _divide(self, wanted: Wanted, begun_s: float, open_from: int) -> tuple[dict[PartKey, Flight], dict[PartKey, Flight]]:
        """Flights of our own, and those of others that began late enough to join."""
        mine, others = {}, {}
        with self._lock:
            for key in wanted:
                flight = self._flights.get(key)
                if flight is not None and is_young(begun_s - flight.begun_s, self._age_max_s(key, open_from)):
                    others[key] = flight
                else:
                    mine[key] = self._flights[key] = Flight(begun_s, Future())
        return mine, others

    def _fly(self, store: Store, wanted: Wanted, mine: dict[PartKey, Flight], state: State, begun_s: float) -> None:
        try:
            found = read_parts(store, wanted)
        except BaseException as error:
            self._land(mine, {})
            for flight in mine.values():
                flight.done.set_exception(error)
            raise
        kept = {key: Kept(part, state, begun_s) for key, part in found.items()}
        self._land(mine, kept)
        for key, flight in mine.items():
            flight.done.set_result(kept[key])

    def _land(self, mine: dict[PartKey, Flight], kept: dict[PartKey, Kept]) -> None:
        with self._lock:
            for key, flight in mine.items():
                if self._flights.get(key) is flight:
                    del self._flights[key]
            for key, one in kept.items():
                before = self._parts.get(key)
                if before is None or before.read_s <= one.read_s:
                    self._bytes += one.part.size - (before.part.size if before else 0)
                    self._parts[key] = one
                    self._parts.move_to_end(key)
            while self._bytes > self._bytes_max:
                _, gone = self._parts.popitem(last=False)
                self._bytes -= gone.part.size

    def _is_fresh(self, key: PartKey, kept: Kept, state: State, now_s: float, open_from: int) -> bool:
        if is_young(now_s - kept.read_s, self._age_max_s(key, open_from)):
            return True
        return kept.read_s - kept.state.since_s >= self.ages.settle_s and kept.state.same(state)

    def _age_max_s(self, key: PartKey, open_from: int) -> float:
        return self.ages.open_s if key.before + key.last >= open_from else self.ages.closed_s


def _seqs(store: Store) -> Any:
    """Of all shards; None where their number is not known, or too large."""
    layout = dict(store.read("meta", [META_LAYOUT]).get(META_LAYOUT, ())).get(b"v")
    if layout is None:
        return None
    with reading("meta", META_LAYOUT):
        shards = int(json.loads(layout)["shards"])
    return store.seqs(shards) if shards <= SHARDS_MAX else None

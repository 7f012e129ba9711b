"""Owns a query's view of what is held: parts and notes from there where they are young enough, else from the store."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from pipeline.store.contract import Rows, Store
from readers.query.held import BYTES_MAX, REMOTE, Held, State, ages_of, is_young
from readers.query.source import Parts, Source, Wanted, earlier

NOTES_MAX = 10_000  # rows of `meta`
NOTE_CELLS_MAX = 200  # a row with more is not held
BLOCK_DAYS = 8  # of a breakdown that are read in one: a week is not a month's work, nor a month thirty reads

Note = list[tuple[bytes, bytes]]


class NotHeld(Exception):
    """A query without a store needs what is not held, or more than can be answered in between."""


class Notes:
    """Rows of `meta` as they were a few seconds ago, for all threads."""

    def __init__(self, clock_s: Callable[[], float]) -> None:
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._notes: OrderedDict[bytes, tuple[float, Note | None]] = OrderedDict()  # read last, comes last
        self.age_max_s = REMOTE.notes_s

    def rows(self, store: Store | None, wanted: Sequence[bytes]) -> Rows:
        """Rows that are there. Raises NotHeld, StoreError."""
        now_s = self._clock_s()
        with self._lock:
            known = [(row, self._notes.get(row)) for row in wanted]
        held = {row: note[1] for row, note in known if note is not None and is_young(now_s - note[0], self.age_max_s)}
        missing = [row for row in wanted if row not in held]
        if missing and store is None:
            raise NotHeld
        if missing and store is not None:
            held |= self._read(store, missing, now_s)
        return {row: note for row, note in held.items() if note is not None}

    def _read(self, store: Store, missing: list[bytes], now_s: float) -> dict[bytes, Note | None]:
        stored = store.read("meta", missing)
        found: dict[bytes, Note | None] = {row: stored.get(row) for row in missing}
        with self._lock:
            for row, note in found.items():
                if note is None or len(note) <= NOTE_CELLS_MAX:
                    self._notes[row] = now_s, note
                    self._notes.move_to_end(row)
            while len(self._notes) > NOTES_MAX:
                self._notes.popitem(last=False)
        return found


class OverHeld(Source):
    """For one query. Without a store, or past `rows_max` rows of totals, it raises NotHeld."""

    def __init__(self, held: Held, notes: Notes, store: Store | None, rows_max: int | None = None) -> None:
        self._held = held
        self._notes = notes
        self._store = store
        self._rows_left = rows_max
        self._open_from = held.open_from()
        self._states: list[State] = []

    def spans(self, first: int, last: int, month_days: int, before: int, narrow: bool) -> Iterable[tuple[int, int]]:
        opened = self._open_from - before  # the day of the month from which on days are open
        step = month_days if narrow else BLOCK_DAYS
        for start in range(1, month_days + 1, step):
            end = min(start + step - 1, month_days)
            for begin, stop in ((start, min(end, opened - 1)), (max(start, opened), end)):
                if begin <= stop and begin <= last and first <= stop:
                    yield begin, stop

    def parts(self, wanted: Wanted) -> Parts:
        state = self._held.state(self._store)
        if state is None:
            raise NotHeld
        found, missing = self._held.take(wanted, state, self._open_from)
        if missing and self._store is None:
            raise NotHeld
        if missing and self._store is not None:
            read = self._held.read(self._store, {key: wanted[key] for key in missing}, state, self._open_from)
            found.update(read)
        self._states += {id(kept.state): kept.state for kept in found.values()}.values()
        self._count(sum(len(kept.part.ticks) for kept in found.values()))
        return {key: kept.part for key, kept in found.items()}

    def meta(self, rows: Sequence[bytes]) -> Rows:
        return self._notes.rows(self._store, rows)

    def scan_meta(self, prefix: bytes) -> Rows:
        if self._store is None:
            raise NotHeld
        return self._store.scan("meta", prefix)

    def complete_until(self) -> str | None:
        until = self._states[0].until if self._states else None
        for state in self._states:
            until = earlier(until, state.until)
        return until

    def _count(self, rows: int) -> None:
        if self._rows_left is not None:
            self._rows_left -= rows
            if self._rows_left < 0:
                raise NotHeld


class Holdings:
    """All that a service holds of its store. now: decides which days are open."""

    def __init__(self, clock_s: Callable[[], float], now: Callable[[], datetime], bytes_max: int = BYTES_MAX) -> None:
        self._held = Held(clock_s, now, bytes_max)
        self._notes = Notes(clock_s)

    @property
    def size(self) -> int:
        """Bytes of numbers that are held, roughly."""
        return self._held.size

    def over(self, store: Store | None, rows_max: int | None = None) -> Source:
        """What one query reads from, see `OverHeld`."""
        if store is not None:
            self._held.ages = ages_of(store)
            self._notes.age_max_s = self._held.ages.notes_s
        return OverHeld(self._held, self._notes, store, rows_max)

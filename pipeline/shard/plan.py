"""What one unit writes, worked out on copies: the pure middle of the commit protocol.

Reads what isn't held, changes nothing that is (but for what the store says holds already), and returns the cells to
write and what to hold once they are applied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from pipeline.counters.slots import Changes, Slots
from pipeline.counters.totals import add_up
from pipeline.model import layout
from pipeline.model.damage import UNREADABLE, reading
from pipeline.model.facts import (
    Facts,
    SeenIds,
    TrialEvent,
    ValuedFirst,
    bucket_of,
    check_facts,
    fold_facts,
    pack_facts,
    run_starts,
    split_facts,
)
from pipeline.model.group import group
from pipeline.model.layout import BUCKETS_PER_SHARD, HOURS_PER_DAY
from pipeline.model.limits import BREAKDOWN_VALUES_MAX
from pipeline.shard.addresses import UnitAddresses
from pipeline.shard.trials import TrialRoom, trial_changes
from pipeline.store.contract import Cell, Store
from pipeline.trials.mark import LearntTrials, mark_trials
from pipeline.visitors.duplicates import Verdict, drop_duplicates
from pipeline.visitors.firsts import LearntFirsts, Touches, mark_firsts
from pipeline.visitors.known import Known, Learnt
from pipeline.visitors.unit import Unit

SEALED_BYTES = 16 * 1024  # a facts cell of this size is not folded again
CELL_BYTES_MAX = 256 * 1024  # a unit's facts of one row are cut into cells of this size; folded, it is three times that
ROWS_PER_LOAD = 24  # visitors' rows read at once: what is read and not yet merged takes memory too
ROWS_PER_LOAD_MAX = 384  # where so many hold less than this together:
LITTLE_BYTES = 256 * 1024
FOLD_CELLS = 48  # so many small cells in a row are folded into one
_new_cell = tuple.__new__  # as `Cell` does it; with many accounts a unit has as many cells as hits


@dataclass(slots=True)
class Held:
    """What a worker holds of a shard it has committed to."""

    seq: int
    known: Known
    slots: Slots

    @property
    def bytes_held(self) -> int:
        """Roughly what it costs in memory."""
        return self.known.bytes_held + self.slots.bytes_held


@dataclass(slots=True)
class Plan:
    """A unit's effect. `cells` are what the store applies; the rest is what `accept` holds afterwards."""

    cells: list[Cell]
    learnt: Learnt
    changes: list[Changes]
    small_cells: dict[bytes, int]
    new: int
    duplicates: int

    @property
    def bytes_learnt(self) -> int:
        """Roughly by how much what is held grows in memory, at the most."""
        return self.learnt.bytes_held + sum(changes.bytes_held for changes in self.changes)

    def accept(self, held: Held, seq: int) -> None:
        """Hold what is applied now."""
        held.seq = seq
        held.known.learn(self.learnt)
        held.known.rows.update(self.small_cells)
        for changes in self.changes:
            held.slots.accept(changes)


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans units of one shard. names_of: the `metric@revision`s of a definitions digest; today: days since 1970."""

    shard: int
    store: Store
    names_of: Callable[[int], frozenset[str]]
    today: int
    dedup_days: int
    breakdown_values_max: int = field(default=BREAKDOWN_VALUES_MAX)

    def plan(self, held: Held, unit: Unit) -> Plan:
        """The whole way of a unit: duplicates, firsts, totals, cells."""
        rows = self._visitor_rows(unit)
        self._load_known(held.known, rows)
        verdict = drop_duplicates(unit, held.known, self.names_of)
        addresses = UnitAddresses(held.slots, unit.table, self.store)
        touches = self._touch(addresses, unit, verdict)
        moves, firsts = mark_firsts(unit, touches, held.known)
        additions = add_up(unit, verdict, touches, moves)
        changes = [addresses.changes(additions)] if additions else []
        trials = mark_trials(
            unit, verdict, held.known.trials, TrialRoom(unit, held.slots, self.store, self.breakdown_values_max)
        )
        changes += trial_changes(unit, trials, held.slots, self.store)
        cells = [_new_cell(Cell, ("counters", *cell)) for of in changes for cell in held.slots.cells(of)]
        learnt = Learnt(verdict.ids, verdict.judged, firsts.firsts, firsts.valued, trials.events)
        small: dict[bytes, int] = {}
        for row, facts in _facts_by_row(unit, verdict, firsts, trials, rows, held.known, self.today):
            cells += self._facts_cells(held.known, row, facts, held.seq + 1, small)
        return Plan(cells, learnt, changes, small, _events(unit, verdict.new), _events(unit, verdict.dropped))

    def _visitor_rows(self, unit: Unit) -> _Rows:
        codes, number = group(unit.account * BUCKETS_PER_SHARD + bucket_of(unit.visitor))
        accounts, buckets = (part.tolist() for part in np.divmod(codes, BUCKETS_PER_SHARD))
        judged, shard = unit.table.judged, self.shard
        keys = [layout.visitors_row(judged[a].account, shard, b) for a, b in zip(accounts, buckets, strict=True)]
        return _Rows(number, keys)

    @property
    def _horizon(self) -> int:
        return self.today - self.dedup_days

    def _load_known(self, known: Known, rows: _Rows) -> None:
        # Keys of facts begin with the bucket, the last byte of a row's key: neighbours are loaded in order.
        missing = sorted((row for row in rows.keys if row not in known.rows), key=lambda row: row[-1])
        try:
            known.load(self._cells(known, missing), self._horizon)
        except UNREADABLE:
            self._name_damage(missing)
            raise

    def _name_damage(self, rows: list[bytes]) -> None:
        """Look for the cell that can't be read, to name its row."""
        for row, cells in self.store.read("visitors", rows).items():
            for _, value in cells:
                with reading("visitors", row):
                    check_facts(value)

    def _cells(self, known: Known, missing: list[bytes]) -> Iterator[list[bytes]]:
        """The cells of some rows after the other; what is read counts as held."""
        at, at_once = 0, ROWS_PER_LOAD
        while at < len(missing):
            rows_read = missing[at : at + at_once]
            found = self.store.read("visitors", rows_read)
            values = [value for cells in found.values() for _, value in cells]
            yield values
            for row in rows_read:
                known.rows[row] = sum(len(value) < SEALED_BYTES for _, value in found.get(row, ()))
            at += at_once
            # Many accounts have many rows with little in them. Their order is by bucket, so that those to come are alike.
            is_little = sum(map(len, values)) < LITTLE_BYTES
            at_once = min(2 * at_once, ROWS_PER_LOAD_MAX) if is_little else ROWS_PER_LOAD

    def _touch(self, addresses: UnitAddresses, unit: Unit, verdict: Verdict) -> Touches:
        """Every (new hit, series), with the spot it counts at: values beyond the bound count under `(other)`."""
        which, series = unit.table.series_of(verdict.combo)
        hit = verdict.new[which]
        when = unit.when[hit]
        beyond = addresses.beyond(series, when // HOURS_PER_DAY, self.breakdown_values_max)
        return Touches(hit, series, when * 2 + beyond)

    def _facts_cells(self, known: Known, row: bytes, facts: Facts, seq: int, small: dict[bytes, int]) -> Iterator[Cell]:
        """The cells of new facts. Where a row has many small cells already, they are folded into it; what is in a larger
        one is never written again, so that a unit writes what it learnt and little more, whatever a row holds.
        """
        packed = pack_facts(facts)
        if len(packed) > CELL_BYTES_MAX:
            for part, piece in enumerate(split_facts(facts, CELL_BYTES_MAX)):
                yield Cell("visitors", row, layout.facts_qualifier(seq, part), pack_facts(piece))
            return
        small[row] = known.rows[row] + (len(packed) < SEALED_BYTES)
        if small[row] > FOLD_CELLS:
            old = [(q, v) for q, v in self.store.read("visitors", [row]).get(row, []) if len(v) < SEALED_BYTES]
            with reading("visitors", row):
                packed = fold_facts([*(v for _, v in old), packed], self._horizon)
            yield from (Cell("visitors", row, q, None) for q, _ in old)
            small[row] = int(len(packed) < SEALED_BYTES)
        yield Cell("visitors", row, layout.facts_qualifier(seq), packed)


@dataclass(slots=True)
class _Rows:
    """The visitors' rows of a unit: the number of each hit's, and the key of each number."""

    number: np.ndarray
    keys: list[bytes]


def _events(unit: Unit, hits: np.ndarray) -> int:
    """How many of these hits are events; the others are rejects."""
    table = unit.table
    is_event = [all(s.metric != len(table.metrics_of(k)) - 1 for s in of.series) for k, of in enumerate(table.kinds)]
    return int(np.array(is_event, dtype=bool)[table.combos.kind[unit.combo[hits]]].sum())


def _facts_by_row(
    unit: Unit, verdict: Verdict, learnt: LearntFirsts, trials: LearntTrials, rows: _Rows, known: Known, today: int
) -> Iterator[tuple[bytes, Facts]]:
    """The new facts of each visitors' row."""
    ids = _cut(rows.number[verdict.new], verdict.ids)
    judged_of = np.zeros(len(rows.keys), dtype=np.int64)
    judged_of[rows.number[verdict.new]] = verdict.judged  # a row is of one account
    digests = [known.digests[judged] for judged in judged_of.tolist()]
    firsts = _cut(rows.number[learnt.hit], learnt.firsts.rows())
    valued: dict[int, dict[int, ValuedFirst]] = {}
    for key, first in learnt.valued.items():
        valued.setdefault(int(rows.number[learnt.valued_hit[key]]), {})[key] = first
    tried: dict[int, dict[int, list[TrialEvent]]] = {}
    for key, events in trials.events.items():
        tried.setdefault(int(rows.number[trials.hit[key]]), {})[key] = events
    for n in sorted(ids.keys() | firsts.keys() | valued.keys() | tried.keys()):
        seen = [SeenIds(digests[n], today, ids[n])] if n in ids else []
        yield rows.keys[n], Facts(seen, firsts.get(n, b""), valued.get(n, {}), tried.get(n, {}))


def _cut(number: np.ndarray, things: np.ndarray) -> dict[int, bytes]:
    """The bytes of the things of each number."""
    if not len(number):
        return {}
    small = int(number.max()) < 1 << 16
    order = np.argsort(number.astype(np.uint16) if small else number, kind="stable")  # 16 bits are sorted by counting
    begins = run_starts(number[order])
    raw = things[order].tobytes()
    ends = [*(begins[1:] * things.itemsize).tolist(), len(raw)]
    begin_bytes = (begins * things.itemsize).tolist()
    return {n: raw[b:e] for n, b, e in zip(number[order[begins]].tolist(), begin_bytes, ends, strict=True)}

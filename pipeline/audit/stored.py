"""Reads what the store has of one metric: the slots of all shards, added up, and what is wrong with them by themselves.

Every cell is looked at as one that may have been damaged. Slots are compared as they add up, since that is what is read;
within each slot the hours of a day must come to the day's totals.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterator, Set
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import numpy as np

from pipeline.audit.cells import Cells, added_up, columns_of, compared, joined, shown_numbers, stored_width
from pipeline.audit.difference import DAMAGED, HOURS, UNKNOWN_REVISION, Difference, Findings
from pipeline.audit.gather import Names
from pipeline.model import layout
from pipeline.model.counter import QUALITY, Column, add_rows, columns, neutral_row
from pipeline.model.definition import Metric
from pipeline.model.event import NONE_VALUE, OTHER_VALUE
from pipeline.model.layout import DAY, EPOCH_ORDINAL, HOUR, HOURS_PER_DAY, VALUE_VERSION, CounterKey
from pipeline.model.limits import BREAKDOWN_VALUES_MAX
from pipeline.store.contract import Store

_MALFORMED = (ValueError, struct.error, IndexError)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which cells: an account's metric, the days (both inclusive, since 1970), how many values a slot may name."""

    account: str
    metric: Metric
    first: int
    last: int
    values_max: int = BREAKDOWN_VALUES_MAX

    @property
    def name(self) -> str:
        """`metric@revision`."""
        return f"{self.metric.id}@{self.metric.revision}"


@dataclass(slots=True)
class Stored:
    """Tables by breakdown, one row per value and day or hour; (breakdown, day) that have a slot full of named values."""

    days: dict[int, Cells]
    hours: dict[int, Cells]
    full: set[tuple[int, int]]
    wrong: Findings


class _Slot(NamedTuple):
    """One shard's part of a day."""

    breakdown: int
    day: int
    slot: int
    value: str


def read_stored(store: Store, wanted: Wanted, revisions: Set[str], names: Names) -> Stored:
    """revisions: those of the metric that were ever in force."""
    reading = _Reading(wanted, names)
    for row, cells in store.scan("counters", f"{wanted.account}#{wanted.metric.id}@".encode()).items():
        revision, _, month = row.decode(errors="replace").rpartition("@")[2].partition("#")
        if revision not in revisions:
            metric = f"{wanted.metric.id}@{revision}"
            detail = f"{len(cells)} cells of {month}, but this revision was never in force here"
            reading.wrong.add(Difference(UNKNOWN_REVISION, wanted.account, metric, detail=detail))
        elif revision == wanted.metric.revision:
            for qualifier, value in cells:
                reading.take(month, qualifier, value)
    return reading.done()


class _Reading:
    """Cells on their way into tables."""

    def __init__(self, wanted: Wanted, names: Names) -> None:
        self._wanted = wanted
        self._names = names
        self._columns = columns(wanted.metric.measures)
        self._neutral = {quality: neutral_row(self._columns, quality) for quality in (False, True)}
        self._cells: dict[tuple[bytes, int], list[Cells]] = defaultdict(list)  # by kind and breakdown
        self._totals: dict[_Slot, dict[bytes, np.ndarray]] = defaultdict(dict)  # by kind, what a slot comes to
        self.wrong = Findings()

    def take(self, month: str, qualifier: bytes, value: bytes) -> None:
        """One cell; one of another day is passed over."""
        try:
            key = layout.parse_counter_qualifier(qualifier)
            day = date.fromisoformat(f"{month}-{key.day:02d}").toordinal() - EPOCH_ORDINAL
        except _MALFORMED:
            self._damaged(f"a cell of {month} under the unknown name {qualifier.hex()[:40]}")
            return
        if self._wanted.first <= day <= self._wanted.last:
            slot = _Slot(key.breakdown, day, key.slot, key.value)
            try:
                self._keep(key.kind, slot, *_unpacked(key, value, self._wanted.metric))
            except _MALFORMED as e:
                self._damaged(f"a cell of {len(value)} bytes that can't be read: {e}", slot)

    def _keep(self, kind: bytes, slot: _Slot, hours: np.ndarray, rows: np.ndarray) -> None:
        nothing = self._neutral[slot.breakdown == 0]
        self._totals[slot][kind] = add_rows(self._columns, rows) if len(rows) else nothing
        when = slot.day * HOURS_PER_DAY + hours if kind == HOUR else np.full(len(rows), slot.day)
        value = np.full(len(rows), self._names.number(slot.value))
        self._cells[kind, slot.breakdown].append(Cells(value, when, rows))

    def _damaged(self, detail: str, slot: _Slot | None = None) -> None:
        self.wrong.add(self._difference(DAMAGED, slot, detail=detail))

    def _difference(self, kind: str, slot: _Slot | None, **told: str | None) -> Difference:
        account, metric = self._wanted.account, self._wanted.name
        if slot is None:
            return Difference(kind, account, metric, **told)  # type: ignore[arg-type]
        path = ("", *self._wanted.metric.breakdowns)[slot.breakdown : slot.breakdown + 1]
        return Difference(kind, account, metric, day=slot.day, breakdown="".join(path), value=slot.value, slot=slot.slot,
                          **told)  # type: ignore[arg-type]  # fmt: skip

    def done(self) -> Stored:
        """All that was taken."""
        for slot, totals in self._totals.items():
            self.wrong.add(*self._within(slot, totals))
        tables = {
            kind: {b: self._table(kind, b) for b in range(len(self._wanted.metric.breakdowns) + 1)} for kind in (DAY, HOUR)
        }
        return Stored(tables[DAY], tables[HOUR], self._full(), self.wrong)

    def _table(self, kind: bytes, breakdown: int) -> Cells:
        cells = joined(self._cells[kind, breakdown], stored_width(self._wanted.metric, breakdown))
        kept = compared(self._wanted.metric, breakdown, cells.rows)
        return added_up(cells._replace(rows=kept), columns_of(self._wanted.metric, breakdown))

    def _within(self, slot: _Slot, totals: dict[bytes, np.ndarray]) -> Iterator[Difference]:
        """What a slot's day and its hours don't agree on."""
        if totals.keys() == {DAY, HOUR} and np.array_equal(totals[DAY], totals[HOUR]):
            return
        cols = self._columns
        if slot.breakdown == 0:
            cols = (*cols, *(Column(f"quality.{note}", "n") for note in QUALITY))
        shown = [shown_numbers(cols, totals[kind].tolist()) if kind in totals else {} for kind in (DAY, HOUR)]
        for measure in shown[0] | shown[1]:
            day, hours = (numbers.get(measure) for numbers in shown)
            if day != hours:
                yield self._difference(HOURS, slot, measure=measure, stored=day, recounted=hours)

    def _full(self) -> set[tuple[int, int]]:
        """Where a slot names as many values as it may: what came after them counts under `(other)`."""
        named: dict[tuple[int, int, int], int] = defaultdict(int)
        for slot in self._totals:
            if slot.breakdown and slot.value not in (NONE_VALUE, OTHER_VALUE):
                named[slot.breakdown, slot.day, slot.slot] += 1
        return {(b, day) for (b, day, _), n in named.items() if n >= self._wanted.values_max}


def _unpacked(key: CounterKey, value: bytes, metric: Metric) -> tuple[np.ndarray, np.ndarray]:
    """(hours, rows) of a cell. Raises ValueError and the like for what is no such cell."""
    if key.kind not in (DAY, HOUR) or key.breakdown > len(metric.breakdowns) or value[:1] != VALUE_VERSION:
        raise ValueError("of no known kind, breakdown or version")
    if key.kind == DAY:
        rows = layout.unpack_totals(value)[np.newaxis]
        hours = np.zeros(1, dtype=np.int64)
    else:
        first, touched, body = layout.unpack_hours(value)
        hours, rows = first + np.flatnonzero(touched), body[touched]
    if rows.shape[1] != stored_width(metric, key.breakdown) or (len(hours) and hours[-1] >= HOURS_PER_DAY):
        raise ValueError("of another shape than the metric's measures ask for")
    return hours, rows

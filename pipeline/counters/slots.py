"""The slots of one shard: its own part of every counter cell, held as the bytes of the store.

A slot has one writer, its shard, and its values are absolute: writing one again changes nothing. Held values are
immutable bytes, so a unit that fails leaves no trace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from pipeline.model import layout
from pipeline.model.counter import add_rows
from pipeline.model.event import NONE_VALUE, OTHER_VALUE
from pipeline.model.judged import JudgedMetric
from pipeline.model.layout import DAY, HOUR, HOURS_PER_DAY, CounterKey

Read = Callable[[str, Sequence[bytes], Sequence[tuple[bytes, bytes]]], dict[bytes, list[tuple[bytes, bytes]]]]


class Address(NamedTuple):
    """Where the cells of one metric, breakdown and day lie: the row, the breakdown, the day of the month."""

    row: bytes
    breakdown: int
    day: int


class Change(NamedTuple):
    """One slot's new value: its hours in the store's form, and the day's totals."""

    address: Address
    value: str
    hours: bytes
    totals: bytes


@dataclass(slots=True)
class Slots:
    """Slots of one shard, loaded address by address with all their values."""

    shard: int
    held: dict[Address, dict[str, bytes]] = field(default_factory=dict)
    _rows: dict[tuple[str, str, int, int], bytes] = field(default_factory=dict)

    def address(self, account: str, metric: JudgedMetric, breakdown: int, epoch_day: int) -> Address:
        """The address of a series' metric and breakdown on a day (since 1970)."""
        when = layout.MonthDay.of(epoch_day)
        key = (account, metric.name, when.year, when.month)
        row = self._rows.get(key)
        if row is None:
            row = self._rows[key] = layout.counter_row(
                account, metric.metric.id, metric.metric.revision, when.year, when.month
            )
        return Address(row, breakdown, when.day)

    def load(self, addresses: Iterable[Address], read: Read) -> None:
        """Read what isn't held yet. One call of `read` for all."""
        missing = {a for a in addresses if a not in self.held}
        if not missing:
            return
        spans = sorted({layout.slot_range(HOUR, a.breakdown, a.day, self.shard) for a in missing})
        found = read("counters", sorted({a.row for a in missing}), spans)
        for address in missing:
            self.held[address] = {}
        for row, cells in found.items():
            for qualifier, value in cells:
                key = layout.parse_counter_qualifier(qualifier)
                address = Address(row, key.breakdown, key.day)
                if address in missing:
                    self.held[address][key.value] = value

    def names(self, address: Address) -> set[str]:
        """The breakdown values that are named at an address so far."""
        return {v for v in self.held[address] if v not in (NONE_VALUE, OTHER_VALUE)}

    def changed(
        self, address: Address, value: str, metric: JudgedMetric, hours: np.ndarray, rows: np.ndarray
    ) -> Change:
        """The slot with `rows` (int64, shape (n, columns)) added to its `hours` (n distinct ones)."""
        width = rows.shape[1]
        dense = np.zeros((HOURS_PER_DAY, width), dtype=np.int64)
        touched = np.zeros(HOURS_PER_DAY, dtype=bool)
        old = self.held[address].get(value)
        if old is not None:
            first, was_touched, body = layout.unpack_hours(old)
            dense[first : first + len(body)] = body
            touched[first : first + len(body)] = was_touched
        dense[hours] = _combined(metric, dense[hours], touched[hours], rows)
        touched[hours] = True
        totals = add_rows(metric.columns, dense[touched])
        return Change(address, value, layout.pack_hours(dense, touched), layout.pack_totals(totals))

    def accept(self, changes: Iterable[Change]) -> None:
        """Hold what an applied unit has written."""
        for change in changes:
            self.held[change.address][change.value] = change.hours

    def cells(self, change: Change) -> Iterable[tuple[bytes, bytes, bytes]]:
        """(row, qualifier, value) of both forms of a slot."""
        for kind, value in ((DAY, change.totals), (HOUR, change.hours)):
            key = CounterKey(kind, change.address.breakdown, change.address.day, self.shard, change.value)
            yield change.address.row, layout.counter_qualifier(key), value

    @property
    def bytes_held(self) -> int:
        """Roughly what this costs in memory."""
        return sum(200 + sum(len(h) + 120 for h in by_value.values()) for by_value in self.held.values())


def _combined(metric: JudgedMetric, old: np.ndarray, was_touched: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Old and new columns, hour by hour; hours that were never touched hold no minimum yet."""
    total = old + rows
    for i, column in enumerate(metric.columns):
        if column.part in ("min", "max"):
            better = np.minimum if column.part == "min" else np.maximum
            total[:, i] = np.where(was_touched, better(old[:, i], rows[:, i]), rows[:, i])
    return total

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
from pipeline.model.counter import NO_MAX, NO_MIN, QUALITY
from pipeline.model.damage import reading
from pipeline.model.event import NONE_VALUE, OTHER_VALUE
from pipeline.model.judged import JudgedMetric
from pipeline.model.layout import DAY, HOUR, HOURS_PER_DAY, CounterKey

_PLACES_AT_ONCE = 1024  # places whose days by hours are laid out at once, some 4 KB each
_ADDRESS_BYTES = 400  # of memory, roughly, for an address and a value

Read = Callable[[str, Sequence[bytes], Sequence[tuple[bytes, bytes]]], dict[bytes, list[tuple[bytes, bytes]]]]


class Address(NamedTuple):
    """Where the cells of one metric, breakdown and day lie: the row, the breakdown, the day of the month."""

    row: bytes
    breakdown: int
    day: int


class Place(NamedTuple):
    """One slot: the address, the breakdown's value, and the metric whose columns it has."""

    address: Address
    value: str
    metric: JudgedMetric


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
    bytes_held: int = 0  # in memory, roughly
    _addresses: dict[tuple[str, str, int, int], Address] = field(default_factory=dict)

    def address(self, account: str, metric: JudgedMetric, breakdown: int, epoch_day: int) -> Address:
        """The address of a metric's breakdown on a day (since 1970)."""
        key = (account, metric.name, breakdown, epoch_day)
        found = self._addresses.get(key)
        if found is None:
            when = layout.MonthDay.of(epoch_day)
            row = layout.counter_row(account, metric.metric.id, metric.metric.revision, when.year, when.month)
            found = self._addresses[key] = Address(row, breakdown, when.day)
        return found

    def load(self, addresses: Iterable[Address], read: Read) -> None:
        """Read what isn't held yet. One call of `read` for all."""
        missing = {a for a in addresses if a not in self.held}
        if not missing:
            return
        spans = sorted({layout.slot_range(HOUR, a.breakdown, a.day, self.shard) for a in missing})
        found = read("counters", sorted({a.row for a in missing}), spans)
        for address in missing:
            self.held[address] = {}
        self.bytes_held += _ADDRESS_BYTES * len(missing)
        for row, cells in found.items():
            with reading("counters", row):
                keys = [layout.parse_counter_qualifier(qualifier) for qualifier, _ in cells]
            for key, (_, value) in zip(keys, cells, strict=True):
                address = Address(row, key.breakdown, key.day)
                if address in missing:
                    self.held[address][key.value] = value
                    self.bytes_held += len(value)

    def names(self, address: Address) -> set[str]:
        """The breakdown values that are named at an address so far."""
        return {v for v in self.held[address] if v not in (NONE_VALUE, OTHER_VALUE)}

    def changed(self, places: Sequence[Place], counts: np.ndarray, hours: np.ndarray, rows: np.ndarray) -> list[Change]:
        """New values of these slots. `rows` (int64, shape (n, columns of the widest)) are to be added to `hours` (n);
        counts: how many of them are each place's, one after the other, of distinct hours.
        """
        ends = np.cumsum(counts)
        changes: list[Change] = []
        for first in range(0, len(places), _PLACES_AT_ONCE):
            last = min(first + _PLACES_AT_ONCE, len(places))
            cut = slice(int(ends[first] - counts[first]), int(ends[last - 1]))
            changes += self._changed(places[first:last], counts[first:last], hours[cut], rows[cut])
        return changes

    def _changed(self, places: Sequence[Place], counts: np.ndarray, hours: np.ndarray, rows: np.ndarray) -> list[Change]:
        of = np.repeat(np.arange(len(places)), counts)
        dense = np.zeros((len(places), HOURS_PER_DAY, rows.shape[1]), dtype=np.int64)
        touched = np.zeros((len(places), HOURS_PER_DAY), dtype=bool)
        widths = []
        for i, place in enumerate(places):
            widths.append(len(place.metric.columns) + (len(QUALITY) if place.address.breakdown == 0 else 0))
            old = self.held[place.address].get(place.value)
            if old is None:
                continue
            with reading("counters", place.address.row):
                first, was_touched, body = layout.unpack_hours(old)
                dense[i, first : first + len(body), : widths[i]] = body
                touched[i, first : first + len(body)] = was_touched
        parts = _Parts(places, rows.shape[1])
        dense[of, hours] = parts.combine(of, dense[of, hours], touched[of, hours], rows)
        touched[of, hours] = True
        totals = parts.total(dense, touched)
        firsts = touched.argmax(axis=1).tolist()
        lasts = (HOURS_PER_DAY - touched[:, ::-1].argmax(axis=1)).tolist()
        packed = layout.PackedDays(dense, touched, totals)
        return [
            Change(place.address, place.value, packed.hours(i, first, last, width), packed.totals(i, width))
            for i, (place, width, first, last) in enumerate(zip(places, widths, firsts, lasts, strict=True))
        ]

    def accept(self, changes: Iterable[Change]) -> None:
        """Hold what an applied unit has written."""
        for change in changes:
            values = self.held[change.address]
            self.bytes_held += len(change.hours) - len(values.get(change.value, b""))
            values[change.value] = change.hours

    def cells(self, change: Change) -> Iterable[tuple[bytes, bytes, bytes]]:
        """(row, qualifier, value) of both forms of a slot."""
        row, breakdown, day = change.address
        of_hours = layout.counter_qualifier(CounterKey(HOUR, breakdown, day, self.shard, change.value))
        yield row, DAY + of_hours[len(HOUR) :], change.totals
        yield row, of_hours, change.hours


class _Parts:
    """How the columns of some places add up: most do as they are, minima and maxima don't."""

    def __init__(self, places: Sequence[Place], width: int) -> None:
        self._least = self._mask(places, width, "min")
        self._most = self._mask(places, width, "max")

    @staticmethod
    def _mask(places: Sequence[Place], width: int, part: str) -> np.ndarray | None:
        """Bool, shape (places, columns); None where no column is of this kind."""
        found = [(i, c) for i, p in enumerate(places) for c, column in enumerate(p.metric.columns) if column.part == part]
        if not found:
            return None
        mask = np.zeros((len(places), width), dtype=bool)
        mask[tuple(np.array(found).T)] = True
        return mask

    def combine(self, of: np.ndarray, old: np.ndarray, was_touched: np.ndarray, new: np.ndarray) -> np.ndarray:
        """Old and new rows of hours; an hour that was never touched holds no minimum yet. of: each row's place."""
        total = old + new
        for mask, better in ((self._least, np.minimum), (self._most, np.maximum)):
            if mask is not None:
                best = np.where(was_touched[:, None], better(old, new), new)
                total = np.where(mask[of], best, total)
        return total

    def total(self, dense: np.ndarray, touched: np.ndarray) -> np.ndarray:
        """The day's totals: int64, shape (places, columns)."""
        total: np.ndarray = dense.sum(axis=1)
        for mask, nothing, best in ((self._least, NO_MIN, np.min), (self._most, NO_MAX, np.max)):
            if mask is not None:
                total = np.where(mask, best(np.where(touched[:, :, None], dense, nothing), axis=1), total)
        return total

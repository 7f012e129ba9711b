"""The slots of one shard: its own part of every counter cell, held as the bytes of the store.

A slot has one writer, its shard, and its values are absolute: writing one again changes nothing. Held values are
immutable bytes, so a unit that fails leaves no trace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from pipeline.model import layout
from pipeline.model.counter import NO_MAX, NO_MIN, QUALITY
from pipeline.model.damage import UNREADABLE, reading
from pipeline.model.event import NONE_VALUE, OTHER_VALUE
from pipeline.model.group import group
from pipeline.model.hit import spans
from pipeline.model.judged import JudgedMetric
from pipeline.model.layout import DAY, HOUR, HOURS_PER_DAY

_PLACES_AT_ONCE = 1024  # places whose days by hours are laid out at once, some 2 KB each
_USUAL_HOURS = 24  # a day has more only where the clocks change
_ADDRESS_BYTES = 400  # of memory, roughly, for an address and a value

Read = Callable[[str, Sequence[bytes], Sequence[tuple[bytes, bytes]]], dict[bytes, list[tuple[bytes, bytes]]]]


class Address(NamedTuple):
    """Where the cells of one metric, breakdown and day lie: the row, and what their qualifiers have behind the kind."""

    row: bytes
    head: bytes


class Places(NamedTuple):
    """Slots, as columns: the address, the breakdown's value, and the metric (index in `metrics`) whose columns it has."""

    addresses: Sequence[Address]
    values: Sequence[bytes]
    metric: np.ndarray
    metrics: Sequence[JudgedMetric]

    def widths(self) -> np.ndarray:
        """How many columns each has; those without breakdown carry notes on quality behind the metric's."""
        base = np.array([address.head[0] == 0 for address in self.addresses], dtype=bool)
        return np.array([len(m.columns) for m in self.metrics], dtype=np.int64)[self.metric] + base * len(QUALITY)


class Changes(NamedTuple):
    """New values of slots, as columns: the address, the breakdown's value, the day by hours in the store's form, and its
    totals.
    """

    addresses: list[Address]
    values: list[bytes]
    hours: list[bytes]
    totals: list[bytes]

    @property
    def bytes_held(self) -> int:
        """What a slot holds of them, in memory."""
        return sum(map(len, self.hours))


@dataclass(slots=True)
class Slots:
    """Slots of one shard, loaded address by address with all their values.

    values_max: no address holds more values than that.
    """

    shard: int
    held: dict[Address, dict[bytes, bytes]] = field(default_factory=dict)
    bytes_held: int = 0  # in memory, roughly
    values_max: int = 0

    def address(self, account: str, metric: JudgedMetric, breakdown: int, epoch_day: int) -> Address:
        """The address of a metric's breakdown on a day (since 1970)."""
        month, head = self.place(metric, breakdown, epoch_day)
        return Address(layout.counter_rows(account) + month, head)

    def place(self, metric: JudgedMetric, breakdown: int, epoch_day: int) -> tuple[bytes, bytes]:
        """What addresses of all accounts with this metric have in common: the end of the row's key, and the head."""
        when = layout.MonthDay.of(epoch_day)
        month = layout.counter_month(metric.metric.id, metric.metric.revision, when.year, when.month)
        return month, layout.slot_head(breakdown, when.day, self.shard)

    def load(self, addresses: Iterable[Address], read: Read) -> None:
        """Read what isn't held yet. One call of `read` for all."""
        missing = {a for a in addresses if a not in self.held}
        if not missing:
            return
        ranges = sorted(layout.slot_range_of(head) for head in {a.head for a in missing})
        found = read("counters", sorted({a.row for a in missing}), ranges)
        self.held |= {address: {} for address in missing}
        self.bytes_held += _ADDRESS_BYTES * len(missing)
        for row, cells in found.items():
            for qualifier, value in cells:
                head, text = layout.split_qualifier(qualifier)
                address = Address(row, head)
                if address in missing:
                    values = self.held[address]
                    values[text] = value
                    self.bytes_held += len(value)
                    self.values_max = max(self.values_max, len(values))

    def names(self, address: Address) -> set[str]:
        """The breakdown values that are named at an address so far."""
        with reading("counters", address.row):
            return {layout.counter_value(value) for value in self.held[address]} - {NONE_VALUE, OTHER_VALUE}

    def changed(self, places: Places, counts: np.ndarray, hours: np.ndarray, rows: np.ndarray) -> Changes:
        """New values of these slots. `rows` (int64, shape (n, columns of the widest)) are to be added to `hours` (n);
        counts: how many of them are each place's, one after the other, of distinct hours.
        """
        begins = np.cumsum(counts) - counts
        widths = places.widths()
        changes = Changes([], [], [], [])
        for width in np.unique(widths).tolist():
            mine = np.flatnonzero(widths == width)
            for first in range(0, len(mine), _PLACES_AT_ONCE):
                part = mine[first : first + _PLACES_AT_ONCE]
                at = spans(begins[part], counts[part])
                self._change(changes, places, part, counts[part], hours[at], rows[at, :width])
        return changes

    def _change(
        self, changes: Changes, places: Places, part: np.ndarray, counts: np.ndarray, hours: np.ndarray, rows: np.ndarray
    ) -> None:
        addresses = [places.addresses[i] for i in part.tolist()]
        values = [places.values[i] for i in part.tolist()]
        olds = [self.held[address].get(value) for address, value in zip(addresses, values, strict=True)]
        known = [(i, old) for i, old in enumerate(olds) if old is not None]
        which, hour, was_touched, body = self._unpacked(addresses, known, rows.shape[1])
        latest = max(int(hours.max()), int(hour.max(initial=0)))
        shape = len(part), _USUAL_HOURS if latest < _USUAL_HOURS else HOURS_PER_DAY
        dense, touched = np.zeros((*shape, rows.shape[1]), dtype=np.int64), np.zeros(shape, dtype=bool)
        dense[which, hour], touched[which, hour] = body, was_touched
        metrics, metric = group(places.metric[part])
        parts = _Parts([places.metrics[m] for m in metrics.tolist()], metric, rows.shape[1])
        of = np.repeat(np.arange(len(part)), counts)
        dense[of, hours] = parts.combine(of, dense[of, hours], touched[of, hours], rows)
        touched[of, hours] = True
        by_hour, totals = layout.pack_days(dense, touched, parts.total(dense, touched))
        changes.addresses.extend(addresses)
        changes.values.extend(values)
        changes.hours.extend(by_hour)
        changes.totals.extend(totals)

    def _unpacked(
        self, addresses: Sequence[Address], known: Sequence[tuple[int, bytes]], width: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """As `layout.unpack_all_hours`, with the number of the place instead of the cell's."""
        try:
            cell, *rest = layout.unpack_all_hours([old for _, old in known], width)
        except UNREADABLE:
            for i, old in known:  # name the row
                with reading("counters", addresses[i].row):
                    layout.unpack_all_hours([old], width)
            raise
        return np.array([i for i, _ in known], dtype=np.int64)[cell], *rest

    def accept(self, changes: Changes) -> None:
        """Hold what an applied unit has written."""
        for address, value, hours in zip(changes.addresses, changes.values, changes.hours, strict=True):
            values = self.held[address]
            self.bytes_held += len(hours) - len(values.get(value, b""))
            values[value] = hours
            self.values_max = max(self.values_max, len(values))

    def cells(self, changes: Changes) -> Iterator[tuple[bytes, bytes, bytes]]:
        """(row, qualifier, value) of both forms of each slot."""
        for (row, head), value, hours, totals in zip(*changes, strict=True):
            yield row, DAY + head + value, totals
            yield row, HOUR + head + value, hours


class _Parts:
    """How the columns of some places add up: most do as they are, minima and maxima don't."""

    def __init__(self, metrics: Sequence[JudgedMetric], metric: np.ndarray, width: int) -> None:
        self._least = self._mask(metrics, metric, width, "min")
        self._most = self._mask(metrics, metric, width, "max")

    @staticmethod
    def _mask(metrics: Sequence[JudgedMetric], metric: np.ndarray, width: int, part: str) -> np.ndarray | None:
        """Bool, shape (places, columns); None where no column is of this kind."""
        found = [(i, c) for i, m in enumerate(metrics) for c, column in enumerate(m.columns[:width]) if column.part == part]
        if not found:
            return None
        mask = np.zeros((len(metrics), width), dtype=bool)
        mask[tuple(np.array(found).T)] = True
        of_place = mask[metric]
        return of_place if of_place.any() else None

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

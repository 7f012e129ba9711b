"""A unit: all hits of one shard that are committed together, as arrays over one table of combos and series."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import xxhash

from pipeline.model.hit import AccountKey, Combo, HitBlock, Series, starts_of
from pipeline.model.judged import Judged, JudgedMetric


class UnitSeries(NamedTuple):
    """One series of the unit: the account (index in `Unit.judged`), the metric, the breakdown and its value."""

    account: int
    metric: JudgedMetric
    breakdown: int
    value: str


class FieldUse(NamedTuple):
    """For hits of one combo: add the value at `position` to a column of the combo's series number `place`."""

    place: int
    column: int
    aggregate: str
    position: int


@dataclass(slots=True)
class Ragged:
    """Rows of different lengths in one array: row i is flat[start[i] : start[i] + length[i]]."""

    flat: np.ndarray
    start: np.ndarray
    length: np.ndarray

    @classmethod
    def of(cls, rows: Sequence[Sequence[int]]) -> Ragged:
        """From lists."""
        length = np.array([len(r) for r in rows], dtype=np.int64)
        return cls(np.array([x for r in rows for x in r], dtype=np.int64), starts_of(length), length)

    def expand(self, picks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(which pick, element) for every element of the picked rows, one after the other."""
        length = self.length[picks]
        which = np.repeat(np.arange(len(picks)), length)
        inside = np.arange(len(which)) - np.repeat(starts_of(length), length)
        return which, self.flat[np.repeat(self.start[picks], length) + inside]


class ComboTable:
    """The combos of a unit, interned; series get a number each. Grows while duplicates are dropped."""

    def __init__(self, judged: Sequence[Judged]) -> None:
        self.judged = judged
        self.combos: list[Combo] = []
        self.series: list[UnitSeries] = []
        self._combo_ids: dict[Combo, int] = {}
        self._series_ids: dict[tuple[int, Series], int] = {}
        self._series_of: list[list[int]] = []

    def add(self, combo: Combo) -> int:
        """The number of a combo whose account is an index of `judged`."""
        found = self._combo_ids.get(combo)
        if found is None:
            found = self._combo_ids[combo] = len(self.combos)
            self.combos.append(combo)
            self._series_of.append([self.add_series(combo.account, s) for s in combo.series])
        return found

    def add_series(self, account: int, series: Series) -> int:
        """The number of a series."""
        key = (account, series)
        found = self._series_ids.get(key)
        if found is None:
            found = self._series_ids[key] = len(self.series)
            metric = self.judged[account].metrics[series.metric]
            self.series.append(UnitSeries(account, metric, series.breakdown, series.value))
        return found

    def series_of(self) -> Ragged:
        """The series of each combo."""
        return Ragged.of(self._series_of)

    def field_uses(self) -> tuple[list[FieldUse], Ragged]:
        """What hits of each combo add to columns of measures that look at every event."""
        uses: list[FieldUse] = []
        rows: list[range] = []
        for combo, series in zip(self.combos, self._series_of, strict=True):
            begin = len(uses)
            for place, s in enumerate(series):
                for f in self.series[s].metric.every.fields:
                    uses.append(FieldUse(place, f.column, f.aggregate, combo.fields.index(f.field)))
            rows.append(range(begin, len(uses)))
        return uses, Ragged.of(rows)

    def field_reads(self) -> tuple[list[tuple[int, int]], Ragged]:
        """For hits of each combo, (place of a series without breakdown, position of a value it reads)."""
        reads: list[tuple[int, int]] = []
        rows: list[range] = []
        for combo, series in zip(self.combos, self._series_of, strict=True):
            begin = len(reads)
            for place, s in enumerate(series):
                if self.series[s].breakdown == 0:
                    reads += [(place, combo.fields.index(f)) for f in self.series[s].metric.fields]
            rows.append(range(begin, len(reads)))
        return reads, Ragged.of(rows)

    def series_hashes(self) -> np.ndarray:
        """A hash of each series that any process gives it: uint64."""
        names = (f"{self.judged[s.account].account}#{s.metric.name}#{s.breakdown}#{s.value}" for s in self.series)
        return np.array([xxhash.xxh3_64_intdigest(n.encode("utf-8", "surrogatepass")) for n in names], dtype=np.uint64)


@dataclass(slots=True)
class Unit:
    """Hits of one shard in arrival order; arrays as in `HitBlock`, `combo` numbered by `table`, `values` from `start`."""

    table: ComboTable
    visitor: np.ndarray
    message: np.ndarray
    time: np.ndarray
    when: np.ndarray
    flags: np.ndarray
    combo: np.ndarray
    start: np.ndarray  # where a hit's values begin
    values: np.ndarray
    message_ids: dict[int, str]  # by hit, where a first's amount is counted

    def __len__(self) -> int:
        return len(self.combo)

    @property
    def account(self) -> np.ndarray:
        """The account of each hit, an index of `table.judged`."""
        return np.array([c.account for c in self.table.combos], dtype=np.int64)[self.combo]


def read_unit(blocks: Sequence[HitBlock], judged_of: Callable[[AccountKey], Judged]) -> Unit:
    """One unit of several blocks. judged_of: what an account's events were judged under, by its digest."""
    keys = sorted({key for block in blocks for key in block.accounts})
    table = ComboTable([judged_of(key) for key in keys])
    place = {key: i for i, key in enumerate(keys)}
    combos: list[np.ndarray] = []
    message_ids: dict[int, str] = {}
    at = 0
    for block in blocks:
        numbers = [table.add(c._replace(account=place[block.accounts[c.account]])) for c in block.combos]
        combos.append(np.array(numbers, dtype=np.int64)[block.combo])
        valued = np.array([c.valued for c in block.combos], dtype=bool)[block.combo]
        message_ids.update(zip((np.flatnonzero(valued) + at).tolist(), block.message_ids, strict=True))
        at += len(block)
    combo = np.concatenate(combos)
    lengths = np.array([len(c.fields) for c in table.combos], dtype=np.int64)[combo]
    joined = {
        name: np.concatenate([getattr(b, name) for b in blocks])
        for name in ("visitor", "message", "time", "when", "flags", "values")
    }
    joined["when"] = joined["when"].astype(np.int64)
    return Unit(table=table, combo=combo, start=starts_of(lengths), message_ids=message_ids, **joined)

"""A unit: all hits of one shard that are committed together, as arrays over one table of combos and series."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
import xxhash

from pipeline.model.hit import AccountKey, Combo, HitBlock, Kind, Series, starts_of
from pipeline.model.judged import Judged, JudgedMetric

T = TypeVar("T")


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
    """The combos of a unit, interned; series get a number each. Grows while duplicates are dropped.

    There may be many accounts, so what takes a while is worked out once for those that have equal definitions.
    """

    def __init__(self, judged: Sequence[Judged]) -> None:
        self.judged = judged
        self.combos: list[Combo] = []
        self.series: list[UnitSeries] = []
        self.metrics: list[JudgedMetric] = []  # each once
        self._kinds: list[Kind] = []
        self._kind_ids: dict[Kind, int] = {}
        self._in_kind: list[list[int]] = []  # for each kind, the numbers of its series among those of all kinds
        self._kind_series: dict[Series, int] = {}
        self._combo_ids: dict[tuple[int, int], int] = {}  # of an account and a kind
        self._series_ids: dict[tuple[int, int], int] = {}  # of an account and a series of kinds
        self._series_of: list[list[int]] = []
        self._metric_ids: dict[int, int] = {}
        self._metric_of: list[int] = []

    def kind(self, kind: Kind) -> int:
        """The number of a kind."""
        found = self._kind_ids.get(kind)
        if found is None:
            found = self._kind_ids[kind] = len(self._kinds)
            self._kinds.append(kind)
            self._in_kind.append([self._kind_series.setdefault(s, len(self._kind_series)) for s in kind.series])
        return found

    def add(self, account: int, kind: int) -> int:
        """The number of a combo; account: an index of `judged`."""
        found = self._combo_ids.get((account, kind))
        if found is None:
            found = self._combo_ids[account, kind] = len(self.combos)
            whole = self._kinds[kind]
            self.combos.append(Combo(account, whole))
            counts = self.judged[account].counts
            numbered = zip(self._in_kind[kind], whole.series, strict=True)
            self._series_of.append([self._series(account, n, series) for n, series in numbered if counts(series.metric)])
        return found

    def add_series(self, account: int, series: Series) -> int:
        """The number of a series."""
        return self._series(account, self._kind_series.setdefault(series, len(self._kind_series)), series)

    def _series(self, account: int, number: int, series: Series) -> int:
        found = self._series_ids.get((account, number))
        if found is None:
            found = self._series_ids[account, number] = len(self.series)
            metric = self.judged[account].metrics[series.metric]
            self.series.append(UnitSeries(account, metric, series.breakdown, series.value))
            known = self._metric_ids.setdefault(id(metric), len(self.metrics))
            if known == len(self.metrics):
                self.metrics.append(metric)
            self._metric_of.append(known)
        return found

    def series_of(self) -> Ragged:
        """The series of each combo. What shows exposures stands behind all others and isn't among them."""
        return Ragged.of(self._series_of)

    def metric_of(self) -> np.ndarray:
        """The metric of each series, an index of `metrics`."""
        return np.array(self._metric_of, dtype=np.int64)

    def field_uses(self) -> tuple[list[FieldUse], Ragged]:
        """What hits of each combo add to columns of measures that look at every event."""
        return self._by_kind(
            lambda kind, place, metric: [
                FieldUse(place, f.column, f.aggregate, kind.fields.index(f.field)) for f in metric.every.fields
            ]
        )

    def field_reads(self) -> tuple[list[tuple[int, int]], Ragged]:
        """For hits of each combo, (place of a series without breakdown, position of a value it reads)."""
        return self._by_kind(
            lambda kind, place, metric: (
                [] if kind.series[place].breakdown else [(place, kind.fields.index(f)) for f in metric.fields]
            )
        )

    def _by_kind(self, of: Callable[[Kind, int, JudgedMetric], list[T]]) -> tuple[list[T], Ragged]:
        """All that each combo's series come to, and which of it is whose. of: (kind, place of the series, its metric)."""
        found: list[T] = []
        known: dict[tuple[int, int], range] = {}
        rows: list[range] = []
        for account, kind in self.combos:
            metrics = self.judged[account].metrics
            row = known.get((id(metrics), id(kind)))
            if row is None:
                begin = len(found)
                for place, series in enumerate(kind.series):
                    found += of(kind, place, metrics[series.metric])
                row = known[id(metrics), id(kind)] = range(begin, len(found))
            rows.append(row)
        return found, Ragged.of(rows)

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
        accounts = [place[key] for key in block.accounts]
        kinds: dict[tuple[int, int], int] = {}
        numbers = [_add(table, accounts[c.account], c.kind, kinds) for c in block.combos]
        combos.append(np.array(numbers, dtype=np.int64)[block.combo])
        valued = np.array([c.kind.valued for c in block.combos], dtype=bool)[block.combo]
        message_ids.update(zip((np.flatnonzero(valued) + at).tolist(), block.message_ids, strict=True))
        at += len(block)
    combo = np.concatenate(combos)
    lengths = np.array([len(c.kind.fields) for c in table.combos], dtype=np.int64)[combo]
    joined = {
        name: np.concatenate([getattr(b, name) for b in blocks])
        for name in ("visitor", "message", "time", "when", "flags", "values")
    }
    joined["when"] = joined["when"].astype(np.int64)
    return Unit(table=table, combo=combo, start=starts_of(lengths), message_ids=message_ids, **joined)


def _add(table: ComboTable, account: int, kind: Kind, kinds: dict[tuple[int, int], int]) -> int:
    """The number of a combo as it came. What it means to experiments stands in it from here on, so that an event is known
    to each of them, or new, as it is to each metric. kinds: those seen so far.
    """
    judged = table.judged[account]
    seen = id(kind), id(judged.metrics)
    if seen not in kinds:
        goals = [goal for s in kind.series if s.breakdown == 0 for goal in judged.goals.get(s.metric, ())]
        kinds[seen] = table.kind(kind._replace(series=(*kind.series, *goals)) if goals else kind)
    return table.add(account, kinds[seen])

"""A unit: all hits of one shard that are committed together, as arrays over one table of combos and series."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple, TypeVar

import numpy as np
import xxhash

from pipeline.model.event import OTHER_VALUE
from pipeline.model.group import group, group_pairs
from pipeline.model.hit import AccountKey, Combos, HitBlock, Kind, Series, starts_of
from pipeline.model.judged import Judged, JudgedMetric

T = TypeVar("T")


class UnitSeries(NamedTuple):
    """One series of the unit: the account (index in `ComboTable.judged`), the metric, the breakdown and its value."""

    account: int
    metric: JudgedMetric
    breakdown: int
    value: str


class Form(NamedTuple):
    """What series of accounts with equal definitions have in common. metric: index in `ComboTable.metrics`."""

    metric: int
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

    def pick(self, rows: np.ndarray) -> Ragged:
        """Some of the rows, in this order."""
        return Ragged(self.flat, self.start[rows], self.length[rows])

    def expand(self, picks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(which pick, element) for every element of the picked rows, one after the other."""
        length = self.length[picks]
        which = np.repeat(np.arange(len(picks)), length)
        inside = np.arange(len(which)) - np.repeat(starts_of(length), length)
        return which, self.flat[np.repeat(self.start[picks], length) + inside]


class ComboTable:
    """The combos of a unit and the series they count in. Grows while duplicates are dropped.

    There may be many accounts, each with a few hits of every kind. So what takes a while is worked out once for those with
    equal definitions, by kind and form, and accounts are columns: a series is a number, made of its account and form.
    """

    def __init__(self, judged: Sequence[Judged]) -> None:
        self.judged = judged
        sets = {id(j.metrics): j for j in judged}
        number = {identity: i for i, identity in enumerate(sets)}
        self.set_of = np.array([number[id(j.metrics)] for j in judged], dtype=np.int64)  # accounts with equal metrics
        self._sets = list(sets.values())
        self.kinds: list[Kind] = []
        self._kind_ids: dict[tuple[int, Kind], int] = {}  # as they came
        self._whole_ids: dict[tuple[int, Kind], int] = {}  # with what they mean to experiments
        self._set_of_kind: list[int] = []
        self._forms_of: list[list[int]] = []  # of each kind
        self._form_ids: dict[tuple[int, Series], int] = {}
        self.forms: list[Form] = []
        self._others: list[int] = []  # of each form, the one of `(other)`
        self._metric_ids: dict[int, int] = {}
        self.metrics: list[JudgedMetric] = []  # each once
        self.combos = Combos(self.kinds, *np.zeros((2, 0), dtype=np.int64))

    def kind(self, of_set: int, kind: Kind) -> int:
        """The number of a kind of accounts whose `set_of` is this. What it means to experiments stands in it from here on,
        so that an event is known to each of them, or new, as it is to each metric.
        """
        found = self._kind_ids.get((of_set, kind))
        if found is None:
            goals_of = self._sets[of_set].goals
            goals = [g for s in kind.series if s.breakdown == 0 for g in goals_of.get(s.metric, ())]
            whole = kind._replace(series=(*kind.series, *goals)) if goals else kind
            found = self._kind_ids[of_set, kind] = self._numbered(of_set, whole)
        return found

    def part(self, kind: int, series: tuple[Series, ...]) -> int:
        """The number of the kind that has only these of a kind's series."""
        return self._numbered(self._set_of_kind[kind], self.kinds[kind]._replace(series=series))

    def metrics_of(self, kind: int) -> Sequence[JudgedMetric]:
        """What the numbers of metrics mean in a kind's series."""
        return self._sets[self._set_of_kind[kind]].metrics

    def _numbered(self, of_set: int, whole: Kind) -> int:
        found = self._whole_ids.get((of_set, whole))
        if found is not None:
            return found
        self._whole_ids[of_set, whole] = len(self.kinds)
        counts = self._sets[of_set].counts
        self._forms_of.append([self._form(of_set, series) for series in whole.series if counts(series.metric)])
        self._set_of_kind.append(of_set)
        self.kinds.append(whole)
        return len(self.kinds) - 1

    def _form(self, of_set: int, series: Series) -> int:
        found = self._form_ids.get((of_set, series))
        if found is None:
            found = self._form_ids[of_set, series] = len(self.forms)
            metric = self._sets[of_set].metrics[series.metric]
            known = self._metric_ids.setdefault(id(metric), len(self.metrics))
            if known == len(self.metrics):
                self.metrics.append(metric)
            self.forms.append(Form(known, series.breakdown, series.value))
            self._others.append(found)
            if series.breakdown:
                self._others[found] = self._form(of_set, series._replace(value=OTHER_VALUE))
        return found

    def add(self, account: np.ndarray, kind: np.ndarray) -> np.ndarray:
        """The numbers of combos, made of account (index of `judged`) and kind."""
        accounts, kinds, number = group_pairs(account, kind)
        known = self.combos
        self.combos = Combos(self.kinds, np.concatenate([known.account, accounts]), np.concatenate([known.kind, kinds]))
        return number + len(known)

    def series_of(self, combo: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(which of these hits' combos, series) of everything they count in, one after the other. What shows exposures
        stands behind all other series of a kind and isn't among them.
        """
        which, form = self._by_combo(self._forms_of).expand(combo)
        return which, self.combos.account[combo[which]] * len(self.forms) + form

    def counted(self, combo: np.ndarray) -> np.ndarray:
        """In how many series each counts."""
        return np.array([len(forms) for forms in self._forms_of], dtype=np.int64)[self.combos.kind[combo]]

    def _by_combo(self, rows: Sequence[Sequence[int]]) -> Ragged:
        return Ragged.of(rows).pick(self.combos.kind)

    def form_of(self, series: np.ndarray) -> np.ndarray:
        """The form of each series, an index of `forms`."""
        return series % len(self.forms)

    def account_of(self, series: np.ndarray) -> np.ndarray:
        """The account of each series, an index of `judged`."""
        return series // len(self.forms)

    def metric_of(self, series: np.ndarray) -> np.ndarray:
        """The metric of each series, an index of `metrics`."""
        return np.array([f.metric for f in self.forms], dtype=np.int64)[self.form_of(series)]

    def breakdown_of(self, series: np.ndarray) -> np.ndarray:
        """The breakdown of each series; 0: none."""
        return np.array([f.breakdown for f in self.forms], dtype=np.int64)[self.form_of(series)]

    def other_of(self, series: np.ndarray) -> np.ndarray:
        """The series of `(other)` of each series' breakdown."""
        form = self.form_of(series)
        return series - form + np.array(self._others, dtype=np.int64)[form]

    def series(self, number: int) -> UnitSeries:
        """One series."""
        account, form = divmod(number, len(self.forms))
        metric, breakdown, value = self.forms[form]
        return UnitSeries(account, self.metrics[metric], breakdown, value)

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
        rows: list[range] = []
        for kind, of_set in zip(self.kinds, self._set_of_kind, strict=True):
            metrics, begin = self._sets[of_set].metrics, len(found)
            for place, series in enumerate(kind.series):
                found += of(kind, place, metrics[series.metric])
            rows.append(range(begin, len(found)))
        return found, self._by_combo(rows)

    def series_hashes(self, series: np.ndarray) -> np.ndarray:
        """A hash of each series that any process gives it: uint64."""
        numbers, which = group(series)
        accounts = [f"{judged.account}#".encode() for judged in self.judged]
        forms = [
            f"{self.metrics[f.metric].name}#{f.breakdown}#{f.value}".encode("utf-8", "surrogatepass") for f in self.forms
        ]
        digest = xxhash.xxh3_64_intdigest
        pairs = zip(self.account_of(numbers).tolist(), self.form_of(numbers).tolist(), strict=True)
        return np.array([digest(accounts[a] + forms[f]) for a, f in pairs], dtype=np.uint64)[which]


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
        return self.table.combos.account[self.combo]


def read_unit(blocks: Sequence[HitBlock], judged_of: Callable[[AccountKey], Judged]) -> Unit:
    """One unit of several blocks. judged_of: what an account's events were judged under, by its digest."""
    keys = sorted({key for block in blocks for key in block.accounts})
    table = ComboTable([judged_of(key) for key in keys])
    place = {key: i for i, key in enumerate(keys)}
    parts = [_read_combos(table, block.combos, [place[key] for key in block.accounts]) for block in blocks]
    begins = starts_of(np.array([len(block.combos) for block in blocks], dtype=np.int64)).tolist()
    account, kind = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    combo = table.add(account, kind)[np.concatenate([b.combo + begin for b, begin in zip(blocks, begins, strict=True)])]
    message_ids = chain.from_iterable(block.message_ids for block in blocks)
    valued = np.flatnonzero(table.combos.valued()[combo]).tolist()
    joined = {
        name: np.concatenate([getattr(b, name) for b in blocks])
        for name in ("visitor", "message", "time", "when", "flags", "values")
    }
    joined["when"] = joined["when"].astype(np.int64)
    return Unit(
        table=table,
        combo=combo,
        start=starts_of(table.combos.lengths()[combo]),
        message_ids=dict(zip(valued, message_ids, strict=True)),
        **joined,
    )


def _read_combos(table: ComboTable, combos: Combos, accounts: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """(account, kind) of a block's combos as the table numbers them. accounts: the table's numbers of the block's."""
    account = np.array(accounts, dtype=np.int64)[combos.account]
    sets, kinds, which = group_pairs(table.set_of[account], combos.kind)
    numbers = [table.kind(of_set, combos.kinds[k]) for of_set, k in zip(sets.tolist(), kinds.tolist(), strict=True)]
    return account, np.array(numbers, dtype=np.int64)[which]

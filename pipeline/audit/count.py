"""Counts one metric, as a whole or by one breakdown, over an account's distinct events.

The plainest way that is fast enough: look at the events that match, keep per measure all or the first of each visitor,
and add up what they say by value and hour. Sums are integers of millionths in two limbs, hence exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.audit.cells import Cells, columns_of, nothing
from pipeline.audit.distinct import Events
from pipeline.audit.gather import Kind
from pipeline.model.counter import LIMB_BITS, LIMB_MASK, NO_NUMBER
from pipeline.model.definition import COUNT, MAX, MEAN, MIN, VISITOR_DAY, Measure
from pipeline.model.hit import NO_VISITOR
from pipeline.model.judged import Judged
from pipeline.model.layout import HOURS_PER_DAY

_DENSE = 8  # with at most so many possible groups for each row, a table of all is cheaper than a sort
_SMALL = 4096  # a table of so many is always cheap


def count_kind(judged: Judged, kind: Kind, events: Events, name_of_combo: np.ndarray) -> Cells:
    """One row per value and hour. name_of_combo: the breakdown's value of a combo, as a number; -1 where the metric
    isn't matched.
    """
    name = name_of_combo[events.combo]
    matching = np.flatnonzero(name >= 0)
    numbers, name = np.unique(name[matching], return_inverse=True)
    when = events.when[matching].astype(np.int64)
    names, whens, group = _groups(name, when)
    metric = judged.metrics[kind.metric].metric
    cols = columns_of(metric, kind.breakdown)
    counting = _Counting(events, matching, name, group, nothing(cols, len(whens)))
    at = {column.measure: i for i, column in reversed(list(enumerate(cols)))}
    for measure in metric.measures:
        field = None if measure.field is None else judged.fields.index(measure.field)
        counting.count(measure, field, at[measure.name])
    if kind.breakdown == 0:
        counting.note(~counting.with_visitor, at["quality.no_visitor"])
        fields = {judged.fields.index(m.field) for m in metric.measures if m.field}
        counting.note(counting.lacking(fields), at["quality.no_number"])
    return Cells(numbers[names], whens, counting.out)


@dataclass(slots=True)
class _Counting:
    """Counts events (`matching`, of `events`) into rows of `out`, one for each of their groups."""

    events: Events
    matching: np.ndarray
    name: np.ndarray  # of each: the breakdown's value, 0, 1, ...
    group: np.ndarray  # of each: the row
    out: np.ndarray

    @property
    def with_visitor(self) -> np.ndarray:
        """Bool, of each."""
        return self.events.flags[self.matching] & NO_VISITOR == 0

    def count(self, measure: Measure, field: int | None, column: int) -> None:
        """Fill in a measure's columns, the first of which is given."""
        chosen = np.arange(len(self.matching)) if measure.once_per is None else self._firsts(measure.once_per)
        if measure.aggregate == COUNT or field is None:
            self.out[:, column] = self._number(chosen)
            return
        value = self._values(field)[chosen]
        chosen, value = chosen[value != NO_NUMBER], value[value != NO_NUMBER]
        if measure.aggregate in (MIN, MAX):
            best = np.minimum if measure.aggregate == MIN else np.maximum
            best.at(self.out[:, column], self.group[chosen], value)
            return
        np.add.at(self.out[:, column], self.group[chosen], value >> LIMB_BITS)
        np.add.at(self.out[:, column + 1], self.group[chosen], value & LIMB_MASK)
        if measure.aggregate == MEAN:
            self.out[:, column + 2] = self._number(chosen)

    def note(self, noted: np.ndarray, column: int) -> None:
        """Count the events of which this is so (bool, of each)."""
        self.out[:, column] = self._number(np.flatnonzero(noted))

    def lacking(self, fields: set[int]) -> np.ndarray:
        """Of each, whether one of these fields is no number there."""
        lacking = np.zeros(len(self.matching), dtype=bool)
        for field in fields:
            lacking |= self._values(field) == NO_NUMBER
        return lacking

    def _firsts(self, once_per: str) -> np.ndarray:
        """The first event of each visitor and value, or of those and a day. Events stand in the order of time."""
        mine = np.flatnonzero(self.with_visitor)
        key = self.events.visitor[self.matching[mine]]
        if once_per == VISITOR_DAY:
            day = self.events.when[self.matching[mine]].astype(np.int64) // HOURS_PER_DAY
            key = _paired(key, day)
        key = _paired(key, self.name[mine])
        first: np.ndarray = mine[np.unique(key, return_index=True)[1]]
        return first

    def _number(self, chosen: np.ndarray) -> np.ndarray:
        return np.bincount(self.group[chosen], minlength=len(self.out))

    def _values(self, field: int) -> np.ndarray:
        """The field's value of each."""
        combos = self.events.combos
        places = np.array([fields.index(field) if field in fields else 0 for fields in combos.forms], dtype=np.int64)
        place = places[np.array(combos.form)[self.events.combo[self.matching]]]
        return self.events.values[self.events.start[self.matching] + place]


def _paired(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """One number for each pair."""
    if not len(second):
        return first
    low, high = int(second.min()), int(second.max())
    return first * (high - low + 1) + (second - low)


def _groups(name: np.ndarray, when: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The distinct pairs as (names, whens), and for each row the index of its pair."""
    if not len(when):
        return name, when, name
    low = int(when.min())
    span = int(when.max()) - low + 1
    key = name * span + (when - low)
    if (int(name.max()) + 1) * span <= _DENSE * len(key) + _SMALL:
        number = np.zeros((int(name.max()) + 1) * span, dtype=np.int64)
        number[key] = 1
        distinct = np.flatnonzero(number)
        number[distinct] = np.arange(len(distinct))
        group = number[key]
    else:
        distinct, group = np.unique(key, return_inverse=True)
    return distinct // span, distinct % span + low, group

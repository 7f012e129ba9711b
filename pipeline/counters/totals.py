"""What a unit adds to the counters: its new hits, the firsts that moved and the notes on quality, by series and hour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.model.counter import LIMB_BITS, LIMB_MASK, NO_NUMBER, QUALITY, neutral_row
from pipeline.model.group import group_pairs
from pipeline.model.hit import LATE, NO_VISITOR, starts_of
from pipeline.model.judged import FieldColumn, JudgedMetric, Scope
from pipeline.model.layout import HOURS_PER_DAY
from pipeline.visitors.duplicates import Verdict
from pipeline.visitors.firsts import VISITOR_SCOPE, Moves, Touches
from pipeline.visitors.unit import ComboTable, Ragged, Unit

_NO_VISITOR, _NO_NUMBER, _LATE, _DUPLICATES = range(len(QUALITY))


@dataclass(slots=True)
class Additions:
    """Rows to add to hours of slots, ordered by series, day and hour: `counts` of them to each (series, day)."""

    series: np.ndarray  # per slot
    day: np.ndarray  # per slot, days since 1970
    counts: np.ndarray  # per slot
    hours: np.ndarray  # per row
    rows: np.ndarray  # int64, shape (n, columns of the widest)


class Forms:
    """The distinct metrics of a unit as arrays, to look columns up for many series at once."""

    def __init__(self, unit: Unit) -> None:
        self.metrics = unit.table.metrics
        self.columns = np.array([len(m.columns) for m in self.metrics], dtype=np.int64)
        self.width = int(self.columns.max()) + len(QUALITY)
        self.neutral = np.zeros((len(self.metrics), self.width), dtype=np.int64)
        for i, m in enumerate(self.metrics):
            self.neutral[i, : self.columns[i]] = neutral_row(m.columns, quality=False)

    def counts(self, scope: str) -> Ragged:
        """The columns of each metric that go up by one in this scope."""
        return Ragged.of([getattr(m, scope).counts for m in self.metrics])


def add_up(unit: Unit, verdict: Verdict, touches: Touches, moves: Moves) -> Additions | None:
    """Everything the unit changes, grouped by series (breakdown values as they are named), day and hour.

    None: nothing at all.
    """
    table, dropped = unit.table, _dropped(unit, verdict)
    valued = np.array([(m.series, m.spot) for m in moves.valued], dtype=np.int64).reshape(-1, 2)
    spots = (touches.series, touches.spot), (moves.series, moves.spot), (valued[:, 0], valued[:, 1])
    touched, moved, of_firsts = ((_counted(table, series, spot), spot >> 1) for series, spot in spots)
    parts = [touched, dropped, moved, of_firsts]
    when = np.concatenate([w for _, w in parts])
    if not len(when):
        return None
    series, when, inverse = group_pairs(np.concatenate([s for s, _ in parts]), when)
    cuts = np.cumsum([len(w) for _, w in parts])[:-1]
    of_touch, of_drop, of_move, of_valued = np.split(inverse, cuts)
    forms = Forms(unit)
    metric = table.metric_of(series)
    out = forms.neutral[metric]
    _add_every(unit, verdict, touches, of_touch, forms, metric, out)
    _add_quality(unit, verdict, touches, of_touch, of_drop, forms.columns[metric], out)
    _add_moves(moves, of_move, of_valued, forms, metric, out)
    return _by_day(series, when, out)


def _counted(table: ComboTable, series: np.ndarray, spot: np.ndarray) -> np.ndarray:
    """Where each is counted: its own series, or that of `(other)` where the spot says so."""
    return np.where(spot & 1 == 1, table.other_of(series), series)


def _dropped(unit: Unit, verdict: Verdict) -> tuple[np.ndarray, np.ndarray]:
    """(series without breakdown, when) of every delivery that added nothing."""
    which, series = unit.table.series_of(unit.combo[verdict.dropped])
    base = unit.table.breakdown_of(series) == 0
    return series[base], unit.when[verdict.dropped[which[base]]]


def _add_every(
    unit: Unit, verdict: Verdict, touches: Touches, of_touch: np.ndarray, forms: Forms, metric: np.ndarray, out: np.ndarray
) -> None:
    """Measures that look at every event."""
    events = np.bincount(of_touch, minlength=len(out))
    which, column = forms.counts("every").expand(metric)
    out[which, column] += events[which]
    uses, of_combo = unit.table.field_uses()
    if not uses:
        return
    which, use = of_combo.expand(verdict.combo)
    first_touch = starts_of(unit.table.counted(verdict.combo))
    place, column, position = (np.array([getattr(u, n) for u in uses]) for n in ("place", "column", "position"))
    value = unit.values[unit.start[verdict.new[which]] + position[use]]
    group = of_touch[first_touch[which] + place[use]]
    is_number = value != NO_NUMBER
    for aggregate in sorted({u.aggregate for u in uses}):
        mine = is_number & np.array([u.aggregate == aggregate for u in uses], dtype=bool)[use]
        _add_values(out, aggregate, group[mine], column[use][mine], value[mine])


def _add_values(out: np.ndarray, aggregate: str, group: np.ndarray, column: np.ndarray, value: np.ndarray) -> None:
    if aggregate == "min":
        np.minimum.at(out, (group, column), value)
    elif aggregate == "max":
        np.maximum.at(out, (group, column), value)
    else:
        np.add.at(out, (group, column), value >> LIMB_BITS)
        np.add.at(out, (group, column + 1), value & LIMB_MASK)
        if aggregate == "mean":
            np.add.at(out, (group, column + 2), 1)


def _add_quality(
    unit: Unit,
    verdict: Verdict,
    touches: Touches,
    of_touch: np.ndarray,
    of_drop: np.ndarray,
    at: np.ndarray,
    out: np.ndarray,
) -> None:
    """Notes beside the measures, in series without breakdown. at: the column where they begin."""
    base = unit.table.breakdown_of(touches.series) == 0
    flags = unit.flags[touches.hit]
    missing = _missing_numbers(unit, verdict, len(touches.series))
    rows = np.arange(len(out))
    for note, noted in ((_NO_VISITOR, flags & NO_VISITOR > 0), (_LATE, flags & LATE > 0), (_NO_NUMBER, missing)):
        out[rows, at + note] += np.bincount(of_touch[base & noted], minlength=len(out))
    out[rows, at + _DUPLICATES] += np.bincount(of_drop, minlength=len(out))


def _missing_numbers(unit: Unit, verdict: Verdict, touches: int) -> np.ndarray:
    """Touches whose metric reads a field that is no number there."""
    missing = np.zeros(touches, dtype=bool)
    reads, of_combo = unit.table.field_reads()
    if reads:
        which, read = of_combo.expand(verdict.combo)
        place, position = np.array(reads, dtype=np.int64).T
        value = unit.values[unit.start[verdict.new[which]] + position[read]]
        none = value == NO_NUMBER
        first_touch = starts_of(unit.table.counted(verdict.combo))
        missing[(first_touch[which] + place[read])[none]] = True
    return missing


def _add_moves(
    moves: Moves, of_move: np.ndarray, of_valued: np.ndarray, forms: Forms, metric: np.ndarray, out: np.ndarray
) -> None:
    """Firsts that were given or taken back."""
    for scope, name in ((VISITOR_SCOPE, "once_visitor"), (1 - VISITOR_SCOPE, "once_day")):
        mine = np.flatnonzero(moves.scope == scope)
        which, column = forms.counts(name).expand(metric[of_move[mine]])
        np.add.at(out, (of_move[mine][which], column), moves.sign[mine][which])
    for move, group in zip(moves.valued, of_valued.tolist(), strict=True):
        form = forms.metrics[metric[group]]
        scope = form.once_visitor if move.scope == VISITOR_SCOPE else form.once_day
        _move_valued(out[group], scope, form, move.sign, move.values)


def _move_valued(row: np.ndarray, scope: Scope, form: JudgedMetric, sign: int, values: Sequence[int]) -> None:
    for column in scope.counts:
        row[column] += sign
    for use in scope.fields:
        value = values[form.fields.index(use.field)]
        if value != NO_NUMBER:
            _move_amount(row, use, sign, value)


def _move_amount(row: np.ndarray, use: FieldColumn, sign: int, value: int) -> None:
    row[use.column] += sign * (value >> LIMB_BITS)
    row[use.column + 1] += sign * (value & LIMB_MASK)
    if use.aggregate == "mean":
        row[use.column + 2] += sign


def _by_day(series: np.ndarray, when: np.ndarray, out: np.ndarray) -> Additions:
    """Rows come sorted by series and hour: cut where the series or the day changes."""
    day = when // HOURS_PER_DAY
    changes = (series[1:] != series[:-1]) | (day[1:] != day[:-1])
    begins = np.flatnonzero(np.concatenate([[True], changes]))
    counts = np.diff(np.append(begins, len(series)))
    return Additions(series[begins], day[begins], counts, when % HOURS_PER_DAY, out)

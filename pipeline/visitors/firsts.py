"""Which hits are a visitor's first: the earliest event time, then the smallest messageId, whatever the order of arrival.

A first that comes in late takes the place of the one counted so far: the old one is taken back from where it was
counted (the stored spot and amounts, nothing is worked out again) and the new one is given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pipeline.model.facts import NO_FIRSTS, Firsts, ValuedFirst, earliest_rows, mix, placed
from pipeline.model.hit import NO_VISITOR
from pipeline.model.layout import HOURS_PER_DAY
from pipeline.visitors.known import Known
from pipeline.visitors.unit import Unit

VISITOR_SCOPE, DAY_SCOPE = 0, 1
_SCOPE_SEEDS = (np.uint64(0xA0761D6478BD642F), np.uint64(0xE7037ED1A0B428DB))


class Touches(NamedTuple):
    """Every (new hit, series it counts in)."""

    hit: np.ndarray  # index in the unit
    series: np.ndarray
    spot: np.ndarray  # when * 2 + (counted under `(other)`)


class Move(NamedTuple):
    """A valued first given (sign 1) or taken back (-1)."""

    series: int
    spot: int
    scope: int
    sign: int
    values: tuple[int, ...]


@dataclass(slots=True)
class Moves:
    """Firsts given and taken back. The arrays are of plain firsts (counts only), row by row."""

    series: np.ndarray
    spot: np.ndarray
    scope: np.ndarray
    sign: np.ndarray
    valued: list[Move]


@dataclass(slots=True)
class LearntFirsts:
    """Firsts that are new or have moved, and the hit each one is."""

    firsts: Firsts
    hit: np.ndarray  # of `firsts`, index in the unit
    valued: dict[int, ValuedFirst]
    valued_hit: dict[int, int]  # key -> index in the unit


def mark_firsts(unit: Unit, touches: Touches, known: Known) -> tuple[Moves, LearntFirsts]:
    """What the unit's new hits change among the firsts that are known."""
    hashes, metric = unit.table.series_hashes(touches.series), unit.table.metric_of(touches.series)
    somebody = np.flatnonzero(unit.flags[touches.hit] & NO_VISITOR == 0)
    plain: list[tuple[np.ndarray, np.ndarray, int]] = []  # (keys, rows of touches, scope)
    valued: list[tuple[np.ndarray, np.ndarray, int]] = []
    for scope in (VISITOR_SCOPE, DAY_SCOPE):
        scopes = [m.once_visitor if scope == VISITOR_SCOPE else m.once_day for m in unit.table.metrics]
        for wanted, into in ((True, valued), (False, plain)):
            is_wanted = np.array([not s.empty and bool(s.fields) is wanted for s in scopes], dtype=bool)
            rows = somebody[is_wanted[metric[somebody]]]
            if len(rows):
                into.append((_keys(unit, touches, rows, hashes, scope), rows, scope))
    moves, firsts, hit = _plain_firsts(unit, touches, known, plain)
    moves.valued, found, hits = _valued_firsts(unit, touches, known, valued)
    return moves, LearntFirsts(firsts, hit, found, hits)


def _keys(unit: Unit, touches: Touches, rows: np.ndarray, hashes: np.ndarray, scope: int) -> np.ndarray:
    """What a first is the first of: visitor, series (hashes: of each touch's), scope, and for `visitor_day` the day."""
    visitor = unit.visitor[touches.hit[rows]]
    of = hashes[rows] ^ _SCOPE_SEEDS[scope]
    if scope == DAY_SCOPE:
        of = mix(of, (touches.spot[rows] // (2 * HOURS_PER_DAY)).astype(np.uint64))
    return placed(visitor, mix(visitor, of))


def _plain_firsts(
    unit: Unit, touches: Touches, known: Known, parts: list[tuple[np.ndarray, np.ndarray, int]]
) -> tuple[Moves, Firsts, np.ndarray]:
    if not parts:
        none = np.zeros(0, dtype=np.int64)
        return Moves(none, none, none, none, []), NO_FIRSTS, none
    key = np.concatenate([keys for keys, _, _ in parts])
    row = np.concatenate([rows for _, rows, _ in parts])
    scope = np.concatenate([np.full(len(rows), scope) for _, rows, scope in parts])
    time = unit.time[touches.hit[row]]
    pick = earliest_rows(key, time)
    key, row, scope, time = key[pick], row[pick], scope[pick], time[pick]
    present, held = known.firsts_of(key)
    better = np.ones(len(key), dtype=bool)
    better[present] = time[present] < held.time
    given, replaced = np.flatnonzero(better), better[present]
    taken = present[replaced]
    series, spot = touches.series[row], touches.spot[row]
    firsts = Firsts(key[given], time[given], spot[given].astype(np.int32))
    moves = Moves(
        series=np.concatenate([series[given], series[taken]]),
        spot=np.concatenate([spot[given], held.spot[replaced].astype(np.int64)]),
        scope=np.concatenate([scope[given], scope[taken]]),
        sign=np.concatenate([np.ones(len(given), dtype=np.int64), -np.ones(len(taken), dtype=np.int64)]),
        valued=[],
    )
    return moves, firsts, touches.hit[row[given]]


def _valued_firsts(
    unit: Unit, touches: Touches, known: Known, parts: list[tuple[np.ndarray, np.ndarray, int]]
) -> tuple[list[Move], dict[int, ValuedFirst], dict[int, int]]:
    best: dict[int, tuple[ValuedFirst, int, int, int]] = {}  # key -> (first, series, scope, hit)
    for keys, rows, scope in parts:
        for key, row in zip(keys.tolist(), rows.tolist(), strict=True):
            hit, series = int(touches.hit[row]), int(touches.series[row])
            time, message_id = int(unit.time[hit]), unit.message_ids[hit]
            if key in best and best[key][0][:2] <= (time, message_id):
                continue
            first = ValuedFirst(time, message_id, int(touches.spot[row]), _values(unit, hit, series))
            best[key] = (first, series, scope, hit)
    moves: list[Move] = []
    learnt: dict[int, ValuedFirst] = {}
    hits: dict[int, int] = {}
    for key, (first, series, scope, hit) in best.items():
        held = known.valued.get(key)
        if held is not None and held[:2] <= first[:2]:
            continue
        if held is not None:
            moves.append(Move(series, held.spot, scope, -1, held.values))
        moves.append(Move(series, first.spot, scope, 1, first.values))
        learnt[key], hits[key] = first, hit
    return moves, learnt, hits


def _values(unit: Unit, hit: int, series: int) -> tuple[int, ...]:
    """The hit's values of the fields that the series' metric reads."""
    fields = unit.table.combos[int(unit.combo[hit])].fields
    begin = int(unit.start[hit])
    return tuple(int(unit.values[begin + fields.index(f)]) for f in unit.table.series(series).metric.fields)

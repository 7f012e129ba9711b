"""Owns what a store knows of an event and its visitor: whether it was counted already, and whether it would be a first.

The stages that decide this in a run decide it here, on facts that are read and never written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np

from pipeline.decode.odd import Span
from pipeline.explain.judge import SOURCE, Judge
from pipeline.match.block import BlockMatcher
from pipeline.model.damage import reading
from pipeline.model.definition import VISITOR, VISITOR_DAY, Snapshot
from pipeline.model.facts import bucket_of
from pipeline.model.hit import HitBlock
from pipeline.model.judged import Judged
from pipeline.model.layout import EPOCH_ORDINAL, HOURS_PER_DAY, meta_judged_row, visitors_row
from pipeline.store.contract import Store
from pipeline.store.fixed import read_fixed
from pipeline.visitors.duplicates import drop_duplicates
from pipeline.visitors.firsts import VISITOR_SCOPE, Moves, Touches, mark_firsts
from pipeline.visitors.known import Known
from pipeline.visitors.unit import Unit, read_unit

DEDUP_DAYS = 7  # as `daycount run` has it unless it is told otherwise
DAY_NS = 86_400 * 1_000_000_000


@dataclass(frozen=True, slots=True)
class First:
    """The event is, or would be, a visitor's first. `instead_of`: the day whose first it takes the place of."""

    instead_of: date | None


@dataclass(slots=True)
class Past:
    """`counted`: the metrics this event was counted in already. `firsts`: by metric and `once_per`, where it is one."""

    counted: set[str] = field(default_factory=set)
    firsts: dict[tuple[str, str], First] = field(default_factory=dict)


def look_up(store: Store, judge: Judge, line: bytes, now_ns: int, visitor_key: bytes | None) -> Past | None:
    """What the store knows of a record that was not rejected; None where nothing was ever counted into it.

    Raises UsageError where the store's visitor key is another one, or is not known here.
    """
    fixed = read_fixed(store, visitor_key)
    if fixed is None:
        return None
    definitions = judge.definitions
    matcher = BlockMatcher(Snapshot.of([definitions]), fixed.shards, fixed.visitor_key, judge.parsed)
    matched = matcher.match(line, Span(SOURCE, 0, definitions.account), now_ns)
    if not matched.hits:
        return Past()
    ((shard, raw),) = matched.hits
    judged = Judged.of(definitions)
    unit = read_unit([HitBlock.from_bytes(raw)], lambda _: judged)
    bucket = int(bucket_of(unit.visitor)[0])
    known = _known(store, visitors_row(definitions.account, shard, bucket), now_ns)
    return _compare(unit, known, lambda digest: _names(store, digest))


def _known(store: Store, row: bytes, now_ns: int) -> Known:
    """The facts of the visitor's bucket."""
    cells = [value for _, value in store.read("visitors", [row]).get(row, [])]
    known = Known()
    with reading("visitors", row):
        known.load([cells], now_ns // DAY_NS - DEDUP_DAYS)
    return known


def _names(store: Store, digest: int) -> frozenset[str]:
    """The revisions that a digest stands for; none where the store doesn't say."""
    row = meta_judged_row(digest)
    with reading("meta", row):
        return frozenset(dict(store.read("meta", [row]).get(row, ())).get(b"names", b"").decode().split("\n"))


def _compare(unit: Unit, known: Known, names_of: Callable[[int], frozenset[str]]) -> Past:
    verdict = drop_duplicates(unit, known, names_of)
    _, left = unit.table.series_of(verdict.combo)
    _, every = unit.table.series_of(unit.combo)
    past = Past(_metrics(unit, every) - _metrics(unit, left))
    moves, _ = mark_firsts(unit, _touches(unit, left), known)
    past.firsts = _firsts(unit, moves)
    # Of an event that was counted, those firsts are its own which one a nanosecond earlier would take over.
    sooner = replace(unit, time=unit.time - 1)
    taken, _ = mark_firsts(sooner, _touches(unit, every), known)
    own = {key: First(None) for key in _firsts(unit, taken) if key[0] in past.counted}
    past.firsts = own | past.firsts
    return past


def _touches(unit: Unit, series: np.ndarray) -> Touches:
    """The unit's one hit in each of these series."""
    return Touches(np.zeros(len(series), dtype=np.int64), series, np.repeat(unit.when * 2, len(series)))


def _metrics(unit: Unit, series: np.ndarray) -> set[str]:
    return {unit.table.series(s).metric.metric.id for s in series.tolist()}


def _firsts(unit: Unit, moves: Moves) -> dict[tuple[str, str], First]:
    """The firsts that are given, without those of single values of a breakdown."""
    plain = zip(moves.series.tolist(), moves.scope.tolist(), moves.sign.tolist(), moves.spot.tolist(), strict=True)
    found: dict[tuple[str, str], First] = {}
    for series, scope, sign, spot in [*plain, *((m.series, m.scope, m.sign, m.spot) for m in moves.valued)]:
        of = unit.table.series(series)
        if of.breakdown:
            continue
        key = of.metric.metric.id, VISITOR if scope == VISITOR_SCOPE else VISITOR_DAY
        if sign < 0:
            found[key] = First(date.fromordinal(spot // (2 * HOURS_PER_DAY) + EPOCH_ORDINAL))
        else:
            found.setdefault(key, First(None))
    return found

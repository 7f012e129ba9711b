"""Faults to plant into the rules, one at a time: what the differential must notice. Each is a plain wrong program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np
import pytest
import xxhash

from pipeline.counters.slots import Changes, Slots
from pipeline.match.account import AccountMatcher
from pipeline.match.block import BlockMatcher
from pipeline.model.calendar import Calendar
from pipeline.model.counter import NO_MAX, NO_MIN
from pipeline.model.hit import NO_VISITOR
from pipeline.model.layout import HOURS_PER_DAY, unpack_totals
from pipeline.shard import plan
from pipeline.visitors import duplicates
from pipeline.visitors.unit import ComboTable, Unit

Plant = Callable[[pytest.MonkeyPatch], None]
PLANTED: dict[str, Plant] = {}


def planted(name: str) -> Callable[[Plant], Plant]:
    def keep(plant: Plant) -> Plant:
        PLANTED[name] = plant
        return plant

    return keep


def _on_units(patch: pytest.MonkeyPatch, step: str, change: Callable[[Unit], Unit]) -> None:
    """Let a step of the plan see changed units."""
    real: Any = getattr(plan, step)
    patch.setattr(plan, step, lambda unit, *rest: real(change(unit), *rest))


@planted("the first is the first to arrive")
def _by_arrival(patch: pytest.MonkeyPatch) -> None:
    clock = count()
    _on_units(patch, "mark_firsts", lambda unit: replace(unit, time=np.array([next(clock) for _ in unit.time])))


@planted("of equal times the first to arrive is the first")
def _ties_by_arrival(patch: pytest.MonkeyPatch) -> None:
    _on_units(patch, "mark_firsts", lambda unit: replace(unit, message_ids=dict.fromkeys(unit.message_ids, "")))


@planted("nothing is taken back")
def _no_take_back(patch: pytest.MonkeyPatch) -> None:
    def left(unit: Unit, touches: Any, known: Any) -> Any:
        moves, learnt = real(unit, touches, known)
        given = moves.sign > 0
        moves.series, moves.spot = moves.series[given], moves.spot[given]
        moves.scope, moves.sign = moves.scope[given], moves.sign[given]
        moves.valued = [move for move in moves.valued if move.sign > 0]
        return moves, learnt

    real = plan.mark_firsts
    patch.setattr(plan, "mark_firsts", left)


@planted("what is taken back is worked out from the event that takes its place")
def _take_back_again(patch: pytest.MonkeyPatch) -> None:
    def worked_out(unit: Unit, touches: Any, known: Any) -> Any:
        moves, learnt = real(unit, touches, known)
        after = moves.valued[1:]
        changed = [m if m.sign > 0 else m._replace(values=n.values) for m, n in zip(moves.valued, after, strict=False)]
        moves.valued = [*changed, *moves.valued[-1:]]
        return moves, learnt

    real = plan.mark_firsts
    patch.setattr(plan, "mark_firsts", worked_out)


@planted("events without a visitor have firsts")
def _nobody_has_firsts(patch: pytest.MonkeyPatch) -> None:
    _on_units(patch, "mark_firsts", lambda unit: replace(unit, flags=np.zeros_like(unit.flags)))


@planted("a first is not one for each breakdown value")
def _one_first(patch: pytest.MonkeyPatch) -> None:
    def hashes(table: ComboTable, series: np.ndarray) -> np.ndarray:
        of = [table.series(number) for number in series.tolist()]
        names = (f"{table.judged[s.account].account}#{s.metric.name}#{s.breakdown}" for s in of)
        return np.array([xxhash.xxh3_64_intdigest(name.encode()) for name in names], dtype=np.uint64)

    patch.setattr(ComboTable, "series_hashes", hashes)


@planted("duplicates count")
def _no_ids(patch: pytest.MonkeyPatch) -> None:
    fresh = count()
    new = lambda unit: np.array([next(fresh) for _ in unit.time], dtype=np.uint64)  # noqa: E731
    _on_units(patch, "drop_duplicates", lambda unit: replace(unit, message=new(unit)))


@planted("duplicates of events without a visitor count")
def _no_ids_for_nobody(patch: pytest.MonkeyPatch) -> None:
    fresh = count()

    def change(unit: Unit) -> Unit:
        nobody = unit.flags & NO_VISITOR > 0
        new = np.array([next(fresh) for _ in unit.time], dtype=np.uint64)
        return replace(unit, message=np.where(nobody, new, unit.message))

    _on_units(patch, "drop_duplicates", change)


@planted("an id is the messageId alone")
def _ids_without_visitor(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(duplicates, "placed", lambda visitor, hashed: hashed)
    patch.setattr(duplicates, "mix", lambda visitor, message: message)


@planted("a known id is known to new metrics too")
def _ids_without_digest(patch: pytest.MonkeyPatch) -> None:
    def nothing_left(unit: Unit, combo: np.ndarray, rows: np.ndarray, *_: Any) -> None:
        table = unit.table
        account, kind = table.combos.account[combo[rows]], table.combos.kind[combo[rows]]
        combo[rows] = table.add(account, np.array([table.part(k, ()) for k in kind.tolist()], dtype=np.int64))

    patch.setattr(duplicates, "_reduce", nothing_left)


@planted("a known id is new to all metrics of other definitions")
def _ids_by_digest_alone(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(duplicates, "_reduce", lambda *_: None)


@planted("sums are of floats")
def _float_sums(patch: pytest.MonkeyPatch) -> None:
    def micros(numbers: Any) -> np.ndarray:
        floats = np.array([np.nan if n is None else float(n) for n in numbers], dtype=np.float64)
        sound = np.abs(floats) <= 1e12
        return np.where(sound, np.rint(np.where(sound, floats, 0) * 1e6), NO_MAX).astype(np.int64)

    patch.setattr("pipeline.match.block.to_micros", micros)


@planted("days are those of UTC")
def _utc(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("pipeline.match.block.Calendar", lambda zone: Calendar("UTC"))


def _on_when(patch: pytest.MonkeyPatch, change: Callable[[np.ndarray], np.ndarray]) -> None:
    real = Calendar.when

    def changed(calendar: Calendar, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        when, offsets = real(calendar, times)
        return change(when), offsets

    patch.setattr(Calendar, "when", changed)


@planted("hours are one too late")
def _hours_off(patch: pytest.MonkeyPatch) -> None:
    _on_when(patch, lambda when: when - when % HOURS_PER_DAY + (when % HOURS_PER_DAY + 1) % 24)


@planted("the hours before and after a change of the clocks are one")
def _hours_merged(patch: pytest.MonkeyPatch) -> None:
    _on_when(patch, lambda when: when - when % HOURS_PER_DAY + when % HOURS_PER_DAY % 24)


@planted("device clocks are not corrected")
def _clocks(patch: pytest.MonkeyPatch) -> None:
    from pipeline.decode import block

    real = block.stamp

    def uncorrected(texts: Any, clocks: Any, *rest: Any) -> Any:
        return real(texts, [clock._replace(sent=None) for clock in clocks], *rest)

    patch.setattr(block, "stamp", uncorrected)


@planted("visitors of two accounts are one")
def _one_account(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(AccountMatcher, "hash_visitor", lambda _, visitor: xxhash.xxh3_64_intdigest(visitor.encode()))


@planted("a visitor is in any shard")
def _any_shard(patch: pytest.MonkeyPatch) -> None:
    turns = count()
    real = BlockMatcher._by_shard

    def any_shard(matcher: Any, hits: Any) -> Any:
        return ((next(turns) % matcher._shards, part) for _, part in real(matcher, hits))

    patch.setattr(BlockMatcher, "_by_shard", any_shard)


@planted("a cell that becomes nothing is not written")
def _zeros_unwritten(patch: pytest.MonkeyPatch) -> None:
    real = Slots.cells

    def cells(slots: Slots, changes: Changes) -> Any:
        something = [change for change in zip(*changes, strict=True) if not _is_nothing(change[-1])]
        return real(slots, Changes(*map(list, zip(*something, strict=True)))) if something else ()

    patch.setattr(Slots, "cells", cells)


def _is_nothing(packed: bytes) -> bool:
    totals = unpack_totals(packed)
    return not ((totals != 0) & (totals != NO_MIN) & (totals != NO_MAX)).any()


@planted("folding keeps the newest facts only")
def _lossy_folds(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(plan, "FOLD_CELLS", 1)
    patch.setattr(plan, "fold_facts", lambda cells, horizon: cells[-1])

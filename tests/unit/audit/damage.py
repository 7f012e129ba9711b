"""Owns the damage that tests do to a store: one small, plain wrong at a time, and where it must be found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np

from pipeline.model import layout
from pipeline.model.counter import QUALITY, columns
from pipeline.model.definition import Metric
from pipeline.model.layout import DAY, HOUR, CounterKey
from tests.unit.audit.auditing import Audited

Damage = Callable[["Cell", Random, Audited], "Where | None"]
Where = dict[str, Any]  # fields of the difference that must be told
DAMAGES: dict[str, Damage] = {}


def damaging(name: str) -> Callable[[Damage], Damage]:
    def keep(damage: Damage) -> Damage:
        DAMAGES[name] = damage
        return damage

    return keep


@dataclass(frozen=True)
class Cell:
    """One slot's part of a day."""

    account: str
    metric: Metric
    row: bytes
    key: CounterKey  # of the day; the hours are beside it
    audited: Audited

    def at(self, kind: bytes) -> tuple[bytes, bytes]:
        return self.row, layout.counter_qualifier(self.key._replace(kind=kind))

    @property
    def day(self) -> np.ndarray:
        return layout.unpack_totals(self.audited.cells()[self.at(DAY)]).copy()

    @property
    def hours(self) -> tuple[int, np.ndarray, np.ndarray]:
        first, touched, body = layout.unpack_hours(self.audited.cells()[self.at(HOUR)])
        return first, touched, body.copy()

    @property
    def names(self) -> list[tuple[str, str]]:
        """(measure, part) of each column that both an audit and a reader look at."""
        notes = [(f"quality.{note}", "n") for note in QUALITY] if self.key.breakdown == 0 else []
        return [(c.measure, c.part) for c in columns(self.metric.measures)] + notes

    @property
    def where(self) -> Where:
        """How a difference names this place."""
        path = self.metric.breakdowns[self.key.breakdown - 1] if self.key.breakdown else ""
        day = f"{self.row.rpartition(b'#')[2].decode()}-{self.key.day:02d}"
        metric = f"{self.metric.id}@{self.metric.revision}"
        return {"account": self.account, "metric": metric, "day": day, "breakdown": path, "value": self.key.value}

    def write(self, day: np.ndarray, first: int, touched: np.ndarray, body: np.ndarray) -> None:
        hours = layout.pack_span(first, touched, body)
        self.audited.poke({self.at(DAY): layout.pack_totals(day), self.at(HOUR): hours})

    def shift(self, column: int, by: int) -> None:
        """Change a column of the day and of one of its hours alike, so that they agree with one another."""
        day, (first, touched, body) = self.day, self.hours
        day[column] += by
        body[int(np.flatnonzero(touched)[0]), column] += by
        self.write(day, first, touched, body)


def cells_of(audited: Audited) -> Iterator[Cell]:
    """All slots of the metrics that are audited."""
    for row, qualifier in audited.cells():
        account, named, _ = row.decode().rsplit("#", 2)
        key = layout.parse_counter_qualifier(qualifier)
        metric = audited.world.snapshot.accounts[account].metrics.get(named.partition("@")[0])
        if metric is not None and key.kind == DAY:
            yield Cell(account, metric, row, key, audited)


def _columns(cell: Cell, *parts: str, once: bool | None = None) -> list[int]:
    firsts = {m.name for m in cell.metric.measures if m.once_per}
    compared = [(i, m) for i, (m, part) in enumerate(cell.names) if part in parts and m not in LEFT_OUT]
    return [i for i, m in compared if once is None or (m in firsts) is once]


LEFT_OUT = ("quality.late", "quality.duplicates")


@damaging("a count is one too many")
def _one_more(cell: Cell, random: Random, _: Audited) -> Where | None:
    column = random.choice(_columns(cell, "n") or [-1])
    if column < 0:
        return None
    cell.shift(column, random.choice([1, -1]))
    measure, _part = cell.names[column]
    mean = any((measure, "hi") == name for name in cell.names)
    return {**cell.where, "kind": "recount", "measure": f"{measure} (values)" if mean else measure}


@damaging("a sum is a millionth off")
def _sum_off(cell: Cell, random: Random, _: Audited) -> Where | None:
    column = random.choice(_columns(cell, "lo") or [-1])
    if column < 0:
        return None
    cell.shift(column, random.choice([1, -1]))
    return {**cell.where, "kind": "recount", "measure": cell.names[column][0]}


@damaging("the amount of a first is another one")
def _first_off(cell: Cell, random: Random, _: Audited) -> Where | None:
    column = random.choice(_columns(cell, "hi", "lo", once=True) or [-1])
    if column < 0:
        return None
    cell.shift(column, random.choice([7, -7]))
    return {**cell.where, "kind": "recount", "measure": cell.names[column][0]}


@damaging("a minimum or maximum is another one")
def _extreme_off(cell: Cell, random: Random, _: Audited) -> Where | None:
    least, most = _columns(cell, "min"), _columns(cell, "max")
    if not least + most:
        return None
    column = random.choice(least + most)
    beyond = (-1 if column in least else 1) * 10**15
    day, (first, touched, body) = cell.day, cell.hours
    day[column] = body[int(np.flatnonzero(touched)[0]), column] = beyond
    cell.write(day, first, touched, body)
    return {**cell.where, "kind": "recount", "measure": cell.names[column][0]}


@damaging("a slot's cells are gone")
def _gone(cell: Cell, _: Random, audited: Audited) -> Where | None:
    measured = [i for i in _columns(cell, "n", "lo") if cell.day[i]]
    if not measured:
        return None
    audited.poke({cell.at(DAY): None, cell.at(HOUR): None})
    return {**cell.where, "kind": "recount"}


@damaging("a slot's day is gone and its hours are there")
def _day_gone(cell: Cell, _: Random, audited: Audited) -> Where:
    audited.poke({cell.at(DAY): None})
    return {**cell.where, "kind": "hours", "slot": cell.key.slot}


@damaging("a slot's hours are gone and its day is there")
def _hours_gone(cell: Cell, _: Random, audited: Audited) -> Where:
    audited.poke({cell.at(HOUR): None})
    return {**cell.where, "kind": "hours", "slot": cell.key.slot}


@damaging("a count has moved to another hour")
def _other_hour(cell: Cell, random: Random, _: Audited) -> Where | None:
    first, touched, body = cell.hours
    counted = [i for i in _columns(cell, "n", "lo") if body[:, i].any()]
    if len(touched) < 2 or not counted:
        return None
    cell.write(cell.day, first, np.roll(touched, 1), np.roll(body, 1, axis=0))
    if np.array_equal(np.roll(body, 1, axis=0)[:, counted], body[:, counted]):
        return None
    return {**cell.where, "kind": "recount", "hour": ...}


@damaging("the hours don't come to the day")
def _hours_off(cell: Cell, random: Random, _: Audited) -> Where | None:
    column = random.choice(_columns(cell, "n") or [-1])
    first, touched, body = cell.hours
    if column < 0:
        return None
    body[int(np.flatnonzero(touched)[0]), column] += 1
    cell.write(cell.day, first, touched, body)
    return {**cell.where, "kind": "hours", "slot": cell.key.slot}


@damaging("what was counted on one day stands on another one")
def _other_day(cell: Cell, random: Random, audited: Audited) -> Where | None:
    there = {c.key.day for c in cells_of(audited) if c.row == cell.row}
    others = [d for d in range(min(there), max(there) + 1) if d not in {cell.key.day}]
    if not others or not any(cell.day[i] for i in _columns(cell, "n", "lo")):
        return None
    kept = audited.cells()
    key = cell.key._replace(day=random.choice(others))
    moved = {(cell.row, layout.counter_qualifier(key._replace(kind=k))): kept[cell.at(k)] for k in (DAY, HOUR)}
    if any(place in kept for place in moved):
        return None
    audited.poke({cell.at(DAY): None, cell.at(HOUR): None, **moved})
    return {**cell.where, "kind": "recount"}


@damaging("what was counted for one value stands under another one")
def _other_value(cell: Cell, _: Random, audited: Audited) -> Where | None:
    if not cell.key.breakdown or not any(cell.day[i] for i in _columns(cell, "n", "lo")):
        return None
    kept = audited.cells()
    key = cell.key._replace(value="a value that no event has")
    moved = {(cell.row, layout.counter_qualifier(key._replace(kind=k))): kept[cell.at(k)] for k in (DAY, HOUR)}
    audited.poke({cell.at(DAY): None, cell.at(HOUR): None, **moved})
    return {**cell.where, "kind": "recount", "value": "a value that no event has"}


@damaging("there are numbers of a revision that never was")
def _other_revision(cell: Cell, _: Random, audited: Audited) -> Where:
    kept = audited.cells()
    row = cell.row.replace(cell.metric.revision.encode(), b"0123456789abcdef")
    audited.poke({(row, cell.at(DAY)[1]): kept[cell.at(DAY)]})
    return {"kind": "unknown_revision", "account": cell.account, "metric": f"{cell.metric.id}@0123456789abcdef"}


@damaging("a cell is cut short")
def _cut_short(cell: Cell, random: Random, audited: Audited) -> Where:
    kind = random.choice([DAY, HOUR])
    audited.poke({cell.at(kind): audited.cells()[cell.at(kind)][: random.randint(0, 8)]})
    return {**cell.where, "kind": "damaged", "slot": cell.key.slot}


@damaging("a cell has a name that none can have")
def _bad_name(cell: Cell, random: Random, audited: Audited) -> Where:
    name = random.choice([b"", b"x", b"d\x00\x20\x00\x00", b"d\x00\x00\x00\x00", b"d\x00\x01\x00\x00\xff"])
    audited.poke({(cell.row, name): b"\x01"})
    return {"kind": "damaged", "account": cell.account, "metric": cell.where["metric"]}

"""Recounts experiments, visitor by visitor in plain Python, and holds them against the store's cells.

A visitor's whole history decides, so an experiment is recounted over all of its days or not at all.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import NamedTuple

import numpy as np

from pipeline.audit.difference import RECOUNT, Difference, Findings
from pipeline.model.counter import MICRO, NO_NUMBER
from pipeline.model.damage import reading
from pipeline.model.definition import VISITOR, VISITOR_DAY
from pipeline.model.event import OTHER_VALUE
from pipeline.model.hit import NO_VISITOR, HitBlock, Series, starts_of
from pipeline.model.judged import Judged, JudgedGoal, Trial
from pipeline.model.layout import (
    DAY,
    EPOCH_ORDINAL,
    HOURS_PER_DAY,
    counter_row,
    parse_counter_qualifier,
    unpack_totals,
)
from pipeline.model.trial import FORGOTTEN, SEVERAL, SEVERAL_VISITORS, VARIATIONS, VISITORS, TrialName, goal_sums
from pipeline.store.contract import Store

Table = Counter[tuple[int, int, str, str]]
"""(day, breakdown, text of the value, measure) -> number; zeros are left out when tables are compared."""


class _Seen(NamedTuple):
    """An event of a visitor that matters to an experiment. shown: of an exposure; values: of goals, by number."""

    time: int
    id: int
    when: int
    shown: tuple[str, ...]
    values: Mapping[int, int]


class TrialRecount:
    """All experiments of all accounts. Takes about 0.5 KB for each exposure and goal event."""

    def __init__(self, judged: Mapping[str, Judged]) -> None:
        self._judged = judged
        self._seen: defaultdict[tuple[str, int], defaultdict[int, dict[int, _Seen]]] = defaultdict(lambda: defaultdict(dict))

    def add(self, messages: Iterable[bytes]) -> None:
        """Take the hits of a block, as match gives them. Of copies of an event the first counts."""
        if not any(judged.trials for judged in self._judged.values()):
            return
        for message in messages:
            self._add(HitBlock.from_bytes(message))

    def _add(self, block: HitBlock) -> None:
        roles = [list(self._roles(block.accounts[c.account].account, c.series)) for c in block.combos]
        lengths = np.array([len(c.fields) for c in block.combos], dtype=np.int64)[block.combo]
        starts = starts_of(lengths)
        has_role = np.array([bool(of_combo) for of_combo in roles], dtype=bool)[block.combo]
        for hit in np.flatnonzero(has_role & (block.flags & NO_VISITOR == 0)).tolist():
            combo = block.combos[int(block.combo[hit])]
            for number, shown, goals in roles[int(block.combo[hit])]:
                values = {
                    goal: MICRO if of.field is None else int(block.values[starts[hit] + combo.fields.index(of.field)])
                    for goal, of in goals.items()
                }
                seen = _Seen(int(block.time[hit]), int(block.message[hit]), int(block.when[hit]), shown, values)
                of_visitor = self._seen[block.accounts[combo.account].account, number][int(block.visitor[hit])]
                of_visitor.setdefault(seen.id, seen)

    def _roles(self, account: str, series: Iterable[Series]) -> Iterator[tuple[int, tuple[str, ...], dict[int, JudgedGoal]]]:
        """(number of the experiment, what an exposure shows, goals by number) of each that the series have to do with."""
        listed = list(series)
        metrics = {s.metric for s in listed}
        for number, trial in enumerate(self._judged[account].trials):
            shown = tuple(s.value for s in listed if s.metric == trial.metric and s.breakdown)
            goals = {goal: of for goal, of in enumerate(trial.goals) if of.metric in metrics}
            if shown or goals:
                yield number, shown, goals

    def table(self, account: str, number: int) -> Table:
        """What an experiment comes to."""
        trial, table = self._judged[account].trials[number], Table()
        for of_visitor in self._seen[account, number].values():
            _count_visitor(trial, sorted(of_visitor.values()), table)
        return table


def _count_visitor(trial: Trial, seen: list[_Seen], table: Table) -> None:
    for epoch in trial.experiment.epochs:
        known = {variation.id for variation in epoch.variations}
        mine = [s for s in seen if trial.epoch_at(s.time) is epoch]
        exposures = [s for s in mine if s.shown]
        names = {s.shown[0] if s.shown[0] in known else OTHER_VALUE for s in exposures}
        if len(names) > 1:
            table[_day(exposures[0]), VARIATIONS, TrialName(epoch.number, SEVERAL).text(), "several"] += 1
        elif names:
            first = exposures[0]
            (variation,) = names
            by = [TrialName(epoch.number, variation, value).text() for value in ("", *first.shown[1:])]
            later, earlier = [s for s in mine if s.time >= first.time], [s for s in seen if s.time < first.time]
            for breakdown, name in enumerate(by, VARIATIONS):
                _count_exposed(trial, first, later, earlier, table, breakdown, name)


def _count_exposed(
    trial: Trial, first: _Seen, later: list[_Seen], earlier: list[_Seen], table: Table, breakdown: int, name: str
) -> None:
    day = _day(first)
    table[day, breakdown, name, "visitors"] += 1
    for goal, of in enumerate(trial.goals):
        after, before = (_counted(goal, of, some) for some in (later, earlier))
        value, was = (sum(s.values[goal] for s in some) for some in (after, before))
        numbers = {
            "converted": int(bool(after)), "total": value, "squares": value**2, "before": was,
            "before_squares": was**2, "products": value * was,
        }  # fmt: skip
        for measure, amount in numbers.items():
            table[day, breakdown, name, f"{goal}.{measure}"] += amount
        for s in after:
            table[_day(s), breakdown, name, f"{goal}.of_day"] += s.values[goal]


def _counted(goal: int, of: JudgedGoal, seen: list[_Seen]) -> list[_Seen]:
    mine = [s for s in seen if goal in s.values]
    if of.once_per == VISITOR:
        mine = mine[:1]
    elif of.once_per == VISITOR_DAY:
        mine = [s for i, s in enumerate(mine) if i == 0 or _day(mine[i - 1]) != _day(s)]
    return [s for s in mine if s.values[goal] != NO_NUMBER]


def _day(seen: _Seen) -> int:
    return seen.when // HOURS_PER_DAY


def compare_trial(store: Store, judged: Judged, number: int, ours: Table) -> tuple[Findings, int, str | None]:
    """(what differs, how many numbers were compared, why it wasn't if so)."""
    trial = judged.trials[number]
    name = judged.metrics[trial.metric].name
    have, forgotten = _stored(store, judged, trial)
    findings = Findings()
    if forgotten:
        return findings, 0, f"{name}: {forgotten:,} goal events were beyond what is remembered; it can't be compared"
    full = {key[1] for key in have if TrialName.of(key[2]).by == OTHER_VALUE} - {VARIATIONS}
    compared = [key for key in sorted({*have, *ours}) if key[1] not in full]
    for key in compared:
        if have[key] != ours[key]:
            findings.add(_difference(judged.account, name, key, have[key], ours[key]))
    note = f"{name}: a breakdown with values under (other) is not compared" if full else None
    return findings, len(compared), note


def _difference(account: str, name: str, key: tuple[int, int, str, str], have: int, ours: int) -> Difference:
    day, _, text, measure = key
    return Difference(
        RECOUNT,
        account,
        name,
        measure,
        day,
        breakdown="variation",
        value=_shown(text),
        stored=str(have),
        recounted=str(ours),
    )


def _shown(text: str) -> str:
    epoch, variation, by = TrialName.of(text)
    return f"epoch {epoch} {variation or '(several)'}{f' {by}' if by else ''}"


def _stored(store: Store, judged: Judged, trial: Trial) -> tuple[Table, int]:
    """The store's numbers, and how many goal events it says are in none of them."""
    metric, table, forgotten = judged.metrics[trial.metric].metric, Table(), 0
    anywhere = counter_row(judged.account, metric.id, metric.revision, 0, 0)[: -len("0000-00")]
    for row, cells in store.scan("counters", anywhere).items():
        with reading("counters", row):
            year, month = (int(part) for part in row[len(anywhere) :].split(b"-"))
            first = date(year, month, 1).toordinal() - EPOCH_ORDINAL
            for qualifier, value in cells:
                key = parse_counter_qualifier(qualifier)
                if key.kind == DAY:
                    totals = unpack_totals(value).tolist()
                    forgotten += totals[FORGOTTEN]
                    for measure, amount in _numbers(totals, len(trial.goals)):
                        table[first + key.day - 1, key.breakdown, key.value, measure] += amount
    return table, forgotten


def _numbers(totals: list[int], goals: int) -> Iterator[tuple[str, int]]:
    yield "visitors", totals[VISITORS]
    yield "several", totals[SEVERAL_VISITORS]
    for goal in range(goals):
        yield from ((f"{goal}.{measure}", amount) for measure, amount in goal_sums(totals, goal)._asdict().items())

"""Which of a unit's new hits are exposures and goal events, and what they change of their visitors' contributions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import xxhash

from pipeline.model.counter import MICRO
from pipeline.model.event import OTHER_VALUE
from pipeline.model.facts import EXPOSED, TrialEvent, mix, placed
from pipeline.model.group import group
from pipeline.model.hit import NO_VISITOR, Combo, goal_of
from pipeline.model.judged import Judged, Trial
from pipeline.model.trial import FORGOTTEN, SEVERAL, VARIATIONS, TrialName, trial_width
from pipeline.trials.contribution import GOAL_EVENTS_MAX, Rows, TrialPlace, contribution, remembered
from pipeline.visitors.duplicates import Verdict
from pipeline.visitors.unit import Unit

HasRoom = Callable[["TrialKey", int, int, str], bool]
"""(experiment, breakdown, local day and hour, text of the value): whether this value is named that day, or can be."""


class TrialKey(NamedTuple):
    """An experiment of a unit: the account (index in `ComboTable.judged`) and the number in `Judged.trials`."""

    account: int
    trial: int


class Role(NamedTuple):
    """What hits of a combo are to an experiment: an exposure (`goal` EXPOSED, `shown` its values) or a goal event, whose
    value stands at `position` (None: it counts one).
    """

    key: TrialKey
    goal: int
    position: int | None
    shown: tuple[str, ...]


@dataclass(slots=True)
class LearntTrials:
    """events: new ones by key of visitor and experiment; hit: one of the visitor's hits by key; rows: what changes."""

    events: dict[int, list[TrialEvent]] = field(default_factory=dict)
    hit: dict[int, int] = field(default_factory=dict)
    rows: dict[TrialKey, Rows] = field(default_factory=dict)


def mark_trials(unit: Unit, verdict: Verdict, known: Mapping[int, Sequence[TrialEvent]], has_room: HasRoom) -> LearntTrials:
    """What the unit's new hits change in experiments. known: by key, the events that are remembered."""
    learnt = LearntTrials()
    found = list(_found(unit, verdict))
    if not found:
        return learnt
    hits = np.array([hit for hit, _ in found], dtype=np.int64)
    names = {role.key: _hash(unit, role.key) for _, role in found}
    visitor = unit.visitor[hits]
    keys = placed(visitor, mix(visitor, np.array([names[role.key] for _, role in found], dtype=np.uint64)))
    of: dict[int, TrialKey] = {}
    for (hit, role), key in zip(found, keys.tolist(), strict=True):
        learnt.events.setdefault(key, []).append(_event(unit, hit, role, has_room))
        learnt.hit[key], of[key] = hit, role.key
    for key, events in learnt.events.items():
        trial = _trial(unit, of[key])
        learnt.events[key] = _learn(trial, known.get(key, ()), events, learnt.rows.setdefault(of[key], {}))
    learnt.events = {key: events for key, events in learnt.events.items() if events}
    for trial_key, rows in learnt.rows.items():
        learnt.rows[trial_key] = {place: row for place, row in rows.items() if any(row)}
    return learnt


def _learn(trial: Trial, held: Sequence[TrialEvent], events: Sequence[TrialEvent], rows: Rows) -> list[TrialEvent]:
    """Put into `rows` what the events change; returns those to remember."""
    before = remembered(held)
    room = GOAL_EVENTS_MAX - sum(event.goal != EXPOSED for event in before)
    width = trial_width(len(trial.goals))
    new: list[TrialEvent] = []
    for event in sorted(events):
        if event.goal == EXPOSED or room > 0:
            room -= event.goal != EXPOSED
            new.append(event)
        else:
            place = TrialPlace(event.when, VARIATIONS, TrialName(event.epoch, SEVERAL).text())
            rows.setdefault(place, [0] * width)[FORGOTTEN] += 1
    after = remembered([*before, *new])
    goals = [goal.once_per for goal in trial.goals]
    contribution(before, goals, width, -1, rows)
    contribution(after, goals, width, 1, rows)
    was = set(before)
    return [event for event in after if event not in was]


def _found(unit: Unit, verdict: Verdict) -> Iterator[tuple[int, Role]]:
    """Every (new hit of somebody, role)."""
    table = unit.table
    if not any(judged.trials for judged in table.judged):
        return
    tried = np.array([bool(judged.trials) for judged in table.judged], dtype=bool)[table.combos.account]
    combos = [(c, table.combos[c]) for c in group(verdict.combo[tried[verdict.combo]])[0].tolist()]
    roles = {c: _roles(table.judged[combo.account], combo) for c, combo in combos}
    has_role = np.zeros(len(table.combos), dtype=bool)
    has_role[[c for c, of_combo in roles.items() if of_combo]] = True
    mine = np.flatnonzero(has_role[verdict.combo] & (unit.flags[verdict.new] & NO_VISITOR == 0))
    for hit, combo in zip(verdict.new[mine].tolist(), verdict.combo[mine].tolist(), strict=True):
        yield from ((hit, role) for role in roles[combo])


def _roles(judged: Judged, combo: Combo) -> list[Role]:
    roles: list[Role] = []
    for number, trial in enumerate(judged.trials):
        key = TrialKey(combo.account, number)
        mine = [series for series in combo.series if series.metric == trial.metric]
        if any(series.breakdown == 0 for series in mine):
            roles.append(Role(key, EXPOSED, None, tuple(s.value for s in mine if s.breakdown > 0)))
        for goal in (goal_of(series) for series in mine):
            if goal is not None:
                of = trial.goals[goal].field
                roles.append(Role(key, goal, None if of is None else combo.fields.index(of), ()))
    return roles


def _event(unit: Unit, hit: int, role: Role, has_room: HasRoom) -> TrialEvent:
    time, when = int(unit.time[hit]), int(unit.when[hit])
    epoch = _trial(unit, role.key).epoch_at(time)
    value = MICRO if role.position is None else int(unit.values[unit.start[hit] + role.position])
    shown: list[str] = []
    if role.goal == EXPOSED:
        variation = role.shown[0] if role.shown[0] in {v.id for v in epoch.variations} else OTHER_VALUE
        shown.append(variation)
        for breakdown, by in enumerate(role.shown[1:], VARIATIONS + 1):
            text = TrialName(epoch.number, variation, by).text()
            shown.append(by if has_room(role.key, breakdown, when, text) else OTHER_VALUE)
    return TrialEvent(time, int(unit.message[hit]), role.goal, epoch.number, when, value, tuple(shown))


def _trial(unit: Unit, key: TrialKey) -> Trial:
    return unit.table.judged[key.account].trials[key.trial]


def _hash(unit: Unit, key: TrialKey) -> int:
    judged = unit.table.judged[key.account]
    name = judged.metrics[judged.trials[key.trial].metric].name
    return xxhash.xxh3_64_intdigest(f"{judged.account}#{name}".encode())

"""What one visitor adds to an experiment's numbers: a function of the events remembered of the visitor, and of nothing else.

So a late exposure or a late goal event ends up where it belongs: what the visitor added before is taken back, and what
follows from all events is given. An event keeps the epoch and the names it was given when it was first seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pipeline.model.counter import NO_NUMBER
from pipeline.model.definition import VISITOR, VISITOR_DAY
from pipeline.model.facts import EXPOSED, TrialEvent
from pipeline.model.layout import HOURS_PER_DAY
from pipeline.model.trial import (
    SEVERAL,
    SEVERAL_VISITORS,
    VARIATIONS,
    VISITORS,
    TrialName,
    add_of_day,
    add_value,
)

# Of a visitor and experiment. More exposures than these change nothing: two variations are several already.
VARIATIONS_MAX = 4
GOAL_EVENTS_MAX = 250

OncePer = str | None


class TrialPlace(NamedTuple):
    """A cell of an experiment: local day and hour, breakdown, and the text of its value."""

    when: int
    breakdown: int
    name: str


Rows = dict[TrialPlace, list[int]]


def contribution(events: Iterable[TrialEvent], goals: Sequence[OncePer], width: int, sign: int, into: Rows) -> None:
    """Add (sign 1) or take back (-1) what these events of one visitor come to. goals: `once_per` of each goal; width: of a
    row of columns.
    """
    by_epoch: dict[int, list[TrialEvent]] = {}
    ordered = sorted(events)
    for event in ordered:
        by_epoch.setdefault(event.epoch, []).append(event)
    for epoch, of_epoch in by_epoch.items():
        exposures = [event for event in of_epoch if event.goal == EXPOSED]
        if exposures:
            first = exposures[0]
            if any(event.shown[0] != first.shown[0] for event in exposures):
                place = TrialPlace(first.when, VARIATIONS, TrialName(epoch, SEVERAL).text())
                _row(into, place, width)[SEVERAL_VISITORS] += sign
            else:
                before = [event for event in ordered if event.goal != EXPOSED and event.time < first.time]
                later = [event for event in of_epoch if event.goal != EXPOSED and event.time >= first.time]
                _add_exposed(first, before, later, goals, width, sign, into)


def _add_exposed(
    first: TrialEvent,
    before: Sequence[TrialEvent],
    later: Sequence[TrialEvent],
    goals: Sequence[OncePer],
    width: int,
    sign: int,
    into: Rows,
) -> None:
    places = _places(first)
    for breakdown, name in places:
        _row(into, TrialPlace(first.when, breakdown, name), width)[VISITORS] += sign
    for goal, once_per in enumerate(goals):
        counted, earlier = (_counted([e for e in some if e.goal == goal], once_per) for some in (later, before))
        if not counted and not earlier:
            continue
        value = sum(event.value for event in counted) if counted else None
        was = sum(event.value for event in earlier)
        for breakdown, name in places:
            add_value(_row(into, TrialPlace(first.when, breakdown, name), width), goal, value, was, sign)
            for event in counted:
                add_of_day(_row(into, TrialPlace(event.when, breakdown, name), width), goal, event.value, sign)


def _places(first: TrialEvent) -> list[tuple[int, str]]:
    """(breakdown, name) of all cells that a visitor of this exposure counts in."""
    variation, *by = first.shown
    named = [(VARIATIONS + 1 + i, TrialName(first.epoch, variation, value).text()) for i, value in enumerate(by)]
    return [(VARIATIONS, TrialName(first.epoch, variation).text()), *named]


def _counted(events: Sequence[TrialEvent], once_per: OncePer) -> Sequence[TrialEvent]:
    """Of one goal's events, in order, those that count and have a number."""
    if once_per == VISITOR:
        events = events[:1]
    elif once_per == VISITOR_DAY:
        events = list({event.when // HOURS_PER_DAY: event for event in reversed(events)}.values())
    return [event for event in events if event.value != NO_NUMBER]


def _row(into: Rows, place: TrialPlace, width: int) -> list[int]:
    row = into.get(place)
    if row is None:
        row = into[place] = [0] * width
    return row


def remembered(events: Iterable[TrialEvent]) -> list[TrialEvent]:
    """Of all events, those that decide: per epoch the earliest exposure to each of the first few variations, and every
    goal event; each once.
    """
    shown: dict[tuple[int, str], TrialEvent] = {}
    goals: dict[tuple[int, int], TrialEvent] = {}
    for event in sorted(events):
        if event.goal == EXPOSED:
            of_epoch = [key for key in shown if key[0] == event.epoch]
            if len(of_epoch) < VARIATIONS_MAX or (event.epoch, event.shown[0]) in shown:
                shown.setdefault((event.epoch, event.shown[0]), event)
        else:
            goals.setdefault((event.goal, event.id), event)
    return [*shown.values(), *goals.values()]

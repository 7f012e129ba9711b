"""Which hits are a visitor's first, unit after unit, against the obvious: the least (time, messageId) of all so far."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import numpy as np
import pytest

from pipeline.model.layout import HOURS_PER_DAY
from pipeline.visitors.firsts import VISITOR_SCOPE, Moves, Touches, mark_firsts
from pipeline.visitors.known import Known, Learnt
from tests.support.hits import event, snapshot_of, unit_of

COUNTS = {"first": {"aggregate": "count", "once_per": "visitor"}, "daily": {"aggregate": "count", "once_per": "visitor_day"}}
AMOUNTS = {
    "first": {"aggregate": "sum", "field": "properties.total", "once_per": "visitor"},
    "daily": {"aggregate": "sum", "field": "properties.total", "once_per": "visitor_day"},
}
NOTHING = (np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.uint32))


def moves_of(known: Known, measures: dict[str, Any], *events: dict[str, Any], beyond: bool = False) -> Moves:
    """What these new events move; what was learnt is known from then on."""
    unit = unit_of(snapshot_of({"id": "all", "measures": measures}), events)
    which, series = unit.table.series_of(unit.combo)
    moves, learnt = mark_firsts(unit, Touches(which, series, unit.when[which] * 2 + beyond), known)
    known.learn(Learnt(*NOTHING, learnt.firsts, learnt.valued))
    return moves


def counted(moves: Moves) -> Counter[tuple[str, int]]:
    """(scope, day of January) -> firsts given less those taken back."""
    total: Counter[tuple[str, int]] = Counter()
    plain = zip(moves.scope.tolist(), moves.spot.tolist(), moves.sign.tolist(), strict=True)
    for scope, spot, sign in [*plain, *((m.scope, m.spot, m.sign) for m in moves.valued)]:
        total["ever" if scope == VISITOR_SCOPE else "day", spot // 2 // HOURS_PER_DAY - 19722] += sign
    return total


@pytest.mark.parametrize("measures", [COUNTS, AMOUNTS], ids=["counts", "amounts"])
def test_a_late_earlier_event_moves_the_first_day(measures: dict[str, Any]) -> None:
    known = Known()
    assert counted(moves_of(known, measures, event("a", "ann", "05T10:00"))) == {("ever", 5): 1, ("day", 5): 1}
    late = counted(moves_of(known, measures, event("b", "ann", "03T10:00")))
    assert late == {("ever", 3): 1, ("ever", 5): -1, ("day", 3): 1}


@pytest.mark.parametrize("measures", [COUNTS, AMOUNTS], ids=["counts", "amounts"])
def test_a_later_event_moves_nothing(measures: dict[str, Any]) -> None:
    known = Known()
    moves_of(known, measures, event("a", "ann", "05T10:00"))
    assert counted(moves_of(known, measures, event("b", "ann", "05T11:00"))) == {}


@pytest.mark.parametrize("measures", [COUNTS, AMOUNTS], ids=["counts", "amounts"])
def test_an_event_without_a_visitor_is_nobody_s_first(measures: dict[str, Any]) -> None:
    assert counted(moves_of(Known(), measures, event("a", None, "05T10:00"))) == {}


def test_what_was_counted_is_taken_back_from_where_it_was_counted() -> None:
    known = Known()
    moves_of(known, AMOUNTS, event("a", "ann", "05T10:00", total=7.5), beyond=True)
    (back, given) = [m for m in moves_of(known, AMOUNTS, event("b", "ann", "03T10:00", total=2)).valued if m.scope == 0]
    assert (back.sign, back.spot & 1, back.values) == (-1, 1, (7_500_000,))
    assert (given.sign, given.spot & 1, given.values) == (1, 0, (2_000_000,))


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_of_equal_times_the_smaller_message_id_is_the_first(order: tuple[str, str]) -> None:
    totals = {"a": 1, "b": 2}
    known = Known()
    worth: Counter[int] = Counter()
    for message in order:
        for move in moves_of(known, AMOUNTS, event(message, "ann", "05T10:00", total=totals[message])).valued:
            worth[move.scope] += move.sign * move.values[0]
    assert set(worth.values()) == {1_000_000}


@pytest.mark.parametrize("measures", [COUNTS, AMOUNTS], ids=["counts", "amounts"])
@pytest.mark.parametrize("seed", range(20))
def test_moves_add_up_to_the_firsts_of_all_events(measures: dict[str, Any], seed: int) -> None:
    random = Random(seed)
    events = [
        event(f"m{i}", random.choice(["ann", "bob", "cy"]), f"{random.randint(1, 5):02d}T{random.randint(0, 23):02d}:00")
        for i in range(30)
    ]
    known, total = Known(), Counter[tuple[str, int]]()
    for begin in range(0, 30, 6):
        for key, n in counted(moves_of(known, measures, *events[begin : begin + 6])).items():
            total[key] += n
    ever = {who: min(e["timestamp"] for e in events if e["anonymousId"] == who) for who in ("ann", "bob", "cy")}
    days = {(e["anonymousId"], e["timestamp"][:10]) for e in events}
    expected = Counter(("ever", int(first[8:10])) for first in ever.values())
    expected.update(("day", int(day[8:])) for _, day in days)
    assert +total == expected
    assert min(total.values()) >= 0

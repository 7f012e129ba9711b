"""What one visitor's events come to in an experiment."""

from __future__ import annotations

from random import Random

import pytest

from pipeline.model.counter import MICRO
from pipeline.model.facts import EXPOSED, TrialEvent
from pipeline.model.trial import SEVERAL_VISITORS, VISITORS, TrialName, add_value, goal_sums, trial_columns
from pipeline.trials.contribution import VARIATIONS_MAX, Rows, TrialPlace, contribution, remembered

WIDTH = len(trial_columns(1))


def exposure(time: int, shown: str = "a", epoch: int = 1) -> TrialEvent:
    return TrialEvent(time, time, EXPOSED, epoch, time, 0, (shown,))


def order(time: int, value: int = 1, epoch: int = 1) -> TrialEvent:
    return TrialEvent(time, time, 0, epoch, time, value * MICRO, ())


def rows_of(*events: TrialEvent, once_per: str | None = None) -> Rows:
    rows: Rows = {}
    contribution(events, [once_per], WIDTH, 1, rows)
    return rows


def place(when: int, variation: str = "a", epoch: int = 1) -> TrialPlace:
    return TrialPlace(when, 1, TrialName(epoch, variation).text())


def test_a_goal_counts_at_or_after_the_exposure_only() -> None:
    rows = rows_of(order(1, 7), exposure(2), order(2, 3), order(5, 4))
    assert rows[place(2)][VISITORS] == 1
    sums = goal_sums(rows[place(2)], 0)
    assert (sums.converted, sums.total, sums.squares) == (1, 7 * MICRO, (7 * MICRO) ** 2)
    assert [goal_sums(rows[place(when)], 0).of_day for when in (2, 5)] == [3 * MICRO, 4 * MICRO]


def test_what_came_before_the_exposure_stands_beside_it() -> None:
    sums = goal_sums(rows_of(order(1, 7), exposure(2), order(5, 4))[place(2)], 0)
    assert sums.before == 7 * MICRO
    assert (sums.total, sums.products) == (4 * MICRO, sums.before * 4 * MICRO)


def test_no_goal_without_an_exposure_and_none_of_another_epoch() -> None:
    assert rows_of(order(1)) == {}
    assert set(rows_of(exposure(1), order(2, epoch=2))) == {place(1)}


@pytest.mark.parametrize(("once_per", "total"), [(None, 6), ("visitor", 1), ("visitor_day", 1 + 3)])
def test_what_counts_once_counts_from_the_exposure_on(once_per: str | None, total: int) -> None:
    rows = rows_of(order(0, 9), exposure(1), order(2, 1), order(3, 2), order(50, 3), once_per=once_per)
    assert goal_sums(rows[place(1)], 0).total == total * MICRO


def test_who_saw_several_variations_counts_in_none() -> None:
    rows = rows_of(exposure(3), exposure(1, "b"), order(5))
    assert set(rows) == {place(1, "")} and rows[place(1, "")][SEVERAL_VISITORS] == 1


def test_what_is_given_and_taken_back_leaves_nothing() -> None:
    events = [exposure(2), order(3, 10**12), order(70, -5)]
    rows = rows_of(*events)
    contribution(events, [None], WIDTH, -1, rows)
    assert all(not any(row) for row in rows.values())


def test_the_square_of_a_large_value_is_exact() -> None:
    row = [0] * WIDTH
    for sign in (1, 1, -1):
        add_value(row, 0, 250 * 10**18, -(10**18), sign)
    add_value(row, 0, -(10**18), 3, 1)
    assert goal_sums(row, 0).squares == (250 * 10**18) ** 2 + 10**36
    assert goal_sums(row, 0).products == -250 * 10**36 - 3 * 10**18
    assert (goal_sums(row, 0).before, goal_sums(row, 0).before_squares) == (3 - 10**18, 10**36 + 9)
    assert all(-(2**63) <= column < 2**63 for column in row)


def test_what_is_remembered_decides_as_everything_does() -> None:
    random = Random(1)
    for _ in range(200):
        events = [
            exposure(random.randrange(9), random.choice("ab"), random.randrange(1, 3)) if random.random() < 0.5
            else order(random.randrange(9), random.randrange(3), random.randrange(1, 3))
            for _ in range(random.randrange(12))
        ]  # fmt: skip
        distinct = list({(e.goal, e.id, e.shown, e.epoch): e for e in events}.values())
        goals_once = list(
            {(e.goal, e.id) if e.goal == 0 else (e.goal, e.id, e.shown, e.epoch): e for e in sorted(distinct)[::-1]}.values()
        )
        kept = remembered(goals_once)
        assert rows_of(*kept) == rows_of(*goals_once)
        assert remembered(remembered(kept[:3]) + kept[3:]) == remembered(kept)


def test_exposures_to_more_variations_are_not_remembered_without_end() -> None:
    assert len(remembered(exposure(n, str(n)) for n in range(100))) == VARIATIONS_MAX

"""Reads what `pipeline.trials` counted of one experiment: a few cells of its months, added up over slots and days."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from pipeline.model.counter import MICRO, from_micro
from pipeline.model.damage import reading
from pipeline.model.experiment import Epoch, Experiment
from pipeline.model.layout import DAY, counter_row, day_range, parse_counter_qualifier, unpack_totals
from pipeline.model.trial import (
    FORGOTTEN,
    PREFIX,
    SEVERAL,
    SEVERAL_VISITORS,
    VARIATIONS,
    VISITORS,
    TrialName,
    goal_sums,
    squared,
    trial_columns,
)
from pipeline.store.contract import Store
from readers.experiments.totals import GoalTotals, TrialTotals, VariationTotals

_DAYS_OF_MONTH = 31
_AHEAD = timedelta(days=2)  # the account's day may be ahead of ours, and an event of its clock
_BEHIND = timedelta(days=1)  # the account's day may be behind ours
_EARLIEST = date(1970, 1, 1)


def read_totals(store: Store, account: str, experiment: Experiment, epoch: Epoch, today: date) -> TrialTotals:
    """One epoch's totals, of all its days since 1970. Raises StoreError."""
    return _totals(experiment, epoch, _cells(store, account, experiment, epoch, VARIATIONS, today))


def read_totals_by(
    store: Store, account: str, experiment: Experiment, epoch: Epoch, by: str, today: date
) -> dict[str, TrialTotals]:
    """The same for each value of a breakdown of the experiment. Visitors of several variations are not cut by value.
    Raises StoreError; ValueError for what is no breakdown of it.
    """
    breakdown = VARIATIONS + 1 + experiment.breakdowns.index(by)
    of_value: dict[str, list[_Cell]] = {}
    for cell in _cells(store, account, experiment, epoch, breakdown, today):
        of_value.setdefault(cell.name.by, []).append(cell)
    return {value: _totals(experiment, epoch, cells) for value, cells in sorted(of_value.items())}


@dataclass(frozen=True, slots=True)
class _Cell:
    """One slot of one day."""

    day: str
    name: TrialName
    row: list[int]


@dataclass(slots=True)
class _Goal:
    converted: int = 0
    total: int = 0
    squares: int = 0
    before: int = 0
    before_squares: int = 0
    products: int = 0
    days: dict[str, int] = field(default_factory=dict)


def _cells(store: Store, account: str, experiment: Experiment, epoch: Epoch, breakdown: int, today: date) -> Iterator[_Cell]:
    """Of the epoch. The first one is open to the past: months without numbers cost a key each."""
    begun = max(date.fromisoformat((epoch.effective_at or "1970-01-01")[:10]), _EARLIEST) - _BEHIND
    width = len(trial_columns(len(experiment.goals)))
    rows = {
        counter_row(account, PREFIX + experiment.id, experiment.revision, year, month): f"{year:04d}-{month:02d}"
        for year, month in _months(begun, today + _AHEAD)
    }
    found = store.read("counters", list(rows), [day_range(DAY, breakdown, 1, _DAYS_OF_MONTH)])
    for row, cells in found.items():
        with reading("counters", row):
            for qualifier, value in cells:
                key, totals = parse_counter_qualifier(qualifier), unpack_totals(value).tolist()
                if len(totals) != width:
                    raise ValueError(f"{len(totals)} columns instead of {width}")
                name = TrialName.of(key.value)
                if name.epoch == epoch.number:
                    yield _Cell(f"{rows[row]}-{key.day:02d}", name, totals)


def _months(first: date, last: date) -> Iterator[tuple[int, int]]:
    for number in range(first.year * 12 + first.month - 1, last.year * 12 + last.month):
        yield number // 12, number % 12 + 1


def _totals(experiment: Experiment, epoch: Epoch, cells: Iterable[_Cell]) -> TrialTotals:
    days: dict[str, dict[str, int]] = {variation.id: {} for variation in epoch.variations}
    goals: dict[str, list[_Goal]] = {}
    several = forgotten = 0
    for cell in cells:
        if cell.name.variation == SEVERAL:
            several += cell.row[SEVERAL_VISITORS]
            forgotten += cell.row[FORGOTTEN]
            continue
        of_variation = days.setdefault(cell.name.variation, {})
        of_variation[cell.day] = of_variation.get(cell.day, 0) + cell.row[VISITORS]
        _add(goals.setdefault(cell.name.variation, [_Goal() for _ in experiment.goals]), cell)
    ours = {variation.id for variation in epoch.variations}
    unknown = {name: sum(of_days.values()) for name, of_days in days.items() if name not in ours}
    variations = {
        name: VariationTotals(
            name,
            sum(days[name].values()),
            {day: visitors for day, visitors in sorted(days[name].items()) if visitors},
            tuple(_goal(goal) for goal in goals.get(name) or [_Goal() for _ in experiment.goals]),
        )
        for name in days
        if name in ours
    }
    return TrialTotals(variations, several, forgotten, {name: visitors for name, visitors in unknown.items() if visitors})


def _add(goals: list[_Goal], cell: _Cell) -> None:
    for number, goal in enumerate(goals):
        sums = goal_sums(cell.row, number)
        goal.converted += sums.converted
        goal.total += sums.total
        goal.squares += sums.squares
        goal.before += sums.before
        goal.before_squares += sums.before_squares
        goal.products += sums.products
        if sums.of_day:
            goal.days[cell.day] = goal.days.get(cell.day, 0) + sums.of_day


def _goal(goal: _Goal) -> GoalTotals:
    return GoalTotals(
        goal.converted,
        from_micro(goal.total),
        squared(goal.squares, MICRO),
        {day: from_micro(total) for day, total in sorted(goal.days.items())},
        from_micro(goal.before),
        squared(goal.before_squares, MICRO),
        squared(goal.products, MICRO),
    )

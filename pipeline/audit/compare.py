"""Holds a recount against the store, metric by metric, and says what differs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np

from pipeline.audit.cells import Cells, added_up, columns_of, shown_numbers
from pipeline.audit.difference import RECOUNT, UNKNOWN_REVISION, Difference, Findings, day_text
from pipeline.audit.gather import Kind
from pipeline.audit.recount import Recount
from pipeline.audit.revisions import Revisions
from pipeline.audit.stored import Stored, Wanted, read_stored
from pipeline.audit.tables import ALL_VALUES, differing, with_values_merged
from pipeline.audit.trials import compare_trial
from pipeline.model.judged import Judged
from pipeline.model.layout import EPOCH_ORDINAL, HOURS_PER_DAY
from pipeline.model.limits import BREAKDOWN_VALUES_MAX
from pipeline.store.contract import Store

SHOWN_MAX = 200
ALL_VALUES_TEXT = "(all values)"


@dataclass(slots=True)
class Comparison:
    """What comparing came to. `shown`: some of the differences; `cells`: how many numbers were compared, by kind."""

    cells: Counter[str] = field(default_factory=Counter)
    differing: Counter[tuple[str, str]] = field(default_factory=Counter)  # by account and metric
    shown: list[Difference] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    spans: dict[str, tuple[int, int]] = field(default_factory=dict)  # the days compared, by account

    def add(self, wanted: Wanted, *parts: Findings) -> bool:
        """What is wrong with one metric: all of it counts, the first are shown. Whether its own revision has any."""
        found = [difference for part in parts for difference in part.shown][: Findings.SHOWN_MAX]
        self.shown.extend(found[: max(0, SHOWN_MAX - len(self.shown))])
        numbers = sum((part.numbers for part in parts), Counter())
        self.differing.update({(wanted.account, metric): n for metric, n in numbers.items()})
        return wanted.name in numbers


@dataclass(frozen=True, slots=True)
class Days:
    """The days asked for; None: the first or last on which the input has something that counts."""

    first: date | None
    last: date | None

    def of(self, covered: tuple[int, int] | None) -> tuple[int, int] | None:
        """The days to compare, both inclusive, since 1970; None where nothing says which."""
        first = self.first.toordinal() - EPOCH_ORDINAL if self.first else covered and covered[0]
        last = self.last.toordinal() - EPOCH_ORDINAL if self.last else covered and covered[1]
        return None if first is None or last is None else (first, last)


def compare(store: Store, recount: Recount, days: Days, values_max: int = BREAKDOWN_VALUES_MAX) -> Comparison:
    """All metrics of all accounts of the recount. The store is only read. values_max: how many values a slot names."""
    result = Comparison()
    for account, judged in recount.judged.items():
        span = days.of(recount.days.get(account))
        if span is None:
            result.notes.append(f"{account}: the input has no event of it that a metric counts; nothing was compared")
            continue
        result.spans[account] = span
        revisions = Revisions(store, account)
        for number in range(len(judged.trials)):
            _compare_trial(store, recount, days, judged, number, result)
        for number, judged_metric in enumerate(judged.metrics[: len(judged.definitions.metrics)]):
            wanted = Wanted(account, judged_metric.metric, *span, values_max)
            _compare_metric(store, recount, number, wanted, revisions, result)
    return result


def _compare_metric(
    store: Store, recount: Recount, number: int, wanted: Wanted, revisions: Revisions, result: Comparison
) -> None:
    metric = wanted.metric
    known = revisions.known(metric.id)
    stored = read_stored(store, wanted, known, recount.names)
    by_day, by_hour = Findings(), Findings()  # days are told first: their hours say the same once more
    for breakdown in range(len(metric.breakdowns) + 1):
        hours = _within(recount.cells(Kind(wanted.account, number, breakdown)), wanted)
        if metric.revision in known:
            days = added_up(hours._replace(when=hours.when // HOURS_PER_DAY), columns_of(metric, breakdown))
            against = _Against(recount, wanted, stored, breakdown, result.cells)
            against.compare("days", 1, stored.days[breakdown], days, by_day)
            against.compare("hours", HOURS_PER_DAY, stored.hours[breakdown], hours, by_hour)
        elif breakdown == 0 and len(hours.when):
            detail = "the input has events for this revision, but no run on this store has ever known it"
            by_day.add(Difference(UNKNOWN_REVISION, wanted.account, wanted.name, detail=detail))
    if result.add(wanted, stored.wrong, by_day, by_hour) and metric.revision in known:
        result.notes.append(f"{wanted.account} {wanted.name}: {revisions.in_force(metric.id, metric.revision)}")
    result.notes.extend(_of_full_days(wanted, stored))


def _compare_trial(store: Store, recount: Recount, days: Days, judged: Judged, number: int, result: Comparison) -> None:
    metric = judged.metrics[judged.trials[number].metric].metric
    if days.first or days.last:
        result.notes.append(f"{judged.account} {metric.id}: an experiment is recounted over all days or not at all")
        return
    found, numbers, note = compare_trial(store, judged, number, recount.trials.table(judged.account, number))
    result.add(Wanted(judged.account, metric, 0, 0), found)
    result.cells["experiments"] += numbers
    result.notes.extend([f"{judged.account} {note}"] if note else [])


def _within(cells: Cells, wanted: Wanted) -> Cells:
    """The hours of the days that are compared."""
    day = cells.when // HOURS_PER_DAY
    return cells.take((day >= wanted.first) & (day <= wanted.last))


@dataclass(frozen=True, slots=True)
class _Against:
    """One breakdown of one metric (0: none), what the store has against what was recounted."""

    recount: Recount
    wanted: Wanted
    stored: Stored
    breakdown: int
    cells: Counter[str]

    def compare(self, name: str, per_day: int, have: Cells, ours: Cells, found: Findings) -> None:
        """Count the numbers that are compared under `name`, and find those that differ. per_day: 1, or hours."""
        cols = columns_of(self.wanted.metric, self.breakdown)
        full = np.array(sorted(day for b, day in self.stored.full if b == self.breakdown), dtype=np.int64)
        # Beyond the bound of named values, only what all of them come to is a function of the events.
        tables = [with_values_merged(table, full, per_day, cols) for table in (have, ours)]
        unequal = differing(tables[0], tables[1], cols)
        self.cells[name] += unequal.compared
        shown = [d for row in unequal.rows(found.room) for d in self._differences(per_day, *row)][: found.room]
        found.add(*shown)
        found.numbers[self.wanted.name] += unequal.numbers - len(shown)

    def _differences(self, per_day: int, when: int, value: int, have: list[int], ours: list[int]) -> Iterator[Difference]:
        cols = columns_of(self.wanted.metric, self.breakdown)
        stored, recounted = shown_numbers(cols, have), shown_numbers(cols, ours)
        day, hour = divmod(when, per_day)
        cell = Difference(RECOUNT, self.wanted.account, self.wanted.name, day=day, hour=hour if per_day > 1 else None)
        if self.breakdown:
            text = ALL_VALUES_TEXT if value == ALL_VALUES else self.recount.names.texts[value]
            cell = replace(cell, breakdown=self.wanted.metric.breakdowns[self.breakdown - 1], value=text)
        for measure in (m for m in stored if stored[m] != recounted[m]):
            yield replace(cell, measure=measure, stored=stored[measure], recounted=recounted[measure])


def _of_full_days(wanted: Wanted, stored: Stored) -> Iterator[str]:
    """That a breakdown is compared by its sum."""
    for breakdown in sorted({b for b, _ in stored.full}):
        days = sorted(day for b, day in stored.full if b == breakdown)
        path = wanted.metric.breakdowns[breakdown - 1]
        more = f" and {len(days) - 1} more" if len(days) > 1 else ""
        yield (
            f"{wanted.account} {wanted.name} by {path} on {day_text(days[0])}{more}: a slot names "
            f"{wanted.values_max:,} values or more, what came after them counts under (other), so only the sum over all "
            "values is compared"
        )

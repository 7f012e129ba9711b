"""What an account's events are judged under: its metrics in a fixed order, and where each measure is counted.

Both ends of the shuffle derive the same `Judged` from the same definitions, so hits name metrics and fields by index.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

import xxhash

from pipeline.model.counter import Column, columns
from pipeline.model.definition import COUNT, VISITOR, VISITOR_DAY, AccountDefinitions, Measure, Metric
from pipeline.model.experiment import Epoch, Experiment
from pipeline.model.hit import Series, goal_series
from pipeline.model.trial import trial_columns

# The builtin metric that counts an account's rejects; its revision is no digest, so no client's metric can be it.
REJECTED = Metric("_rejected", {}, (Measure("rejected", COUNT),), ("reason",), "Records that were rejected", "rejects", {})


@dataclass(frozen=True, slots=True)
class FieldColumn:
    """A measure of a field: the field's index, the aggregate, and its first column (see `counter.columns`)."""

    field: int
    aggregate: str
    column: int


@dataclass(frozen=True, slots=True)
class Scope:
    """The measures of a metric that look at the same events: all of them, or firsts of one `once_per`."""

    counts: tuple[int, ...]  # columns that go up by one
    fields: tuple[FieldColumn, ...]

    @property
    def empty(self) -> bool:
        """Nothing is counted so."""
        return not self.counts and not self.fields


@dataclass(frozen=True)
class JudgedMetric:
    """One metric revision, ready to be counted."""

    metric: Metric
    columns: tuple[Column, ...]
    every: Scope
    once_visitor: Scope
    once_day: Scope
    fields: tuple[int, ...]  # all it reads, ascending

    @property
    def valued(self) -> bool:
        """Some first's amount is counted, so ties between firsts matter and firsts are kept with their values."""
        return bool(self.once_visitor.fields or self.once_day.fields)

    @cached_property
    def name(self) -> str:
        """`metric@revision`, what numbers are never mixed across."""
        return f"{self.metric.id}@{self.metric.revision}"


@dataclass(frozen=True, slots=True)
class JudgedGoal:
    """A goal: the index of its metric, what its measure counts, the index of the field it sums (None: it counts events)."""

    metric: int
    once_per: str | None
    field: int | None


@dataclass(frozen=True, slots=True)
class Trial:
    """An experiment that counts. metric: the index of what shows exposures; starts_ns: of all epochs but the first."""

    experiment: Experiment
    metric: int
    goals: tuple[JudgedGoal, ...]
    starts_ns: tuple[int, ...]

    def epoch_at(self, time_ns: int) -> Epoch:
        """The epoch that an event time lies in."""
        return self.experiment.epochs[bisect_right(self.starts_ns, time_ns)]


@dataclass(frozen=True)
class Judged:
    """An account's metrics (sorted by id), what shows exposures, the builtin metric last; and the distinct fields that
    are summed (sorted).
    """

    definitions: AccountDefinitions
    fields: tuple[str, ...]
    metrics: tuple[JudgedMetric, ...]

    @property
    def account(self) -> str:
        """The client."""
        return self.definitions.account

    @cached_property
    def digest(self) -> int:
        """64 bits that stand for the account and the set of its metric revisions."""
        return digest_of(self.definitions)

    @cached_property
    def names(self) -> frozenset[str]:
        """The `metric@revision`s an event is remembered to have been judged under."""
        return frozenset(m.name for m in self.metrics)

    def counts(self, metric: int) -> bool:
        """Whether this metric's hits are counted one by one; what shows exposures isn't, see `pipeline.trials`."""
        return not len(self.definitions.metrics) <= metric < len(self.metrics) - 1

    @cached_property
    def trials(self) -> tuple[Trial, ...]:
        """The experiments that the account's events count in."""
        index = {m.metric.id: i for i, m in enumerate(self.metrics)}
        return tuple(
            Trial(
                experiment,
                at,
                tuple(self._goal(index[goal.metric], goal.measure) for goal in experiment.goals),
                tuple(_ns(epoch.effective_at) for epoch in experiment.epochs[1:]),
            )
            for at, experiment in enumerate(self.definitions.trials, len(self.definitions.metrics))
        )

    @cached_property
    def goals(self) -> dict[int, tuple[Series, ...]]:
        """What an event of a metric is a goal event of, by the metric's index: see `goal_series`."""
        found: dict[int, tuple[Series, ...]] = {}
        for trial in self.trials:
            for number, goal in enumerate(trial.goals):
                found[goal.metric] = (*found.get(goal.metric, ()), goal_series(trial.metric, number))
        return found

    def _goal(self, metric: int, name: str) -> JudgedGoal:
        measure = next(m for m in self.metrics[metric].metric.measures if m.name == name)
        return JudgedGoal(metric, measure.once_per, self.fields.index(measure.field) if measure.field else None)

    @classmethod
    def of(cls, definitions: AccountDefinitions) -> Judged:
        """From an account's definitions."""
        metrics = [*(definitions.metrics[i] for i in sorted(definitions.metrics)), *definitions.exposures, REJECTED]
        fields = tuple(sorted({m.field for metric in metrics for m in metric.measures if m.field}))
        judged = [_judged_metric(m, fields) for m in metrics]
        for at, experiment in enumerate(definitions.trials, len(definitions.metrics)):
            judged[at] = replace(judged[at], columns=trial_columns(len(experiment.goals)))
        return cls(definitions, fields, tuple(judged))


class JudgedSets:
    """The same for many accounts. Those with equal metrics share what is worked out of them, which takes a while."""

    def __init__(self) -> None:
        self._by_digest: dict[str, Judged] = {}

    def of(self, definitions: AccountDefinitions) -> Judged:
        """From an account's definitions."""
        equal = self._by_digest.get(definitions.digest)
        if equal is None:
            equal = self._by_digest[definitions.digest] = Judged.of(definitions)
        return equal if equal.definitions is definitions else Judged(definitions, equal.fields, equal.metrics)


def digest_of(definitions: AccountDefinitions) -> int:
    """`Judged.digest`, without working out the rest."""
    return xxhash.xxh3_64_intdigest(f"{definitions.account}#{definitions.digest}".encode())


def _ns(time: str | None) -> int:
    at = datetime.fromisoformat(time or "1970-01-01T00:00:00Z")
    return round(at.timestamp() * 1000) * 1_000_000


def _judged_metric(metric: Metric, fields: tuple[str, ...]) -> JudgedMetric:
    cols = columns(metric.measures)
    start = {column.measure: i for i, column in reversed(list(enumerate(cols)))}

    def scope(once_per: str | None) -> Scope:
        mine = [m for m in metric.measures if m.once_per == once_per]
        return Scope(
            tuple(start[m.name] for m in mine if m.aggregate == COUNT),
            tuple(FieldColumn(fields.index(m.field), m.aggregate, start[m.name]) for m in mine if m.field),
        )

    read = tuple(sorted({fields.index(m.field) for m in metric.measures if m.field}))
    return JudgedMetric(metric, cols, scope(None), scope(VISITOR), scope(VISITOR_DAY), read)

"""What an account's events are judged under: its metrics in a fixed order, and where each measure is counted.

Both ends of the shuffle derive the same `Judged` from the same definitions, so hits name metrics and fields by index.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import xxhash

from pipeline.model.counter import Column, columns
from pipeline.model.definition import COUNT, VISITOR, VISITOR_DAY, AccountDefinitions, Measure, Metric

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

    @classmethod
    def of(cls, definitions: AccountDefinitions) -> Judged:
        """From an account's definitions."""
        metrics = [*(definitions.metrics[i] for i in sorted(definitions.metrics)), *definitions.exposures, REJECTED]
        fields = tuple(sorted({m.field for metric in metrics for m in metric.measures if m.field}))
        return cls(definitions, fields, tuple(_judged_metric(m, fields) for m in metrics))


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

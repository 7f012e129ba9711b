"""Owns how definitions, and what happened to them, are told to people: lines of text, and the JSON of a listing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.definitions.plan import Change, Report
from pipeline.model.definition import AccountDefinitions, Measure

_OUTCOMES = {
    "new": "pushed, revision {revision}",
    "new revision": "new revision {revision}, which starts at zero unless it has counted before (was {before})",
    "description": "description changed, revision {revision} goes on",
    "unchanged": "unchanged, revision {revision}",
    "deleted": "deleted (revision {before})",
}


def report_lines(report: Report) -> Iterator[str]:
    """What a push or a deletion did, a line per metric."""
    for change in report.changes:
        yield f"{report.account}: {change.metric}: {_outcome(change)}"
    if not report.changes:
        yield f"{report.account}: no metric changed"
    if report.kept:
        yield f"{report.account}: {plural(report.kept, 'other metric')} left as before"


def account_lines(definitions: AccountDefinitions) -> Iterator[str]:
    """An account's metrics and measures."""
    settings = definitions.settings
    yield f"{definitions.account} ({settings.timezone}, {plural(len(definitions.metrics), 'metric')})"
    for metric in definitions.metrics.values():
        yield f"  {metric.id}@{metric.revision}: {', '.join(map(_measure, metric.measures))}"
        if metric.description:
            yield f"    {one_line(metric.description)}"


def listing(definitions: AccountDefinitions) -> dict[str, Any]:
    """An account's document, with the metrics' revisions and with the problems."""
    metrics = [{**metric.document(), "revision": metric.revision} for metric in definitions.metrics.values()]
    return {**definitions.document(), "metrics": metrics, "problems": list(definitions.problems)}


def plural(count: int, noun: str) -> str:
    """A count and its noun."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def one_line(text: str) -> str:
    """A text without its line breaks."""
    return " ".join(text.split())


def _outcome(change: Change) -> str:
    return _OUTCOMES[change.outcome].format(revision=change.revision, before=change.before or "none, it was not valid")


def _measure(measure: Measure) -> str:
    of = f" of {measure.field}" if measure.field else ""
    once = f" once per {measure.once_per}" if measure.once_per else ""
    return f"{measure.name} ({measure.aggregate}{of}{once})"

"""Owns how definitions, and what happened to them, are told to people: lines of text, and the JSON of a listing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.definitions.plan import Change, Report
from pipeline.definitions.plan_trials import TrialChange
from pipeline.model.definition import AccountDefinitions, Measure
from pipeline.model.experiment import Epoch, Experiment

_OUTCOMES = {
    "new": "pushed, revision {revision}",
    "new revision": "new revision {revision}, which starts at zero unless it has counted before (was {before})",
    "description": "description changed, revision {revision} goes on",
    "unchanged": "unchanged, revision {revision}",
    "deleted": "deleted (revision {before})",
}


def report_lines(report: Report) -> Iterator[str]:
    """What a push or a deletion did, a line per metric, layer and experiment."""
    for change in report.changes:
        yield f"{report.account}: {change.metric}: {_outcome(change)}"
    for trial in report.trials:
        yield f"{report.account}: {trial.kind} {trial.id}: {_trial_outcome(trial)}"
    if not report.changes and not report.trials:
        yield f"{report.account}: no metric changed"
    if report.kept:
        yield f"{report.account}: {plural(report.kept, 'other metric')} left as before"


def account_lines(definitions: AccountDefinitions) -> Iterator[str]:
    """An account's metrics and measures, layers and experiments."""
    settings = definitions.settings
    yield f"{definitions.account} ({settings.timezone}, {plural(len(definitions.metrics), 'metric')})"
    for metric in definitions.metrics.values():
        yield f"  {metric.id}@{metric.revision}: {', '.join(map(_measure, metric.measures))}"
        if metric.description:
            yield f"    {one_line(metric.description)}"
    for layer in definitions.layers.values():
        yield f"  layer {layer.id}: {plural(layer.buckets, 'bucket')}"
        for experiment in definitions.experiments.values():
            if experiment.layer == layer.id:
                yield f"    {_experiment(experiment, layer.buckets)}"


def listing(definitions: AccountDefinitions) -> dict[str, Any]:
    """An account's document, with revisions and epochs, and with the problems."""
    metrics = [{**metric.document(), "revision": metric.revision} for metric in definitions.metrics.values()]
    experiments = [
        {**e.document(), "revision": e.revision, "epoch": e.epoch.number} for e in definitions.experiments.values()
    ]
    told = {"experiments": experiments} if experiments else {}
    return {**definitions.document(), "metrics": metrics, **told, "problems": list(definitions.problems)}


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


def _trial_outcome(change: TrialChange) -> str:
    of = f" ({', '.join(change.fields)})" if change.fields else ""
    return f"{change.outcome}{of}{f'; {_epoch(change.opened)}' if change.opened else ''}"


def _epoch(epoch: Epoch) -> str:
    return f"epoch {epoch.number}" + (f" from {epoch.effective_at} on" if epoch.effective_at else "")


def _experiment(experiment: Experiment, buckets: int) -> str:
    shares = (f"{v.id} {_share(experiment.epoch, v.id, buckets):.4g} %" for v in experiment.epoch.variations)
    return f"{experiment.id} ({experiment.status}, {_epoch(experiment.epoch)}): {', '.join(shares)}"


def _share(epoch: Epoch, variation: str, buckets: int) -> float:
    return 100 * sum(end - first for first, end in epoch.allocation.get(variation, ())) / buckets

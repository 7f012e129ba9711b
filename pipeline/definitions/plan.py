"""Owns what a push comes to: stored fields and a document in, fields to write and a report out. No Redis.

Pushed is what a document names, settings one by one; the account's other metrics stay. What would make one of those
invalid is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipeline.definitions import history
from pipeline.definitions.hashes import SETTINGS_FIELD, Fields, metric_field, read_hash, to_value
from pipeline.definitions.plan_trials import UNCHANGED, TrialChange, plan_trials
from pipeline.definitions.validate import parse_account
from pipeline.model.definition import AccountDefinitions, DefinitionError, Metric
from pipeline.model.experiment import DRAFT


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to a metric: `new`, `new revision`, `description`, `unchanged`, or `deleted`."""

    metric: str
    outcome: str
    revision: str | None
    before: str | None


@dataclass(frozen=True, slots=True)
class Report:
    """What a push or a deletion did to an account; `kept` counts the metrics that it left alone.

    `pushed`: those that a push named, as they are in force now; `trials`: what happened to layers and experiments;
    `after`: all that a push left in force.
    """

    account: str
    changes: tuple[Change, ...]
    kept: int
    notes: tuple[str, ...] = ()
    pushed: tuple[Metric, ...] = ()
    trials: tuple[TrialChange, ...] = ()
    after: AccountDefinitions | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The fields to set and to delete, the entries of history, and what it all comes to."""

    set: Mapping[bytes, bytes]
    delete: tuple[bytes, ...]
    history: list[bytes]
    report: Report


def plan_push(document: Any, fields: Fields, now: datetime, by: str = "") -> Plan:
    """What pushing a document onto an account's hash comes to. by: who pushes it. Raises DefinitionError."""
    account = document.get("account") if isinstance(document, Mapping) else None
    before = read_hash(str(account), fields)
    pushed = parse_account(_with_settings(document, before), strict=True, standing=before)
    trials = plan_trials(document, fields, before, pushed, now)
    written = {metric_field(metric.id): to_value(metric.document()) for metric in pushed.metrics.values()}
    if document.get("settings") is not None:
        written[SETTINGS_FIELD] = to_value(pushed.settings.document())
    written.update(trials.set)
    after = read_hash(pushed.account, {**fields, **written})
    _refuse_breaking(before, after)
    changes = tuple(_changes(before, after, pushed))
    renewed = [change.metric for change in changes if change.revision != change.before]
    entries = [history.pushed(after.metrics[metric_id], now, by) for metric_id in renewed]
    entries += [history.changed(change, now, by) for change in trials.changes if change.outcome != UNCHANGED]
    notes = (*(_notes(before, after) if fields else ()), *trials.notes)
    in_force = tuple(after.metrics[metric_id] for metric_id in pushed.metrics)
    report = Report(pushed.account, changes, len(after.metrics) - len(changes), notes, in_force, trials.changes, after)
    return Plan(written, trials.delete, entries, report)


def _with_settings(document: Any, before: AccountDefinitions) -> Any:
    """The document with the settings in force where it names none of its own."""
    if not isinstance(document, Mapping):
        return document
    settings = document.get("settings")
    broken = [problem for problem in before.problems if problem.startswith("settings")]
    if broken and settings is None:
        raise DefinitionError("settings", f"those in force are not valid, write them too ({broken[0]})")
    if broken or not isinstance(settings, (Mapping, type(None))):
        return document
    return {**document, "settings": {**before.settings.document(), **(settings or {})}}


def _refuse_breaking(before: AccountDefinitions, after: AccountDefinitions) -> None:
    new = [problem for problem in after.problems if problem not in before.problems]
    if new:
        raise DefinitionError("", f"this would break what the account has: {new[0]}")


def _changes(before: AccountDefinitions, after: AccountDefinitions, pushed: AccountDefinitions) -> Iterator[Change]:
    """The metrics named, and those whose revision the settings have changed."""
    for metric in after.metrics.values():
        old = before.metrics.get(metric.id)
        if old is None:
            outcome = "new"
        elif old.revision != metric.revision:
            outcome = "new revision"
        elif old.document() != metric.document():
            outcome = "description"
        else:
            outcome = "unchanged"
        if metric.id in pushed.metrics or outcome != "unchanged":
            yield Change(metric.id, outcome, metric.revision, old.revision if old else None)


def _notes(before: AccountDefinitions, after: AccountDefinitions) -> Iterator[str]:
    for name in ("timezone", "visitor"):
        old, new = getattr(before.settings, name), getattr(after.settings, name)
        if old != new and before.metrics:
            yield f"{name} changed from {_shown(old)} to {_shown(new)}: every metric of the account starts at zero"
    if before.settings.fanout != after.settings.fanout:
        yield (
            f"fanout changed from {before.settings.fanout} to {after.settings.fanout}: "
            "a store that has counted this account keeps, and demands, the old one"
        )
    for trial in before.trials:
        now = after.experiments.get(trial.id)
        if now is not None and now.status != DRAFT and now.revision != trial.revision:
            yield (
                f"experiment {trial.id}: its exposure, goals or breakdowns changed, or a goal's metric did; "
                "its numbers start at zero unless it has counted so before"
            )


def _shown(setting: str | tuple[str, ...]) -> str:
    return setting if isinstance(setting, str) else f"[{', '.join(setting)}]"

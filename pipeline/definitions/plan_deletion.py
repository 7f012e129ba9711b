"""Owns what a deletion comes to: stored fields and names in, fields to delete and a report out. No Redis.

What something else needs is not deleted. Of an experiment that has run its epochs stay: were it pushed again and began
at its first, what happened before would be added to what comes.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from pipeline.definitions import history
from pipeline.definitions.epochs import kept_of, of_experiment
from pipeline.definitions.hashes import (
    EXPERIMENT_PREFIX,
    LAYER_PREFIX,
    METRIC_PREFIX,
    SETTINGS_FIELD,
    Fields,
    epochs_field,
    read_hash,
    to_value,
)
from pipeline.definitions.plan import Change, Plan, Report
from pipeline.definitions.plan_trials import DELETED, TrialChange
from pipeline.model.definition import AccountDefinitions
from pipeline.model.errors import UsageError
from pipeline.model.experiment import DRAFT

_PREFIXES = (METRIC_PREFIX, EXPERIMENT_PREFIX, LAYER_PREFIX)  # what a bare name stands for, the first that is there


class NotThere(UsageError):
    """What is to be deleted is not there."""


class InUse(UsageError):
    """What is to be deleted is needed by something else."""


def plan_deletion(account: str, names: tuple[str, ...], fields: Fields, now: datetime, by: str = "") -> Plan:
    """What deleting these, or everything if none is named, comes to. Raises NotThere, InUse.

    names: `metric:ID`, `experiment:ID`, `layer:ID`, or an ID of whichever there is, in this order.
    """
    if not fields:
        raise NotThere(f"there is no account {account}; `daycount define list` shows those there are")
    before = read_hash(account, fields)
    stored = [field for field in fields if field.startswith(_PREFIXES)]
    going = list(dict.fromkeys(_field(account, name, stored) for name in names)) or stored
    _refuse_needed(before, set(going))
    changes = tuple(
        Change(_id(field), DELETED, None, _revision(before, _id(field))) for field in going if _is(field, METRIC_PREFIX)
    )
    trials = tuple(TrialChange(_kind(field), _id(field), DELETED) for field in going if not _is(field, METRIC_PREFIX))
    # A hash without fields would not exist, and an account alone on its server would look like a server that lost all.
    written = {} if SETTINGS_FIELD in fields else {SETTINGS_FIELD: to_value(before.settings.document())}
    written.update(_epochs(before, fields, going))
    entries = [history.deleted(change.metric, now, by) for change in changes]
    entries += [history.changed(change, now, by) for change in trials]
    kept = sum(field.startswith(METRIC_PREFIX) for field in stored) - len(changes)
    return Plan(written, tuple(going), entries, Report(account, changes, kept, trials=trials))


def _field(account: str, name: str, stored: list[bytes]) -> bytes:
    """The field that a name stands for. Raises NotThere."""
    text = name.encode("utf-8", "surrogateescape")
    candidates = [text] if text.startswith(_PREFIXES) else [prefix + text for prefix in _PREFIXES]
    for field in candidates:
        if field in stored:
            return field
    kind = _kind(text) if text.startswith(_PREFIXES) else "metric"
    shown = _id(text) if text.startswith(_PREFIXES) else name
    raise NotThere(f"account {account} has no {kind} {shown}; `daycount define list` shows those it has")


def _refuse_needed(before: AccountDefinitions, going: set[bytes]) -> None:
    for experiment in before.experiments.values():
        if EXPERIMENT_PREFIX + experiment.id.encode() in going:
            continue
        if LAYER_PREFIX + experiment.layer.encode() in going:
            raise InUse(f"layer {experiment.layer} holds experiment {experiment.id}; delete that first, or with it")
        for goal in experiment.goals:
            if METRIC_PREFIX + goal.metric.encode() in going:
                needed = f"metric {goal.metric} is a goal of experiment {experiment.id}"
                raise InUse(f"{needed}; take it out of the goals first, or delete the experiment")


def _epochs(before: AccountDefinitions, fields: Fields, going: list[bytes]) -> Iterator[tuple[bytes, bytes]]:
    for field in (field for field in going if _is(field, EXPERIMENT_PREFIX)):
        experiment = before.experiments.get(_id(field))
        kept = of_experiment(experiment) if experiment else kept_of(fields[field])
        if kept is not None and kept.status != DRAFT:
            yield epochs_field(_id(field)), to_value(kept.to_json())


def _revision(definitions: AccountDefinitions, metric_id: str) -> str | None:
    metric = definitions.metrics.get(metric_id)
    return metric.revision if metric else None


def _is(field: bytes, prefix: bytes) -> bool:
    return field.startswith(prefix)


def _kind(field: bytes) -> str:
    return field.partition(b":")[0].decode()


def _id(field: bytes) -> str:
    return field.partition(b":")[2].decode(errors="backslashreplace")

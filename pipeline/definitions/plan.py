"""Owns what a push or a deletion comes to: stored fields and a document in, fields to write and a report out. No Redis.

Pushed is what a document names, settings one by one; the account's other metrics stay. What would make one of those
invalid is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipeline.definitions import history
from pipeline.definitions.hashes import METRIC_PREFIX, SETTINGS_FIELD, Fields, metric_field, read_hash, to_value
from pipeline.definitions.validate import parse_account
from pipeline.model.definition import AccountDefinitions, DefinitionError, Metric
from pipeline.model.definition_check import ACCOUNT, check_size, named
from pipeline.model.definition_place import Place, quoted
from pipeline.model.errors import UsageError
from pipeline.model.limits import DEFINITION_BYTES_MAX


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

    `pushed`: those that a push named, as they are in force now.
    """

    account: str
    changes: tuple[Change, ...]
    kept: int
    notes: tuple[str, ...] = ()
    pushed: tuple[Metric, ...] = ()


class NotThere(UsageError):
    """What is to be deleted is not there."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The fields to set and to delete, the entries of history, and what it all comes to."""

    set: Mapping[bytes, bytes]
    delete: tuple[bytes, ...]
    history: list[bytes]
    report: Report


def plan_push(document: Any, fields: Fields, now: datetime) -> Plan:
    """What pushing a document onto an account's hash comes to. Raises DefinitionError."""
    account = document.get("account") if isinstance(document, Mapping) else None
    before = read_hash(str(account), fields)
    pushed = parse_account(_with_settings(document, before), strict=True)
    written = {metric_field(metric.id): to_value(metric.document()) for metric in pushed.metrics.values()}
    if document.get("settings") is not None:
        written[SETTINGS_FIELD] = to_value(pushed.settings.document())
    written.update(_experiments(document))
    after = read_hash(pushed.account, {**fields, **written})
    _refuse_breaking(before, after)
    changes = tuple(_changes(before, after, pushed))
    renewed = [change.metric for change in changes if change.revision != change.before]
    entries = [history.pushed(after.metrics[metric_id], now) for metric_id in renewed]
    notes = tuple(_notes(before, after)) if fields else ()
    in_force = tuple(after.metrics[metric_id] for metric_id in pushed.metrics)
    report = Report(pushed.account, changes, len(after.metrics) - len(changes), notes, in_force)
    return Plan(written, (), entries, report)


def plan_deletion(account: str, metrics: tuple[str, ...], fields: Fields, now: datetime) -> Plan:
    """What deleting metrics, or all if none is named, comes to. Raises NotThere if one is not there."""
    if not fields:
        raise NotThere(f"there is no account {account}; `daycount define list` shows those there are")
    before = read_hash(account, fields)
    stored = [field for field in fields if field.startswith(METRIC_PREFIX)]
    going = list(dict.fromkeys(map(metric_field, metrics))) or stored
    missing = [_metric_of(field) for field in going if field not in stored]
    if missing:
        raise NotThere(f"account {account} has no metric {missing[0]}; `daycount define list` shows those it has")
    changes = tuple(Change(_metric_of(field), "deleted", None, _revision(before, _metric_of(field))) for field in going)
    # A hash without fields would not exist, and an account alone on its server would look like a server that lost all.
    settings = {} if SETTINGS_FIELD in fields else {SETTINGS_FIELD: to_value(before.settings.document())}
    entries = [history.deleted(change.metric, now) for change in changes]
    return Plan(settings, tuple(going), entries, Report(account, changes, len(stored) - len(going)))


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


def _experiments(document: Mapping[str, Any]) -> Iterator[tuple[bytes, bytes]]:
    """Layers and experiments as they are written: kept for those who read them, and not judged here."""
    for kind in ("layer", "experiment"):
        found: list[DefinitionError] = []
        items = document.get(f"{kind}s") or []
        for index, item in enumerate(items if isinstance(items, list) else [items]):
            place = Place(found).at(f"{kind}s[{index}]")
            if not isinstance(item, Mapping) or not named(ACCOUNT, item.get("id")):
                place.refuse(f"{quoted(item)}; write an object with an id of a-z, 0-9, _ and -")
            elif check_size(item, place, DEFINITION_BYTES_MAX):
                yield f"{kind}:{item['id']}".encode(), to_value(item)
        if found:
            raise found[0]


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


def _shown(setting: str | tuple[str, ...]) -> str:
    return setting if isinstance(setting, str) else f"[{', '.join(setting)}]"


def _revision(definitions: AccountDefinitions, metric_id: str) -> str | None:
    metric = definitions.metrics.get(metric_id)
    return metric.revision if metric else None


def _metric_of(field: bytes) -> str:
    return field.removeprefix(METRIC_PREFIX).decode(errors="backslashreplace")

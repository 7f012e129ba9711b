"""Owns what the names in `metrics` stand for: measures of a metric as defined now, or of one of its older revisions."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from pipeline.model.counter import columns
from pipeline.model.damage import reading
from pipeline.model.definition import AccountDefinitions, Measure, Metric, Snapshot
from pipeline.model.definition_check import ACCOUNT, ID, named
from pipeline.model.layout import meta_revision_row
from readers.query.errors import QueryError
from readers.query.source import Source

TITLE = "This metric is not known"
NAMED_MAX = 10  # of what is known, in an error
NAME_CHARS_MAX = 64  # of an id or a revision; stores refuse keys of some thousand

# Rejected events are counted by the pipeline itself, in each account.
REJECTS = Metric("_rejected", {}, (Measure("rejected", "count"),), ("reason",), "Rejected events", "rejects", {})


@dataclass(frozen=True, slots=True)
class Series:
    """A metric in one revision. `key` names it in answers: the id, with `@revision` where the query named that."""

    key: str
    metric: Metric
    timezone: str

    @property
    def identity(self) -> tuple[str, str]:
        """What its rows in the store are of, however it was named."""
        return self.metric.id, self.metric.revision


REJECTS_SERIES = Series(REJECTS.id, REJECTS, "UTC")


@dataclass(frozen=True, slots=True)
class Asked:
    """One number of each row. `whole`: it was asked for by the name of its metric."""

    name: str
    series: Series
    measure: Measure
    pointer: str
    whole: bool


def find_measures(source: Source, definitions: Snapshot | None, account: str, names: tuple[str, ...]) -> tuple[Asked, ...]:
    """The measures that the names stand for, in order. Raises QueryError for names that stand for nothing."""
    known = definitions.accounts.get(account) if definitions else None
    found: dict[str, Asked] = {}
    for i, name in enumerate(names):
        pointer = f"/metrics/{i}"
        head, _, measure = name.partition(".")
        series = _find_series(source, known, account, head, pointer)
        for asked in _measures_of(series, measure, name, pointer):
            if asked.name in found:
                detail = f"{asked.name} is asked for twice, here and in {found[asked.name].pointer[1:]}: name it once"
                raise QueryError(pointer, detail)
            found[asked.name] = asked
    _check_time_zones(found.values())
    return tuple(found.values())


def _find_series(source: Source, known: AccountDefinitions | None, account: str, head: str, pointer: str) -> Series:
    metric_id, at, revision = head.partition("@")
    current = REJECTS if metric_id == REJECTS.id else known.metrics.get(metric_id) if known else None
    if current and (not at or revision == current.revision):
        return Series(head, current, known.settings.timezone if known else "UTC")
    if at and (known or named(ACCOUNT, account)):
        return _old_series(source, account, metric_id, revision, pointer)
    if known is None:
        detail = f"account {account!r} has no definitions: push them, or correct the account"
        raise QueryError("/account", detail, TITLE)
    raise QueryError(pointer, f"there is no metric {_shown(metric_id)}; {_named('metrics', list(known.metrics))}", TITLE)


def _old_series(source: Source, account: str, metric_id: str, revision: str, pointer: str) -> Series:
    if not named(ID, metric_id) or len(revision) > NAME_CHARS_MAX:
        raise QueryError(pointer, f"nothing is stored of {_shown(metric_id)} in revision {_shown(revision)}", TITLE)
    row = meta_revision_row(account, metric_id, revision)
    stored = dict(source.meta([row]).get(row, ())).get(b"definition")
    if stored is None:
        prefix = meta_revision_row(account, metric_id, "")
        others = [row.removeprefix(prefix).decode(errors="replace") for row in source.scan_meta(prefix)]
        detail = f"nothing is stored of {metric_id} in revision {revision!r}; {_named('revisions', others)}"
        raise QueryError(pointer, detail, TITLE)
    with reading("meta", row):
        return _read_definition(f"{metric_id}@{revision}", stored)


def _read_definition(key: str, stored: bytes) -> Series:
    """Raises whatever `reading` takes for unreadable."""
    old = json.loads(stored)
    measures = tuple(
        Measure(name, written["aggregate"], written.get("field"), written.get("once_per"))
        for name, written in sorted(old["measures"].items())
    )
    columns(measures)
    metric = Metric(
        old["id"], old["where"], measures, tuple(old["breakdowns"]), old.get("description", ""), old["revision"], {}
    )
    try:
        zone = ZoneInfo(old["settings"]["timezone"])
    except OSError as error:  # the name of a folder of the database, say
        raise ValueError(str(error)) from error
    return Series(key, metric, zone.key)


def _measures_of(series: Series, measure: str, name: str, pointer: str) -> Iterator[Asked]:
    whole = "." not in name
    for m in series.metric.measures:
        if whole or m.name == measure:
            yield Asked(f"{series.key}.{m.name}", series, m, pointer, whole)
            if not whole:
                return
    if not whole:
        known = _named("measures", [m.name for m in series.metric.measures])
        raise QueryError(pointer, f"{series.key} has no measure {_shown(measure)}; {known}", TITLE)


def _check_time_zones(found: Collection[Asked]) -> None:
    """Days of different zones are different days: they can't share rows."""
    first = next(iter(found))
    for asked in found:
        if asked.series.timezone != first.series.timezone:
            zones = f"{first.name} counts days of {first.series.timezone}, {asked.name} of {asked.series.timezone}"
            raise QueryError(asked.pointer, f"{zones}: ask for them in two queries")


def _shown(name: str) -> str:
    return repr(name if len(name) <= NAME_CHARS_MAX else name[: NAME_CHARS_MAX - 1] + "…")


def _named(what: str, names: list[str]) -> str:
    if not names:
        return f"it has no {what}"
    more = ", …" if len(names) > NAMED_MAX else ""
    return f"known {what}: {', '.join(names[:NAMED_MAX])}{more}"

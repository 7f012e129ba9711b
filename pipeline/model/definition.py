"""Owns what clients define: metrics, their measures, an account's settings, and snapshots of them all.

Plain data and its JSON. What makes a definition valid is in `definition_parse`; where definitions are kept is in
`pipeline.definitions`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pipeline.model.definition_digest import account_digest, canonical_json, digest_of
from pipeline.model.errors import UsageError
from pipeline.model.experiment import DRAFT, Experiment, Layer
from pipeline.model.limits import FANOUT_DEFAULT

Where = dict[str, Any]
Groups = dict[str, list[Any]]

COUNT, SUM, MIN, MAX, MEAN = AGGREGATES = ("count", "sum", "min", "max", "mean")
VISITOR, VISITOR_DAY = ONCE_PER = ("visitor", "visitor_day")


class DefinitionError(UsageError):
    """A definition that cannot be counted: `path` is its place in the document, `message` says the cure.

    `parts`: the keys and indices that lead there from where the definition begins, as they are and not cut short.
    """

    def __init__(self, path: str, message: str, parts: tuple[str, ...] = ()) -> None:
        super().__init__(path, message, parts)
        self.path = path
        self.message = message
        self.parts = parts

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of a metric. `field` is None for counts only; `once_per` is None, `visitor` or `visitor_day`."""

    name: str
    aggregate: str
    field: str | None = None
    once_per: str | None = None

    def document(self) -> dict[str, str]:
        """The measure as it is written in a definition, without what is not set."""
        named = {"aggregate": self.aggregate, "field": self.field, "once_per": self.once_per}
        return {key: value for key, value in named.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Metric:
    """A condition on one event, and what is counted of those that match. Measures are sorted by name."""

    id: str
    where: Where
    measures: tuple[Measure, ...]
    breakdowns: tuple[str, ...]
    description: str
    revision: str
    groups: Groups

    def document(self) -> dict[str, Any]:
        """The metric as it is written in a definition."""
        described = {"description": self.description} if self.description else {}
        return {
            "id": self.id,
            **described,
            "where": self.where,
            "measures": {measure.name: measure.document() for measure in self.measures},
            "breakdowns": list(self.breakdowns),
        }


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for all metrics of an account. `visitor` names paths; the first that is not empty is the visitor."""

    timezone: str = "UTC"
    visitor: tuple[str, ...] = ("anonymousId", "userId")
    fanout: int = FANOUT_DEFAULT
    groups: Groups = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The settings as they are written in a definition."""
        grouped = {"groups": self.groups} if self.groups else {}
        return {"timezone": self.timezone, "visitor": list(self.visitor), "fanout": self.fanout, **grouped}


@dataclass(frozen=True, slots=True)
class AccountDefinitions:
    """The valid metrics of an account by id; `problems` has a line for each definition that was skipped.

    `digest` stands for the set of (metric id, revision) that the account's events are judged under, `version` for
    everything: descriptions, problems and all.
    """

    account: str
    settings: Settings
    metrics: dict[str, Metric]
    problems: tuple[str, ...]
    digest: str
    version: str
    layers: dict[str, Layer] = field(default_factory=dict)
    experiments: dict[str, Experiment] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        account: str,
        settings: Settings,
        metrics: Iterable[Metric],
        problems: Iterable[str] = (),
        layers: Iterable[Layer] = (),
        experiments: Iterable[Experiment] = (),
    ) -> AccountDefinitions:
        """Definitions with their digests worked out."""
        by_id = {metric.id: metric for metric in sorted(metrics, key=lambda metric: metric.id)}
        told = tuple(problems)
        layers_by_id = {layer.id: layer for layer in sorted(layers, key=lambda layer: layer.id)}
        experiments_by_id = {e.id: e for e in sorted(experiments, key=lambda e: e.id)}
        unversioned = cls(account, settings, by_id, told, "", "", layers_by_id, experiments_by_id)
        digest = account_digest({metric.id: metric.revision for metric in (*by_id.values(), *unversioned.exposures)})
        return replace(unversioned, digest=digest, version=digest_of(_account_to_json(unversioned)))

    def with_settings(self, settings: Settings) -> AccountDefinitions:
        """The same metrics and experiments under other settings that change none of their revisions."""
        changed = replace(self, settings=settings, version="")
        return replace(changed, version=digest_of(_account_to_json(changed)))

    @property
    def exposures(self) -> tuple[Metric, ...]:
        """What shows a visitor's variation, of experiments that are or were running: metrics that measure nothing. Their
        first breakdown is the variation. Their ids are those of no client's metrics.
        """
        return tuple(
            Metric(f"~{e.id}", e.exposed, (), (e.variation_path, *e.breakdowns), "", e.revision, self.settings.groups)
            for e in self.trials
        )

    @property
    def trials(self) -> tuple[Experiment, ...]:
        """The experiments that count: they are or were running."""
        return tuple(e for e in self.experiments.values() if e.status != DRAFT)

    def document(self) -> dict[str, Any]:
        """One account's definitions as a file has them."""
        metrics = [metric.document() for metric in self.metrics.values()]
        experimental = {
            "layers": [layer.document() for layer in self.layers.values()],
            "experiments": [experiment.document() for experiment in self.experiments.values()],
        }
        told = {name: documents for name, documents in experimental.items() if documents}
        return {"account": self.account, "settings": self.settings.document(), "metrics": metrics, **told}

    def to_bytes(self) -> bytes:
        """Canonical JSON, for another process or a later one."""
        return canonical_json({"account": self.account, **_account_to_json(self)})

    @classmethod
    def from_bytes(cls, data: bytes) -> AccountDefinitions:
        """What `to_bytes` wrote; it is trusted and not validated again."""
        stored = json.loads(data)
        return _account_from_json(stored["account"], stored)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All accounts' definitions at one time. `version` is a digest of everything; `problems` belong to no account."""

    accounts: dict[str, AccountDefinitions]
    version: str
    problems: tuple[str, ...] = ()

    @classmethod
    def of(cls, accounts: Iterable[AccountDefinitions], problems: Iterable[str] = ()) -> Snapshot:
        """A snapshot with its version worked out."""
        by_name = {account.account: account for account in sorted(accounts, key=lambda account: account.account)}
        told = tuple(problems)
        versions = {account.account: account.version for account in by_name.values()}
        return cls(by_name, digest_of([versions, told]), told)

    def all_problems(self) -> Iterator[str]:
        """Every line about a skipped definition, with its account."""
        yield from self.problems
        for account in self.accounts.values():
            yield from (f"{account.account}: {problem}" for problem in account.problems)

    def to_bytes(self) -> bytes:
        """Canonical JSON: equal snapshots have equal bytes. Definitions that many accounts have stand there once."""
        by_version = {account.version: account for account in self.accounts.values()}
        definitions = {version: _account_to_json(account) for version, account in by_version.items()}
        accounts = {name: account.version for name, account in self.accounts.items()}
        return canonical_json({"accounts": accounts, "definitions": definitions, "problems": self.problems})

    @classmethod
    def from_bytes(cls, data: bytes) -> Snapshot:
        """The snapshot that `to_bytes` wrote; it is trusted and not validated again."""
        stored = json.loads(data)
        definitions = {version: _account_from_json("", account) for version, account in stored["definitions"].items()}
        accounts = (replace(definitions[version], account=name) for name, version in stored["accounts"].items())
        return cls.of(accounts, stored["problems"])


def _account_to_json(account: AccountDefinitions) -> dict[str, Any]:
    # A metric's groups are the account's: naming them keeps a large group from being written once per metric.
    metrics = {
        metric.id: {**metric.document(), "revision": metric.revision, "groups": sorted(metric.groups)}
        for metric in account.metrics.values()
    }
    return {
        "settings": account.settings.document(),
        "metrics": metrics,
        "problems": account.problems,
        "layers": [layer.document() for layer in account.layers.values()],
        "experiments": [experiment.to_json() for experiment in account.experiments.values()],
    }


def _account_from_json(name: str, stored: Mapping[str, Any]) -> AccountDefinitions:
    written = stored["settings"]
    settings = Settings(written["timezone"], tuple(written["visitor"]), written["fanout"], written.get("groups", {}))
    metrics = (_metric_from_json(metric, settings.groups) for metric in stored["metrics"].values())
    layers = (Layer(layer["id"], layer["buckets"]) for layer in stored["layers"])
    experiments = (Experiment.from_json(experiment) for experiment in stored["experiments"])
    return AccountDefinitions.of(name, settings, metrics, stored["problems"], layers, experiments)


def _metric_from_json(stored: Mapping[str, Any], groups: Groups) -> Metric:
    measures = (
        Measure(name, measure["aggregate"], measure.get("field"), measure.get("once_per"))
        for name, measure in sorted(stored["measures"].items())
    )
    return Metric(
        id=stored["id"],
        where=stored["where"],
        measures=tuple(measures),
        breakdowns=tuple(stored["breakdowns"]),
        description=stored.get("description", ""),
        revision=stored["revision"],
        groups={name: groups[name] for name in stored["groups"]},
    )

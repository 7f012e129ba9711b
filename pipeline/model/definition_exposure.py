"""Owns what shows an experiment's variation on an event, and the digest of all that decides an experiment's numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.model.definition import Groups, Metric, Settings, Where
from pipeline.model.definition_check import check_keys, check_path
from pipeline.model.definition_digest import digest_of, members_of
from pipeline.model.definition_place import Place, Rules, quoted
from pipeline.model.experiment import Goal, Layer

_EXAMPLE = "write one such as {where: {event: Experiment Viewed}, variation: properties.variationName}"


@dataclass(frozen=True, slots=True)
class Ground:
    """What experiments stand on: the account's settings, and its metrics and layers by id."""

    settings: Settings
    metrics: Mapping[str, Metric]
    layers: Mapping[str, Layer]


@dataclass(frozen=True, slots=True)
class Exposure:
    """A condition on an event, the path of the variation in it, and the groups that the condition names."""

    where: Where
    variation_path: str
    groups: Groups


def parse_exposure(value: Any, settings: Settings, place: Place, rules: Rules) -> Exposure:
    """What shows a variation; complains about what is missing or no condition."""
    if not isinstance(value, Mapping):
        place.refuse(f"{'missing' if value is None else f'{quoted(value)} is not an object'}; {_EXAMPLE}")
        return Exposure({}, "", {})
    check_keys(value, ("where", "variation"), place)
    path = check_path(value.get("variation"), place.at("variation"), "missing; name a path, as properties.variationName")
    where = value.get("where")
    if not isinstance(where, Mapping):
        found = quoted(where) if "where" in value else "missing"
        place.at("where").refuse(f"{found}; write a condition such as {{event: Experiment Viewed}}")
        return Exposure({}, path or "", {})
    names = rules.check_where(dict(where), settings.groups, place.at("where"))
    return Exposure(dict(where), path or "", {name: settings.groups[name] for name in sorted(names)})


def revision_of_experiment(exposure: Exposure, breakdowns: tuple[str, ...], goals: tuple[Goal, ...], ground: Ground) -> str:
    """A digest of all that decides an experiment's numbers, and of nothing else.

    Who is assigned what does not: numbers are told apart by the variation that events name, and by epochs.
    """
    return digest_of(
        {
            "exposure": exposure.where,
            "variation": exposure.variation_path,
            "breakdowns": list(breakdowns),
            "goals": [[goal.name, ground.metrics[goal.metric].revision] for goal in goals],
            "timezone": ground.settings.timezone,
            "visitor": list(ground.settings.visitor),
            "groups": {name: members_of(members) for name, members in exposure.groups.items()},
        }
    )

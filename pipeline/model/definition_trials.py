"""Owns an account's layers and experiments as a whole: each parsed on the account's ground, none at odds with another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from pipeline.model.definition import AccountDefinitions, DefinitionError, Metric, Settings
from pipeline.model.definition_check import ID, check_keys, check_size, named
from pipeline.model.definition_collision import refuse_collisions
from pipeline.model.definition_experiment import parse_experiment
from pipeline.model.definition_exposure import Ground
from pipeline.model.definition_metric import Written, parse_id
from pipeline.model.definition_place import Place, Rules, quoted
from pipeline.model.experiment import Experiment, Layer
from pipeline.model.limits import BUCKETS_MAX, DEFINITION_BYTES_MAX


class _Named(Protocol):
    @property
    def id(self) -> str: ...


_Definition = TypeVar("_Definition", bound=_Named)


@dataclass(frozen=True, slots=True)
class WrittenTrials:
    """Layers and experiments as they were found."""

    layers: Iterable[Written] = ()
    experiments: Iterable[Written] = ()


def assemble_trials(
    written: WrittenTrials,
    settings: Settings,
    metrics: Iterable[Metric],
    standing: AccountDefinitions | None,
    rules: Rules,
    found: list[DefinitionError],
) -> tuple[list[Layer], list[Experiment]]:
    """The valid layers and experiments. standing: what the account has besides, which they may refer to."""
    layers = parse_each(written.layers, lambda item, place: parse_layer(item, place, rules), found)
    known_metrics = {**(standing.metrics if standing else {}), **{metric.id: metric for metric in metrics}}
    known_layers = {**(standing.layers if standing else {}), **{layer.id: layer for layer in layers}}
    ground = Ground(settings, known_metrics, known_layers)
    accepted: list[Experiment] = []

    def parse(item: Written, place: Place) -> Experiment | None:
        experiment = parse_experiment(item, ground, place, rules)
        if experiment is None:
            return None
        before = len(found)
        refuse_collisions(experiment, accepted, place, since=None)
        if len(found) > before:
            return None
        accepted.append(experiment)
        return experiment

    return layers, parse_each(written.experiments, parse, found)


def parse_each(
    written: Iterable[Written], parse: Callable[[Written, Place], _Definition | None], found: list[DefinitionError]
) -> list[_Definition]:
    """The valid ones among definitions of one kind, whose ids are unique."""
    parsed: list[_Definition] = []
    labels: dict[str, str] = {}
    for item in written:
        definition = parse(item, Place(found, item.label))
        if definition is None:
            continue
        if definition.id in labels:
            Place(found, item.label, "id").refuse(f"the same as that of {labels[definition.id]}; ids are unique")
            continue
        labels[definition.id] = item.label
        parsed.append(definition)
    return parsed


def listed(items: Any, kind: str, count_max: int, top: Place) -> list[Written]:
    """The definitions of one kind in a document, each with its label."""
    if items is None:
        return []
    if not isinstance(items, (list, tuple)):
        top.at(f"{kind}s").refuse(f"{quoted(items)} is not a list; write each {kind} as an item with an id")
        return []
    if len(items) > count_max:
        top.at(f"{kind}s").refuse(f"{len(items):,} {kind}s; at most {count_max:,} per account")
        return []
    return [Written(label_of(kind, index, item), None, item) for index, item in enumerate(items)]


def label_of(kind: str, index: int, item: Any) -> str:
    """How complaints name an item of a document."""
    item_id = item.get("id") if isinstance(item, Mapping) else None
    return f"{kind}s[{index}] ({item_id})" if named(ID, item_id) else f"{kind}s[{index}]"


def parse_layer(written: Written, place: Place, rules: Rules) -> Layer | None:
    """A layer, or None with complaints."""
    before = len(place.found)
    document = written.document
    if not isinstance(document, Mapping):
        place.refuse(f"{quoted(document)} is not an object; write one such as {{id: homepage, buckets: 1024}}")
        return None
    if not check_size(document, place, DEFINITION_BYTES_MAX):
        return None
    if rules.strict:
        check_keys(document, ("id", "buckets"), place)
    layer_id = parse_id(document.get("id", written.id), written.id, place.at("id"), "layer", "homepage")
    buckets = document.get("buckets")
    if type(buckets) is not int or not 1 <= buckets <= BUCKETS_MAX or buckets & (buckets - 1):
        shown = "missing" if buckets is None else f"{quoted(buckets)} is not a number of buckets"
        place.at("buckets").refuse(f"{shown}; write a power of two of at most {BUCKETS_MAX:,}, such as 1024")
        return None
    return Layer(layer_id, buckets) if len(place.found) == before else None

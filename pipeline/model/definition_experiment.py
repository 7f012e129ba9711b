"""Owns what makes an experiment, seen by itself, valid. What several of them may not share is elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pipeline.model.definition import Settings, Where
from pipeline.model.definition_check import check_keys, check_paths, check_size
from pipeline.model.definition_epoch import parse_epochs
from pipeline.model.definition_exposure import Ground, parse_exposure, revision_of_experiment
from pipeline.model.definition_goal import parse_goals
from pipeline.model.definition_metric import Written, parse_description, parse_id
from pipeline.model.definition_place import Place, Rules, quoted
from pipeline.model.definition_variation import parse_allocation, parse_parameters, parse_variations
from pipeline.model.experiment import RUNNING, STATUSES, Epoch, Experiment, Parameter
from pipeline.model.limits import BREAKDOWNS_PER_METRIC_MAX, DEFINITION_BYTES_MAX
from pipeline.model.moment import parse_moment

EFFECTIVE_AT = "effective_at"
EPOCHS = "epochs"
_KEYS = (
    "id", "description", "layer", "status", EFFECTIVE_AT, "start", "end", "parameters", "variations", "allocation",
    "eligible", "exposure", "breakdowns", "goals", "control",
)  # fmt: skip


def parse_experiment(written: Written, ground: Ground, place: Place, rules: Rules) -> Experiment | None:
    """An experiment, or None with complaints. Without stored epochs it has one, which is open to the past."""
    before = len(place.found)
    if not isinstance(written.document, Mapping):
        place.refuse(f"{quoted(written.document)} is not an object; write id, layer, status, variations, exposure, goals")
        return None
    document = dict(written.document)
    # What is kept beside a definition is not the client's to write.
    stored = None if rules.strict else document.pop(EPOCHS, None)
    if not check_size(document, place, DEFINITION_BYTES_MAX):
        return None
    if rules.strict:
        check_keys(document, _KEYS, place)
    experiment_id = parse_id(document.get("id", written.id), written.id, place.at("id"), "experiment", "hero_cta")
    experiment = _parse_parts(experiment_id, document, ground, place, rules)
    if len(place.found) > before:
        return None
    if stored is not None:
        experiment = replace(experiment, epochs=parse_epochs(stored, experiment.epoch, place.at(EPOCHS)))
    return experiment if len(place.found) == before else None


def _parse_parts(experiment_id: str, document: Mapping[str, Any], ground: Ground, place: Place, rules: Rules) -> Experiment:
    status = _parse_status(document.get("status"), place.at("status"))
    layer = _parse_layer(document.get("layer"), ground, place.at("layer"))
    parameters = parse_parameters(document.get("parameters", {}), place.at("parameters"))
    epoch = _parse_epoch(document, parameters, _buckets(layer, ground), ground.settings, place, rules)
    exposure = parse_exposure(document.get("exposure"), ground.settings, place.at("exposure"), rules)
    breakdowns = check_paths(document.get("breakdowns", ()), place.at("breakdowns"), BREAKDOWNS_PER_METRIC_MAX)
    goals = parse_goals(document.get("goals"), ground.metrics, place.at("goals"))
    start, end = _parse_span(document, place)
    return Experiment(
        id=experiment_id,
        layer=layer,
        status=status,
        description=parse_description(document.get("description"), place.at("description")),
        parameters=parameters,
        exposed=exposure.where,
        variation_path=exposure.variation_path,
        breakdowns=breakdowns,
        goals=goals,
        control=_parse_control(document.get("control"), epoch, place.at("control")),
        epochs=(epoch,),
        start=start,
        end=end,
        revision=revision_of_experiment(exposure, breakdowns, goals, ground),
    )


def _parse_status(value: Any, place: Place) -> str:
    if not isinstance(value, str) or value not in STATUSES:
        found = "missing" if value is None else f"{quoted(value)} is not a status"
        place.refuse(f"{found}; write one of {', '.join(STATUSES)}")
    return str(value)


def _parse_layer(value: Any, ground: Ground, place: Place) -> str:
    if not isinstance(value, str):
        place.refuse(f"{'missing' if value is None else f'{quoted(value)} is not a layer'}; name one, such as homepage")
    elif value not in ground.layers:
        known = f"those there are: {', '.join(ground.layers)}" if ground.layers else "there are none yet"
        place.refuse(f"there is no layer {quoted(value)}, {known}; define it here, or push it first")
    return str(value)


def _buckets(layer: str, ground: Ground) -> int | None:
    return ground.layers[layer].buckets if layer in ground.layers else None


def _parse_epoch(
    document: Mapping[str, Any],
    parameters: Mapping[str, Parameter],
    buckets: int | None,
    settings: Settings,
    place: Place,
    rules: Rules,
) -> Epoch:
    variations = parse_variations(document.get("variations"), parameters, place.at("variations"))
    allocation = document.get("allocation")
    if allocation is None and document.get("status") == RUNNING:
        place.at("allocation").refuse("missing; write the buckets of each variation, such as {control: [[0, 512]]}")
    buckets_of = parse_allocation(allocation or {}, variations, buckets, place.at("allocation"))
    eligible = _parse_eligible(document.get("eligible"), settings, place.at("eligible"), rules)
    _parse_time(document.get(EFFECTIVE_AT), place.at(EFFECTIVE_AT))
    return Epoch(1, None, variations, buckets_of, eligible)


def _parse_eligible(value: Any, settings: Settings, place: Place, rules: Rules) -> Where:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        place.refuse(f"{quoted(value)}; write a condition on the attributes of a request, such as {{country: DK}}")
        return {}
    rules.check_where(dict(value), settings.groups, place)
    return dict(value)


def _parse_span(document: Mapping[str, Any], place: Place) -> tuple[str | None, str | None]:
    start, end = (_parse_time(document.get(name), place.at(name)) for name in ("start", "end"))
    if start is not None and end is not None and end <= start:
        place.at("end").refuse(f"{end} is not after the start, {start}")
    return start, end


def _parse_time(value: Any, place: Place) -> str | None:
    moment = parse_moment(value)
    if moment is None and value is not None:
        place.refuse(f"{quoted(value)} is not a time; write it as RFC 3339 has it, such as 2026-10-01T09:00:00+05:30")
    return moment


def _parse_control(value: Any, epoch: Epoch, place: Place) -> str:
    known = [variation.id for variation in epoch.variations]
    if not isinstance(value, str) or (known and value not in known):
        found = "missing" if value is None else f"{quoted(value)} is no variation of it"
        place.refuse(f"{found}; name the one to compare with: {', '.join(known) or 'control'}")
    return str(value)

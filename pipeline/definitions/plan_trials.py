"""Owns what a push comes to for layers and experiments: the fields to write, what has changed of each, and in which epoch.

All in all, running experiments may not collide from now on, whether this push names them or not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pipeline.definitions.epochs import Kept, epochs_after, kept_of, of_experiment
from pipeline.definitions.hashes import Fields, epochs_field, experiment_field, layer_field, to_value
from pipeline.model.definition import AccountDefinitions, DefinitionError
from pipeline.model.definition_collision import refuse_collisions
from pipeline.model.definition_place import Place
from pipeline.model.definition_trials import label_of
from pipeline.model.experiment import RUNNING, Epoch, Experiment, Layer
from pipeline.model.moment import moment_text

LAYER, EXPERIMENT = "layer", "experiment"
NEW, CHANGED, UNCHANGED, DELETED = "new", "changed", "unchanged", "deleted"


@dataclass(frozen=True, slots=True)
class TrialChange:
    """What happened to a layer or an experiment: `new`, `changed`, `unchanged` or `deleted`.

    fields: those that changed; opened: the epoch that this opened, if any, or the first.
    """

    kind: str
    id: str
    outcome: str
    fields: tuple[str, ...] = ()
    opened: Epoch | None = None


@dataclass(frozen=True, slots=True)
class TrialsPlan:
    """The fields to write and to delete, and what changes. notes: what to be warned of."""

    set: Mapping[bytes, bytes]
    delete: tuple[bytes, ...]
    changes: tuple[TrialChange, ...]
    notes: tuple[str, ...]


def plan_trials(
    document: Mapping[str, Any], fields: Fields, before: AccountDefinitions, pushed: AccountDefinitions, now: datetime
) -> TrialsPlan:
    """What a document's layers and experiments come to. Raises DefinitionError."""
    found: list[DefinitionError] = []
    written = {kind: _by_id(document, kind) for kind in (LAYER, EXPERIMENT)}
    kept = {name: _kept(name, before, fields) for name in pushed.experiments}
    experiments: dict[str, Experiment] = {}
    for name, experiment in pushed.experiments.items():
        label, item = written[EXPERIMENT][name]
        epochs = epochs_after(kept[name], experiment, item.get("effective_at"), now, Place(found, label))
        experiments[name] = replace(experiment, epochs=epochs)
    after = {**before.experiments, **experiments}
    for name, experiment in experiments.items():
        place = Place(found, written[EXPERIMENT][name][0])
        refuse_collisions(experiment, after.values(), place, since=moment_text(now))
    for name, layer in pushed.layers.items():
        _refuse_resizing(before.layers.get(name), layer, after, Place(found, written[LAYER][name][0]))
    if found:
        raise found[0]
    values = {layer_field(layer.id): to_value(layer.document()) for layer in pushed.layers.values()}
    values.update((experiment_field(e.id), to_value(stored_document(e))) for e in experiments.values())
    changes = [_layer_change(before.layers.get(layer.id), layer) for layer in pushed.layers.values()]
    changes += [_experiment_change(before.experiments.get(e.id), kept[e.id], e) for e in experiments.values()]
    notes = tuple(_notes(written[EXPERIMENT], changes))
    gone = tuple(field for field in map(epochs_field, experiments) if field in fields)
    return TrialsPlan(values, gone, tuple(changes), notes)


def stored_document(experiment: Experiment) -> dict[str, Any]:
    """An experiment as it is kept: its definition, and its epochs."""
    return {**experiment.document(), "epochs": [epoch.document() for epoch in experiment.epochs]}


def _by_id(document: Mapping[str, Any], kind: str) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """The items of a document that is valid: id -> how complaints name it, and what is written."""
    items = document.get(f"{kind}s") or ()
    return {item["id"]: (label_of(kind, index, item), item) for index, item in enumerate(items)}


def _kept(name: str, before: AccountDefinitions, fields: Fields) -> Kept | None:
    """Epochs outlive what makes a definition invalid, and its deletion."""
    if name in before.experiments:
        return of_experiment(before.experiments[name])
    return kept_of(fields.get(experiment_field(name))) or kept_of(fields.get(epochs_field(name)))


def _refuse_resizing(before: Layer | None, layer: Layer, after: Mapping[str, Experiment], place: Place) -> None:
    if before is None or before.buckets == layer.buckets:
        return
    running = [e.id for e in after.values() if e.layer == layer.id and e.status == RUNNING]
    if running:
        place.at("buckets").refuse(
            f"the layer has {before.buckets}, and experiment {running[0]} runs in it: all its units would get other "
            "buckets; make a new layer, or stop it first"
        )


def _layer_change(before: Layer | None, layer: Layer) -> TrialChange:
    if before is None:
        return TrialChange(LAYER, layer.id, NEW)
    changed = ("buckets",) if before != layer else ()
    return TrialChange(LAYER, layer.id, CHANGED if changed else UNCHANGED, changed)


def _experiment_change(before: Experiment | None, kept: Kept | None, experiment: Experiment) -> TrialChange:
    opened = experiment.epoch if kept is None or len(experiment.epochs) > len(kept.epochs) else None
    if before is None:
        return TrialChange(EXPERIMENT, experiment.id, NEW, (), opened)
    old, new = before.document(), experiment.document()
    changed = tuple(name for name in dict.fromkeys((*old, *new)) if old.get(name) != new.get(name))
    outcome = CHANGED if changed or opened else UNCHANGED
    return TrialChange(EXPERIMENT, experiment.id, outcome, changed, opened)


def _notes(written: Mapping[str, tuple[str, Mapping[str, Any]]], changes: list[TrialChange]) -> list[str]:
    notes = []
    for change in changes:
        asked = change.kind == EXPERIMENT and written[change.id][1].get("effective_at")
        if asked and change.opened is not None and change.opened.effective_at is None:
            notes.append(f"experiment {change.id}: effective_at is passed over: its first epoch is open to the past")
    return notes

"""Owns which epoch a pushed experiment opens, and from when on: what is stored and what is pushed in, all epochs out.

A change of who gets what opens one, so that numbers are never added up across it. So does a stop, which releases the
buckets, and going on after one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from pipeline.definitions.documents import parse_json
from pipeline.model.definition import DefinitionError
from pipeline.model.definition_epoch import parse_epochs, same_epoch
from pipeline.model.definition_place import Place
from pipeline.model.experiment import DRAFT, RUNNING, STOPPED, Epoch, Experiment
from pipeline.model.limits import EPOCHS_PER_EXPERIMENT_MAX
from pipeline.model.moment import moment_text, parse_moment

PAST_MAX_S = 60  # between reading a clock and pushing what it said


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of an experiment, valid otherwise or not: `defaults` are those of its parameters."""

    status: str
    layer: str
    defaults: dict[str, Any]
    epochs: tuple[Epoch, ...]

    def to_json(self) -> dict[str, Any]:
        """What stays of an experiment that is deleted, so that one of its name goes on counting epochs."""
        epochs = [epoch.document() for epoch in self.epochs]
        return {"status": STOPPED, "layer": self.layer, "epochs": epochs}


def kept_of(value: bytes | None) -> Kept | None:
    """What a field of the hash keeps; None where there is none, or nothing that was stored by us."""
    if value is None:
        return None
    try:
        document = parse_json(value)
        epochs = document["epochs"]
        latest = Epoch.of(epochs[-1])
        declared = document.get("parameters", {})
        defaults = {name: parameter["default"] for name, parameter in declared.items()}
        found: list[DefinitionError] = []
        parsed = parse_epochs(epochs, latest, Place(found))
        return None if found else Kept(str(document["status"]), str(document["layer"]), defaults, parsed)
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError):
        return None


def of_experiment(experiment: Experiment) -> Kept:
    """The same of an experiment that is valid."""
    return Kept(experiment.status, experiment.layer, _defaults(experiment), experiment.epochs)


def epochs_after(kept: Kept | None, pushed: Experiment, asked: Any, now: datetime, place: Place) -> tuple[Epoch, ...]:
    """All epochs of a pushed experiment; complains of a time that can't be. asked: its `effective_at`, if any."""
    if kept is None or (kept.status == DRAFT and len(kept.epochs) == 1):
        return pushed.epochs
    latest, fresh = kept.epochs[-1], pushed.epoch
    if pushed.status == DRAFT:
        place.at("status").refuse("it has run already, and its numbers stay; write stopped, or give a new one its own id")
        return kept.epochs
    if pushed.status == STOPPED:
        fresh = replace(fresh, allocation=latest.allocation if kept.status == STOPPED else {})
    if not _opens(kept, pushed, fresh):
        # Written otherwise, such as with a default spelled out, it still is the same epoch.
        return (*kept.epochs[:-1], replace(fresh, number=latest.number, effective_at=latest.effective_at))
    if len(kept.epochs) >= EPOCHS_PER_EXPERIMENT_MAX:
        place.refuse(f"it has had {EPOCHS_PER_EXPERIMENT_MAX} epochs, which are all kept; go on with a new experiment")
    start = _start(parse_moment(asked), latest, pushed.status, now, place.at("effective_at"))
    return (*kept.epochs, replace(fresh, number=latest.number + 1, effective_at=start))


def _opens(kept: Kept, pushed: Experiment, fresh: Epoch) -> bool:
    if kept.status != pushed.status and STOPPED in (kept.status, pushed.status):
        return True
    if kept.layer != pushed.layer and pushed.status == RUNNING:
        return True
    before = _filled(kept.epochs[-1], kept.defaults)
    return not same_epoch(before, _filled(fresh, _defaults(pushed)))


def _filled(epoch: Epoch, defaults: dict[str, Any]) -> Epoch:
    """With each variation's parameters as units get them: a changed default is a changed experience."""
    variations = (replace(v, parameters={**defaults, **v.parameters}) for v in epoch.variations)
    return replace(epoch, variations=tuple(variations))


def _defaults(experiment: Experiment) -> dict[str, Any]:
    return {name: parameter.default for name, parameter in experiment.parameters.items()}


def _start(asked: str | None, latest: Epoch, status: str, now: datetime, place: Place) -> str:
    """When a new epoch begins: as asked, else now, and not before the latest does."""
    soonest = latest.effective_at or ""
    if asked is None:
        return max(moment_text(now), soonest)
    if asked < moment_text(now - timedelta(seconds=PAST_MAX_S)):
        place.refuse(
            f"{asked} is past, and events since then are counted in epoch {latest.number}; "
            "leave it out for a change from now on, or write a time to come"
        )
    elif asked < soonest:
        place.refuse(f"{asked} is before epoch {latest.number} begins, at {soonest}; write a time from then on")
    elif status == STOPPED and asked > moment_text(now):
        place.refuse("a stop is from now on; leave it out, or write `end` for an end at a time to come")
    return asked

"""Owns what is told to applications that decide locally: the layers and experiments of an account at one moment."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pipeline.match import groups_named
from pipeline.model.definition import AccountDefinitions
from pipeline.model.experiment import DRAFT, Epoch, Experiment
from pipeline.model.moment import moment_text

Document = dict[str, Any]


def allocations_of(definitions: AccountDefinitions, now: datetime) -> Document:
    """All that is needed to decide: layers, experiments in the epoch that is in force, and the groups that they name.

    Those that are stopped are among them, for the defaults of their parameters; drafts are nobody's business yet.
    """
    told = [_document(e, epoch_in_force(e, now)) for e in definitions.experiments.values() if e.status != DRAFT]
    named = {name for experiment in told for name in groups_named(experiment["eligible"])}
    groups = {name: definitions.settings.groups[name] for name in sorted(named)}
    layers = [layer.document() for layer in definitions.layers.values()]
    return {"layers": layers, "experiments": told, **({"groups": groups} if groups else {})}


def epoch_in_force(experiment: Experiment, now: datetime) -> Epoch:
    """The last epoch that has begun; one that is to come is not it."""
    at = moment_text(now)
    return next(e for e in reversed(experiment.epochs) if e.effective_at is None or e.effective_at <= at)


def _document(experiment: Experiment, epoch: Epoch) -> Document:
    said = epoch.document()
    parts = {name: said[name] for name in ("variations", "allocation", "eligible")}
    return {**experiment.document(), **parts, "epoch": epoch.number}

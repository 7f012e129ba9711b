"""Owns the decision: one unit, its attributes and the allocations in, what it gets of every running experiment out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from readers.assign.bucket import bucket_of
from readers.assign.prepared import Allocations, Trial

ASSIGNED, NOT_ELIGIBLE, NOT_ALLOCATED = "assigned", "not_eligible", "not_allocated"


def assign(
    allocations: Allocations | Mapping[str, Any],
    unit: str,
    attributes: Mapping[str, Any] | None = None,
    at: datetime | None = None,
) -> dict[str, Any]:
    """What a unit gets, as `/v1/assign` answers: `{"experiments": {id: …}, "parameters": {…}}`.

    allocations: the answer of `/v1/allocations`; prepared by `Allocations.of`, a decision takes microseconds. at: the
    time, which matters to experiments with a start or an end only; None is now.
    """
    prepared = allocations if isinstance(allocations, Allocations) else Allocations.of(allocations)
    known = attributes if isinstance(attributes, dict) else dict(attributes or {})
    time = (at or datetime.now(UTC)) if prepared.scheduled else None
    experiments: dict[str, Any] = {}
    parameters = dict(prepared.defaults)
    decided: set[str] = set()  # parameters that an experiment has set; the first layer that does so is heard
    for layer in prepared.layers:
        bucket = bucket_of(layer.id, unit, layer.buckets)
        owner, variation = layer.owner(bucket)
        for trial in layer.trials:
            if time is not None and not trial.is_on(time):
                continue
            decision = _decide(trial, variation if trial is owner else None, bucket, known)
            experiments[trial.id] = decision
            if decision["reason"] == ASSIGNED:
                parameters.update((name, v) for name, v in decision["parameters"].items() if name not in decided)
                decided.update(decision["parameters"])
    return {"experiments": experiments, "parameters": parameters}


def _decide(trial: Trial, variation: str | None, bucket: int, attributes: dict[str, Any]) -> dict[str, Any]:
    if variation is None:
        reason = NOT_ALLOCATED
    elif trial.eligible is not None and not trial.eligible(attributes):
        variation, reason = None, NOT_ELIGIBLE
    else:
        reason = ASSIGNED
    values = trial.defaults if variation is None else trial.values[variation]
    return {
        "variation": variation,
        "parameters": dict(values),
        "bucket": bucket,
        "epoch": trial.epoch,
        "reason": reason,
    }

"""Owns allocations in the form that decisions are made from: conditions compiled, ranges sorted, parameters merged."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pipeline.match import compile_condition
from pipeline.model.experiment import RUNNING, STOPPED

Parameters = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Trial:
    """One running experiment. eligible: None holds for everybody; start, end: None is without end."""

    id: str
    epoch: int
    eligible: Callable[[dict[str, Any]], bool] | None
    defaults: Parameters
    values: Mapping[str, Parameters]  # of each variation, defaults filled in
    start: datetime | None
    end: datetime | None

    def is_on(self, at: datetime) -> bool:
        """Whether units are assigned at this time."""
        return (self.start is None or self.start <= at) and (self.end is None or at < self.end)


@dataclass(frozen=True, slots=True)
class Slices:
    """One layer with its running experiments, and who has which buckets: parallel lists, ascending."""

    id: str
    buckets: int
    trials: tuple[Trial, ...]
    firsts: list[int]
    ends: list[int]
    owners: list[tuple[Trial, str]]

    def owner(self, bucket: int) -> tuple[Trial | None, str]:
        """The experiment and variation that have a bucket, if any."""
        index = bisect_right(self.firsts, bucket) - 1
        return self.owners[index] if index >= 0 and bucket < self.ends[index] else (None, "")


@dataclass(frozen=True, slots=True)
class Allocations:
    """Prepared once, a decision takes microseconds. defaults: what holds where no experiment sets a parameter."""

    layers: tuple[Slices, ...]
    defaults: Parameters
    scheduled: bool  # whether a decision depends on the time

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Allocations:
        """From the answer of `/v1/allocations`. Raises ConditionError, LookupError or ValueError for what is none."""
        groups = document.get("groups", {})
        experiments = sorted(document["experiments"], key=lambda e: (e["layer"], e["id"]))
        running = [e for e in experiments if e["status"] == RUNNING]
        trials = {e["id"]: _trial(e, groups) for e in running}
        layers = sorted(document["layers"], key=lambda layer: str(layer["id"]))
        slices = (_slices(layer, [(e, trials[e["id"]]) for e in running if e["layer"] == layer["id"]]) for layer in layers)
        stopped = [e for e in experiments if e["status"] == STOPPED]
        scheduled = any(trial.start or trial.end for trial in trials.values())
        return cls(tuple(s for s in slices if s.trials), _defaults_of((*running, *stopped)), scheduled)


def _trial(experiment: Mapping[str, Any], groups: Mapping[str, list[Any]]) -> Trial:
    defaults = _defaults_of([experiment])
    eligible = experiment.get("eligible") or None
    return Trial(
        experiment["id"],
        experiment["epoch"],
        compile_condition(eligible, groups) if eligible else None,
        defaults,
        {variation["id"]: {**defaults, **variation.get("parameters", {})} for variation in experiment["variations"]},
        _moment(experiment.get("start")),
        _moment(experiment.get("end")),
    )


def _slices(layer: Mapping[str, Any], members: Iterable[tuple[Mapping[str, Any], Trial]]) -> Slices:
    parts = list(members)
    taken = sorted(
        (first, end, trial.id, variation, trial)
        for experiment, trial in parts
        for variation, ranges in experiment["allocation"].items()
        for first, end in ranges
    )
    firsts, ends = [part[0] for part in taken], [part[1] for part in taken]
    trials = tuple(trial for _, trial in parts)
    return Slices(layer["id"], layer["buckets"], trials, firsts, ends, [(part[4], part[3]) for part in taken])


def _defaults_of(experiments: Iterable[Mapping[str, Any]]) -> Parameters:
    """Of all their parameters; where several declare one, the first says."""
    merged: Parameters = {}
    for experiment in experiments:
        for name, parameter in experiment.get("parameters", {}).items():
            merged.setdefault(name, parameter["default"])
    return merged


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)

"""Owns what clients define of experiments: layers, allocations, exposures, goals, and the epochs that changes open.

Plain data and its JSON. What makes them valid is in `pipeline.definitions`; how units are assigned is in
`readers.assign`; how exposures and goals are counted is in `pipeline.trials`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DRAFT, RUNNING, STOPPED = STATUSES = ("draft", "running", "stopped")
HIGHER, LOWER = BETTER = ("higher", "lower")
PARAMETER_TYPES = ("string", "number", "integer", "boolean", "json")

Ranges = tuple[tuple[int, int], ...]  # half-open, of buckets


@dataclass(frozen=True, slots=True)
class Layer:
    """Experiments of one layer share its buckets, so that a unit is in at most one of them. buckets: a power of two."""

    id: str
    buckets: int

    def document(self) -> dict[str, Any]:
        """The layer as it is written in a definition."""
        return {"id": self.id, "buckets": self.buckets}


@dataclass(frozen=True, slots=True)
class Parameter:
    """What an experiment sets, and what holds without it. type: one of PARAMETER_TYPES."""

    type: str
    default: Any


@dataclass(frozen=True, slots=True)
class Variation:
    """One way that things can be: the values of the parameters it sets."""

    id: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Goal:
    """A measure of a metric, and which direction is better. A guardrail only vetoes."""

    metric: str
    measure: str
    better: str = HIGHER
    guardrail: bool = False

    @property
    def name(self) -> str:
        """`metric.measure`."""
        return f"{self.metric}.{self.measure}"

    def document(self) -> dict[str, Any]:
        """The goal as it is written in a definition."""
        return {"goal": self.name, "better": self.better, "guardrail": self.guardrail}


@dataclass(frozen=True, slots=True)
class Epoch:
    """What was in force from a time on, RFC 3339 (None: ever since). number: from 1."""

    number: int
    effective_at: str | None
    variations: tuple[Variation, ...]
    allocation: Mapping[str, Ranges]  # variation -> buckets
    eligible: Mapping[str, Any]  # condition on the attributes of a request

    def document(self) -> dict[str, Any]:
        """The epoch as JSON."""
        return {
            "number": self.number,
            "effective_at": self.effective_at,
            "variations": [{"id": v.id, "parameters": dict(v.parameters)} for v in self.variations],
            "allocation": {variation: [list(r) for r in ranges] for variation, ranges in self.allocation.items()},
            "eligible": dict(self.eligible),
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Epoch:
        """The inverse of `document`; trusted."""
        return cls(
            document["number"],
            document["effective_at"],
            tuple(Variation(v["id"], v["parameters"]) for v in document["variations"]),
            {v: tuple((int(a), int(b)) for a, b in ranges) for v, ranges in document["allocation"].items()},
            document["eligible"],
        )


@dataclass(frozen=True, slots=True)
class Experiment:
    """One experiment. exposed: the condition on an event that shows a visitor's variation, which stands at the dotted path
    `variation_path`; breakdowns: dotted paths into that event, by which results can be asked; epochs: ascending, the last
    one is in force; revision: a digest of all that decides the numbers (exposure, breakdowns, goals with the revisions of
    their metrics, time zone, visitor).
    """

    id: str
    layer: str
    status: str
    description: str
    parameters: Mapping[str, Parameter]
    exposed: dict[str, Any]
    variation_path: str
    breakdowns: tuple[str, ...]
    goals: tuple[Goal, ...]
    control: str
    epochs: tuple[Epoch, ...]
    start: str | None  # RFC 3339: outside of [start, end) nobody is assigned
    end: str | None
    revision: str

    @property
    def epoch(self) -> Epoch:
        """The latest epoch."""
        return self.epochs[-1]

    def document(self) -> dict[str, Any]:
        """The experiment as it is written in a definition, of the latest epoch."""
        latest = self.epoch.document()
        described = {"description": self.description} if self.description else {}
        times = {name: at for name, at in (("start", self.start), ("end", self.end)) if at is not None}
        return {
            "id": self.id,
            **described,
            "layer": self.layer,
            "status": self.status,
            **times,
            "parameters": {name: {"type": p.type, "default": p.default} for name, p in self.parameters.items()},
            "variations": latest["variations"],
            "allocation": latest["allocation"],
            "eligible": latest["eligible"],
            "exposure": {"where": self.exposed, "variation": self.variation_path},
            "breakdowns": list(self.breakdowns),
            "goals": [goal.document() for goal in self.goals],
            "control": self.control,
        }

    def to_json(self) -> dict[str, Any]:
        """All of it, for the way between processes."""
        return {
            **self.document(),
            "epochs": [epoch.document() for epoch in self.epochs],
            "revision": self.revision,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Experiment:
        """The inverse of `to_json`; trusted."""
        return cls(
            id=stored["id"],
            layer=stored["layer"],
            status=stored["status"],
            description=stored.get("description", ""),
            parameters={name: Parameter(p["type"], p["default"]) for name, p in stored["parameters"].items()},
            exposed=stored["exposure"]["where"],
            variation_path=stored["exposure"]["variation"],
            breakdowns=tuple(stored["breakdowns"]),
            goals=tuple(_goal(goal) for goal in stored["goals"]),
            control=stored["control"],
            epochs=tuple(Epoch.of(epoch) for epoch in stored["epochs"]),
            start=stored.get("start"),
            end=stored.get("end"),
            revision=stored["revision"],
        )


def _goal(document: Mapping[str, Any]) -> Goal:
    metric, _, measure = document["goal"].partition(".")
    return Goal(metric, measure, document["better"], document["guardrail"])

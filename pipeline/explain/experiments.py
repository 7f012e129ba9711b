"""Owns what an event means to each experiment of its account: an exposure, and to which variation, or an event of its goals.

Whether the visitor has been exposed before a goal event, and to what, is not looked up.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.explain.conditions import ConditionTree
from pipeline.explain.judge import Judge, Judgement
from pipeline.match import clauses_of, value_at
from pipeline.match.values import CLAUSES_MAX
from pipeline.model.event import breakdown_value
from pipeline.model.experiment import Experiment
from pipeline.model.rejects import Reject


def explain_experiments(judge: Judge, event: Any, outcome: Judgement | Reject, somebody: bool) -> Iterator[dict[str, Any]]:
    """One body for each experiment that is or was running. somebody: whether the event has a visitor."""
    definitions, room = judge.definitions, CLAUSES_MAX
    for trial, metric in zip(judge.trials, definitions.exposures, strict=True):
        tree = ConditionTree(event, metric.groups)
        node = judge.parsed.of(metric).node
        room -= sum(1 for _ in clauses_of(node))
        told: dict[str, Any] = {
            "id": trial.experiment.id,
            "exposure": tree.node_holds(node),
            "where": tree.explain(metric.where, ("exposure", "where")) if room >= 0 else None,
            "goals": [],
        }
        if not isinstance(outcome, Reject):
            told["goals"] = [goal.name for goal in trial.experiment.goals if goal.metric in outcome.metrics]
            epoch = trial.epoch_at(outcome.time)
            told["epoch"] = epoch.number
            if told["exposure"]:
                told["variation"] = _variation(trial.experiment, event)
                known = told["variation"] in {v.id for v in epoch.variations}
                if somebody and not known:
                    told["why"] = f"{trial.experiment.variation_path} names no variation of epoch {epoch.number}"
            if not somebody and (told["exposure"] or told["goals"]):
                told["why"] = "no visitor is known, and experiments count visitors"
        yield told


def _variation(experiment: Experiment, event: Any) -> str:
    return breakdown_value(value_at(event, tuple(experiment.variation_path.split("."))))

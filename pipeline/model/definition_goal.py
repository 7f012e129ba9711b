"""Owns what makes an experiment's goals valid: measures of metrics that there are, and that can be judged per visitor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.model.definition import COUNT, SUM, Metric
from pipeline.model.definition_check import check_keys
from pipeline.model.definition_place import Place, quoted
from pipeline.model.experiment import BETTER, HIGHER, Goal
from pipeline.model.limits import GOALS_PER_EXPERIMENT_MAX

_EXAMPLE = "write metric.measure, such as orders.revenue"


def parse_goals(value: Any, metrics: Mapping[str, Metric], place: Place) -> tuple[Goal, ...]:
    """The goals in their order: the first is the primary one."""
    if not isinstance(value, (list, tuple)) or not value:
        found = "missing" if value is None else "empty" if value in ([], ()) else f"{quoted(value)} is not a list"
        place.refuse(f"{found}; name at least one, such as [orders.revenue]")
        return ()
    if len(value) > GOALS_PER_EXPERIMENT_MAX:
        place.refuse(f"{len(value):,} goals; at most {GOALS_PER_EXPERIMENT_MAX}")
        return ()
    goals: dict[str, Goal] = {}
    for index, item in enumerate(value):
        here = place.at(f"[{index}]")
        goal = _parse_goal(item, metrics, here)
        if goal is not None and goal.name in goals:
            here.refuse(f"{goal.name} is named twice; leave one out")
        elif goal is not None:
            goals[goal.name] = goal
    parsed = tuple(goals.values())
    if parsed and parsed[0].guardrail and len(parsed) == len(value):
        place.at("[0]").refuse("the first goal decides, and a guardrail only vetoes; put another goal first")
    return parsed


def _parse_goal(item: Any, metrics: Mapping[str, Metric], place: Place) -> Goal | None:
    before = len(place.found)
    if isinstance(item, str):
        return _named_goal(item, metrics, place)
    if not isinstance(item, Mapping):
        place.refuse(f"{quoted(item)} is not a goal; {_EXAMPLE}")
        return None
    check_keys(item, ("goal", "better", "guardrail"), place)
    better, guardrail = item.get("better", HIGHER), item.get("guardrail", False)
    if not isinstance(better, str) or better not in BETTER:
        place.at("better").refuse(f"{quoted(better)} is not known; write one of {', '.join(BETTER)}")
    if not isinstance(guardrail, bool):
        place.at("guardrail").refuse(f"{quoted(guardrail)} is not true or false")
    goal = _named_goal(item.get("goal"), metrics, place.at("goal"))
    if goal is None or len(place.found) > before:
        return None
    return Goal(goal.metric, goal.measure, better, guardrail)


def _named_goal(name: Any, metrics: Mapping[str, Metric], place: Place) -> Goal | None:
    if not isinstance(name, str) or name.count(".") != 1:
        place.refuse(f"{'missing' if name is None else f'{quoted(name)} is not a goal'}; {_EXAMPLE}")
        return None
    metric_id, _, measure_name = name.partition(".")
    metric = metrics.get(metric_id)
    if metric is None:
        place.refuse(f"there is no metric {quoted(metric_id)}; define it here, or push it first")
        return None
    measures = {measure.name: measure for measure in metric.measures}
    if measure_name not in measures:
        place.refuse(f"metric {metric_id} has no measure {quoted(measure_name)}; it has {', '.join(measures)}")
        return None
    aggregate = measures[measure_name].aggregate
    if aggregate not in (COUNT, SUM):
        place.refuse(f"{name} is a {aggregate}, which visitors don't add up to; name a {COUNT} or a {SUM}")
        return None
    return Goal(metric_id, measure_name)

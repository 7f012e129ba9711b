"""Owns the body of an experiment's results: what was counted and what statistics say of it, as the public surface has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pipeline.model.definition import Measure, Metric
from pipeline.model.experiment import STOPPED, Epoch, Experiment, Goal
from readers.experiments import always_valid
from readers.experiments.adjusting import adjusted_document
from readers.experiments.always_valid import EXPECTED_MIN, Sequence
from readers.experiments.compare import Comparison, compare
from readers.experiments.decision import Decision, Judged, State, decide
from readers.experiments.epochs import is_over, span
from readers.experiments.over_time import cumulative
from readers.experiments.power import Needed, arriving_per_day, needed
from readers.experiments.sample import MEAN, Sample, kind_of
from readers.experiments.sample_ratio import SampleRatio, sample_ratio, shares
from readers.experiments.totals import GoalTotals, TrialTotals, VariationTotals
from readers.experiments.words import percent
from readers.query.limits import DAYS_MAX

SEQUENCE = Sequence()
MINIMUM_EFFECT = 0.05  # relative to control: below it a difference doesn't matter, unless it is asked otherwise


@dataclass(frozen=True, slots=True)
class Question:
    """What results are asked of. today: in the account's time zone; metrics: the account's, for what goals measure."""

    experiment: Experiment
    epoch: Epoch
    metrics: Mapping[str, Metric]
    now: datetime
    today: date
    minimum_effect: float = MINIMUM_EFFECT
    sequence: Sequence = SEQUENCE


def results_body(asked: Question, totals: TrialTotals) -> dict[str, Any]:
    """The body of `GET /v1/experiments/{id}/results`. Totals are Decimals; nothing is NaN or infinite."""
    found = _Found.of(asked, totals)
    since, until = span(asked.experiment, asked.epoch)
    return {
        "experiment": asked.experiment.id,
        "epoch": asked.epoch.number,
        "since": since,
        "until": until,
        "status": asked.experiment.status,
        "control": asked.experiment.control,
        "method": _method(asked, len(found.shown) - 1),
        **found.document(),
        "decision": found.decision().document(),
    }


def breakdown_body(asked: Question, by: str, totals: TrialTotals, of_values: Mapping[str, TrialTotals]) -> dict[str, Any]:
    """The same, and the numbers for each value of a breakdown. They have no decision of their own: among many values
    some would differ by chance.
    """
    values = [{"value": value, **_Found.of(asked, found).document(drawn=False)} for value, found in of_values.items()]
    return {**results_body(asked, totals), "by": by, "values": values}


@dataclass(frozen=True, slots=True)
class _Found:
    asked: Question
    totals: TrialTotals
    shown: Mapping[str, VariationTotals]
    ratio: SampleRatio
    judged: tuple[Judged, ...]
    left: Needed | None

    @classmethod
    def of(cls, asked: Question, totals: TrialTotals) -> _Found:
        nothing = tuple(GoalTotals() for _ in asked.experiment.goals)
        ids = [variation.id for variation in asked.epoch.variations]
        shown = {v: totals.variations.get(v) or VariationTotals(v, 0, {}, nothing) for v in ids}
        expected = shares(asked.epoch.allocation)
        ratio = sample_ratio(expected, {v: found.visitors for v, found in shown.items()})
        judged = tuple(
            Judged(goal, _comparisons(asked, shown, number)) for number, goal in enumerate(asked.experiment.goals)
        )
        return cls(asked, totals, shown, ratio, judged, _needed(asked, shown, expected))

    def document(self, *, drawn: bool = True) -> dict[str, Any]:
        """What is counted and compared. drawn: with its course over the days."""
        unknown = sum(self.totals.unknown.values())
        return {
            "sample_ratio": self.ratio.document(),
            "excluded": {
                "several_variations": self.totals.several,
                "unknown_variation": unknown,
                "forgotten_goal_events": self.totals.forgotten,
            },
            "goals": [self._goal(number, judged, drawn) for number, judged in enumerate(self.judged)],
            "power": self.left.document() if self.left else None,
        }

    def decision(self) -> Decision:
        experiment, epoch = self.asked.experiment, self.asked.epoch
        control = self.shown.get(experiment.control)
        mean = Sample.of(control.visitors, control.goals[0]).mean if control else 0.0
        effect = abs(mean) * self.asked.minimum_effect
        over = experiment.status == STOPPED or is_over(experiment, epoch, self.asked.now)
        alpha = self.asked.sequence.alpha
        state = State(experiment.control, alpha, effect, self.asked.minimum_effect, over, _left_text(self.left))
        return decide(self.judged, self.ratio, state)

    def _goal(self, number: int, judged: Judged, drawn: bool) -> dict[str, Any]:
        goal = judged.goal
        return {
            "goal": goal.name,
            "kind": _kind(self.asked, goal),
            "better": goal.better,
            "primary": number == 0,
            "guardrail": goal.guardrail,
            "variations": [self._variation(number, found, judged, drawn) for found in self.shown.values()],
        }

    def _variation(self, number: int, found: VariationTotals, judged: Judged, drawn: bool) -> dict[str, Any]:
        of_goal = found.goals[number]
        document = {
            "id": found.id,
            "visitors": found.visitors,
            "total": of_goal.total,
            "converted": of_goal.converted,
            "value": Sample.of(found.visitors, of_goal).mean if found.visitors else None,
            **({"days": _days(found, of_goal)} if drawn else {}),
        }
        if found.id not in judged.comparisons:
            return document
        versus, kind = judged.comparisons[found.id].document(), _kind(self.asked, judged.goal)
        control = self.shown[self.asked.experiment.control]
        if kind == MEAN and self.asked.epoch.number == 1:
            versus["adjusted"] = adjusted_document(
                found.visitors, of_goal, control.visitors, control.goals[number], self.asked.sequence
            )
        if drawn:
            versus["over_time"] = cumulative(kind, control, found, number, self.asked.sequence)
        return {**document, "versus_control": versus}


def _comparisons(asked: Question, shown: Mapping[str, VariationTotals], number: int) -> dict[str, Comparison]:
    """Of all variations but control, which may be missing from an epoch."""
    control = shown.get(asked.experiment.control)
    if control is None:
        return {}
    kind = _kind(asked, asked.experiment.goals[number])
    of_control = Sample.of(control.visitors, control.goals[number])
    return {
        v: compare(kind, Sample.of(found.visitors, found.goals[number]), of_control, asked.sequence)
        for v, found in shown.items()
        if v != asked.experiment.control
    }


def _kind(asked: Question, goal: Goal) -> str:
    metric = asked.metrics.get(goal.metric)
    measures: tuple[Measure, ...] = metric.measures if metric else ()
    return kind_of(next((measure for measure in measures if measure.name == goal.measure), None))


def _days(found: VariationTotals, goal: GoalTotals) -> list[dict[str, Any]]:
    days = sorted({*found.days, *goal.days})[-DAYS_MAX:]
    return [{"day": day, "visitors": found.days.get(day, 0), "total": goal.days.get(day, 0)} for day in days]


def _needed(asked: Question, shown: Mapping[str, VariationTotals], expected: Mapping[str, float]) -> Needed | None:
    """Of the primary goal."""
    control = asked.experiment.control
    others = [share for variation, share in expected.items() if variation != control]
    if control not in expected or control not in shown or not others:
        return None
    arrived: dict[str, int] = {}
    for found in shown.values():
        for day, visitors in found.days.items():
            arrived[day] = arrived.get(day, 0) + visitors
    return needed(
        asked.minimum_effect,
        Sample.of(shown[control].visitors, shown[control].goals[0]),
        (expected[control], min(others)),
        sum(found.visitors for found in shown.values()),
        arriving_per_day(arrived, asked.today),
        asked.sequence,
    )


def _left_text(left: Needed | None) -> str:
    if left is None or left.missing is None:
        return ""
    if not left.missing:
        return "; enough visitors came to find the minimum effect"
    days = f", about {left.days:,} days" if left.days is not None else ""
    return f"; to find a change of {percent(left.minimum_effect)} takes another {left.missing:,} visitors{days}"


def _method(asked: Question, comparisons: int) -> dict[str, Any]:
    sequence = asked.sequence
    return {
        "name": always_valid.NAME,
        "level": sequence.level,
        "parameters": {
            "rho_squared": sequence.rho_squared,
            "tuned_to_visitors": sequence.tuned_to,
            "expected_conversions_min": dict(EXPECTED_MIN),
            "variance_floor": "of both variations together",
            "minimum_effect": asked.minimum_effect,
            "correction": f"Holm over {comparisons} comparisons, in the decision",
        },
        "source": always_valid.SOURCE,
    }

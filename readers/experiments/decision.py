"""Owns what is to be done about an experiment: ship, rollback, keep_running or no_difference, and why, in one sentence.

- Nothing is decided while visitors don't come in the shares that the allocation says: then what is measured is broken.
- A difference counts where its always-valid p-value, corrected after Holm for the variations compared with control, is
  below 1 - level. So it may be acted on whenever it is seen first.
- `ship`: the primary goal is better, and no guardrail is worse. Of several, the one with the largest difference.
- `rollback`: the primary goal or a guardrail is worse. A guardrail vetoes whatever the primary goal says.
- `no_difference`: every interval of the primary goal lies within the minimum effect, that is, any difference there may be
  is too small to matter; or the experiment is over and nothing was told apart.
Goals that are neither primary nor guardrail decide nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence as Items
from dataclasses import dataclass
from typing import Any

from pipeline.model.experiment import HIGHER, Goal
from readers.experiments.compare import Comparison
from readers.experiments.sample_ratio import SampleRatio
from readers.experiments.words import change_text, counted, percent

SHIP, ROLLBACK, KEEP_RUNNING, NO_DIFFERENCE = VERDICTS = ("ship", "rollback", "keep_running", "no_difference")


@dataclass(frozen=True, slots=True)
class Decision:
    """variation: the one to ship or to roll back; else None."""

    verdict: str
    variation: str | None
    reason: str

    def document(self) -> dict[str, Any]:
        """As the results have it."""
        return {"verdict": self.verdict, "variation": self.variation, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Judged:
    """A goal and its comparisons with control, by variation."""

    goal: Goal
    comparisons: Mapping[str, Comparison]

    def toward(self, variation: str) -> float:
        """The difference, positive where it is for the better."""
        difference = self.comparisons[variation].difference or 0.0
        return difference if self.goal.better == HIGHER else -difference


@dataclass(frozen=True, slots=True)
class State:
    """What a decision rests on besides the goals. effect: the control's primary mean times the minimum effect; over: the
    experiment has been stopped or its time is up; left: a phrase about how long still.
    """

    control: str
    alpha: float
    effect: float
    minimum_effect: float
    over: bool
    left: str


def decide(goals: Items[Judged], ratio: SampleRatio, state: State) -> Decision:
    """goals: the primary one first. A function of what is counted now, and of nothing that was said before."""
    if not ratio.ok:
        return Decision(KEEP_RUNNING, None, _broken(ratio))
    primary = goals[0]
    guardrails = [judged for judged in goals[1:] if judged.goal.guardrail]
    told = {id(judged): told_apart(judged.comparisons, state.alpha) for judged in (primary, *guardrails)}
    worse = {v: judged for judged in (primary, *guardrails) for v in told[id(judged)] if judged.toward(v) < 0}
    better = [v for v in told[id(primary)] if primary.toward(v) > 0 and v not in worse]
    if better:
        return _ship(primary, max(better, key=primary.toward), worse, state, guarded=bool(guardrails))
    if worse:
        return _rollback(primary, worse, told[id(primary)], state)
    return _undecided(primary, state)


def told_apart(comparisons: Mapping[str, Comparison], alpha: float) -> list[str]:
    """The variations that differ from control, with at most alpha as the chance of any mistake among them: Holm's steps.

    Written out, for statsmodels' `multipletests` collects all garbage at each call, which stops a server for 100 ms.
    """
    told = []
    # What can't be compared yet will be: it counts among the comparisons all the same.
    by_p_value = sorted((1.0 if c.p_value is None else c.p_value, v) for v, c in comparisons.items())
    for step, (p_value, variation) in enumerate(by_p_value):
        if p_value > alpha / (len(by_p_value) - step):
            break
        told.append(variation)
    return told


def _broken(ratio: SampleRatio) -> str:
    total = sum(ratio.observed.values())
    parts = ", ".join(f"{v} {n / total:.1%} instead of {ratio.expected[v]:.1%}" for v, n in ratio.observed.items())
    return f"Visitors don't come as the allocation says ({parts}): find out why before any number here is believed."


def _ship(primary: Judged, variation: str, worse: Mapping[str, Judged], state: State, *, guarded: bool) -> Decision:
    safe = ", and no guardrail is known to be worse" if guarded else ""
    others = f"; {counted(sorted(worse))} did worse" if worse else ""
    change = change_text(primary.comparisons[variation])
    reason = f"{variation} is better than {state.control} in {primary.goal.name}: {change}{safe}{others}."
    return Decision(SHIP, variation, reason)


def _rollback(primary: Judged, worse: Mapping[str, Judged], told: Items[str], state: State) -> Decision:
    variation = min(worse, key=lambda v: worse[v].toward(v) if worse[v] is primary else 0.0)
    of = worse[variation]
    veto = f", although it is better in {primary.goal.name}" if variation in told and primary.toward(variation) > 0 else ""
    guard = "the guardrail " if of is not primary else ""
    change = change_text(of.comparisons[variation])
    others = [v for v in sorted(worse) if v != variation]
    also = f"; so {'is' if len(others) == 1 else 'are'} {counted(others)}" if others else ""
    reason = f"{variation} is worse than {state.control} in {guard}{of.goal.name}: {change}{veto}{also}."
    return Decision(ROLLBACK, variation, reason)


def _undecided(primary: Judged, state: State) -> Decision:
    intervals = [comparison.interval for comparison in primary.comparisons.values()]
    if state.effect and intervals and all(i and max(-i[0], i[1]) <= state.effect for i in intervals):
        bound = f"{percent(state.minimum_effect)} of {state.control}'s"
        reason = f"Whatever difference there is in {primary.goal.name}, it is below {bound}: too small to matter."
        return Decision(NO_DIFFERENCE, None, reason)
    if state.over:
        reason = f"It is over, and nothing in {primary.goal.name} could be told apart from {state.control}."
        return Decision(NO_DIFFERENCE, None, reason)
    return Decision(KEEP_RUNNING, None, f"No difference in {primary.goal.name} can be told from chance yet{state.left}.")

"""What is decided of which numbers, and why, in words."""

from __future__ import annotations

from datetime import UTC, date, datetime
from random import Random
from typing import Any

import pytest
from statsmodels.stats.multitest import multipletests

from pipeline.model.experiment import Experiment
from readers.experiments.compare import Comparison
from readers.experiments.decision import told_apart
from readers.experiments.results import Question, results_body
from readers.experiments.totals import TrialTotals
from tests.support.trials import CANCELS, METRICS, SIGNUPS, converted, counted, epoch, experiment, totals

NOW = datetime(2026, 10, 5, 12, tzinfo=UTC)
THREE = epoch(control=300, friendly=300, bold=300)


def decided(of: Experiment, found: TrialTotals, **options: Any) -> dict[str, Any]:
    asked = Question(of, of.epoch, METRICS, NOW, date(2026, 10, 5), **options)
    decision: dict[str, Any] = results_body(asked, found)["decision"]
    return decision


def of_two(control: int, friendly: int, visitors: int = 20_000) -> TrialTotals:
    return totals(counted("control", visitors, converted(control)), counted("friendly", visitors, converted(friendly)))


def test_what_is_better_is_shipped() -> None:
    decision = decided(experiment(), of_two(120, 260))
    assert (decision["verdict"], decision["variation"]) == ("ship", "friendly")
    assert decision["reason"].startswith("friendly is better than control in signups.visitors: +117% (between +")


def test_what_is_worse_is_rolled_back() -> None:
    decision = decided(experiment(), of_two(260, 120))
    assert (decision["verdict"], decision["variation"]) == ("rollback", "friendly")
    assert "friendly is worse than control in signups.visitors: -53.8%" in decision["reason"]


def test_what_may_be_chance_goes_on_and_says_how_long_still() -> None:
    decision = decided(experiment(), of_two(120, 130))
    assert (decision["verdict"], decision["variation"]) == ("keep_running", None)
    assert decision["reason"] == (
        "No difference in signups.visitors can be told from chance yet; "
        "to find a change of 5% takes another 5,673,773 visitors, about 568 days."
    )


def test_nobody_came_yet() -> None:
    decision = decided(experiment(), totals())
    assert decision["verdict"] == "keep_running" and decision["reason"].endswith("yet.")


def test_of_a_goal_where_lower_is_better_less_is_shipped() -> None:
    cancels = CANCELS.__class__("cancels", "visitors", better="lower")
    assert decided(experiment(cancels), of_two(260, 120))["verdict"] == "ship"
    assert decided(experiment(cancels), of_two(120, 260))["verdict"] == "rollback"


def test_a_guardrail_that_gets_worse_vetoes_a_winner() -> None:
    found = totals(
        counted("control", 20_000, converted(120), converted(200)),
        counted("friendly", 20_000, converted(260), converted(400)),
    )
    decision = decided(experiment(SIGNUPS, CANCELS), found)
    assert (decision["verdict"], decision["variation"]) == ("rollback", "friendly")
    assert "in the guardrail cancels.visitors: +100%" in decision["reason"]
    assert decision["reason"].endswith("although it is better in signups.visitors.")


def test_a_goal_that_is_no_guardrail_vetoes_nothing() -> None:
    beside = CANCELS.__class__("cancels", "visitors", better="lower")
    found = totals(
        counted("control", 20_000, converted(120), converted(200)),
        counted("friendly", 20_000, converted(260), converted(400)),
    )
    assert decided(experiment(SIGNUPS, beside), found)["verdict"] == "ship"


def test_of_several_winners_the_largest_is_shipped_and_losers_are_named() -> None:
    of = experiment(epochs=[epoch(control=300, friendly=300, bold=300, plain=300)])
    counts = {"control": 200, "friendly": 330, "bold": 400, "plain": 90}
    decision = decided(of, totals(*(counted(v, 20_000, converted(n)) for v, n in counts.items())))
    assert (decision["verdict"], decision["variation"]) == ("ship", "bold")
    assert "plain did worse" in decision["reason"]


def test_comparisons_are_corrected_after_holm() -> None:
    def of(p_value: float | None) -> Comparison:
        return Comparison(0.1, None, None, None, p_value, None)

    assert told_apart({"a": of(0.02), "b": of(0.04)}, 0.05) == ["a", "b"]
    assert told_apart({"a": of(0.026), "b": of(0.06)}, 0.05) == []
    assert told_apart({"a": of(0.03), "b": of(None)}, 0.05) == []
    assert told_apart({"a": of(0.03)}, 0.05) == ["a"]


def test_the_steps_are_those_of_statsmodels() -> None:
    random = Random(1)
    for _ in range(5):
        p_values = [random.random() ** 4 for _ in range(random.randint(1, 6))]
        compared = {str(n): Comparison(0.1, None, None, None, p, None) for n, p in enumerate(p_values)}
        rejected = multipletests(p_values, alpha=0.05, method="holm")[0]
        assert sorted(told_apart(compared, 0.05)) == [str(n) for n, differs in enumerate(rejected) if differs]


def test_nothing_is_decided_while_visitors_dont_come_as_allocated() -> None:
    found = totals(counted("control", 20_000, converted(120)), counted("friendly", 18_000, converted(260)))
    decision = decided(experiment(), found)
    assert decision["verdict"] == "keep_running"
    assert "control 52.6% instead of 50.0%" in decision["reason"]


def test_a_difference_too_small_to_matter_is_none() -> None:
    decision = decided(experiment(), of_two(200_000, 200_100, 400_000))
    assert decision["verdict"] == "no_difference" and "below 5% of control's" in decision["reason"]
    assert decided(experiment(), of_two(200_000, 200_100, 400_000), minimum_effect=0.001)["verdict"] == "keep_running"


@pytest.mark.parametrize("ended", [{"status": "stopped"}, {"end": "2026-10-04T00:00:00Z"}])
def test_what_is_over_without_a_difference_says_so(ended: dict[str, str]) -> None:
    decision = decided(experiment(**ended), of_two(120, 130))
    assert decision["verdict"] == "no_difference" and decision["reason"].startswith("It is over")


def test_three_arms_of_an_e_mail_test_ship_the_first() -> None:
    counts = {"control": (21306, 122), "friendly": (21307, 267), "bold": (21387, 189)}
    found = totals(*(counted(v, n, converted(k)) for v, (n, k) in counts.items()))
    decision = decided(experiment(epochs=[THREE]), found)
    assert (decision["verdict"], decision["variation"]) == ("ship", "friendly")

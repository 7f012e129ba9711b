"""What visitors did before their exposure narrows the interval, and changes nothing else."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import tea_tasting
import tea_tasting.aggr

from readers.experiments.adjusting import adjusted, adjusted_document
from readers.experiments.always_valid import Sequence
from readers.experiments.compare import compare
from readers.experiments.results import Question, results_body
from readers.experiments.sample import MEAN
from readers.experiments.totals import GoalTotals
from tests.support.tree import ROOT
from tests.support.trials import METRICS, REVENUE, counted, epoch, experiment, totals
from tests.unit.readers.conftest import NOW

Values = np.ndarray
SEED = 7


def goal_of(after: Values, before: Values) -> GoalTotals:
    squares, before_squares, products = (
        Fraction(float(np.dot(*pair))) for pair in ((after, after), (before, before), (after, before))
    )
    total, earlier = (Decimal(float(values.sum())) for values in (after, before))
    return GoalTotals(int((after != 0).sum()), total, squares, {}, earlier, before_squares, products)


def drawn(random: np.random.Generator, n: int, effect: float = 0.0) -> tuple[Values, Values]:
    """Values after and before: each visitor has a taste of his own."""
    taste = random.gamma(2, 5, n)
    return taste + effect + random.normal(0, 3, n), taste + random.normal(0, 3, n)


def test_it_agrees_with_tea_tasting() -> None:
    random = np.random.default_rng(SEED)
    (x, y), (x_control, y_control) = drawn(random, 900, 0.5), drawn(random, 1100)
    told = tea_tasting.Mean("x", covariate="y", use_t=True, equal_var=False).analyze_aggregates(
        _aggregates(x_control, y_control), _aggregates(x, y)
    )
    samples = adjusted(900, goal_of(x, y), 1100, goal_of(x_control, y_control))
    assert samples is not None
    found = compare(MEAN, *samples, Sequence())
    assert found.difference == pytest.approx(told.effect_size, rel=1e-2) and found.fixed is not None
    assert found.fixed["t"] == pytest.approx(told.statistic, rel=1e-2)


def test_what_is_explained_narrows_the_interval() -> None:
    random = np.random.default_rng(SEED)
    (x, y), (x_control, y_control) = drawn(random, 3000, 0.5), drawn(random, 3000)
    own, control = goal_of(x, y), goal_of(x_control, y_control)
    document = adjusted_document(3000, own, 3000, control, Sequence())
    assert document is not None and 0.6 < document["variance_explained"] < 0.8
    low, high = document["interval"]
    assert low < 0.5 < high and high - low < 0.7 * (2 * 4.0 * (59 / 1500) ** 0.5)


def test_alike_variations_looked_at_often_differ_no_oftener_than_promised() -> None:
    random, alarms, runs = np.random.default_rng(SEED), 0, 60
    for _ in range(runs):
        (x, y), (x_control, y_control) = drawn(random, 600), drawn(random, 600)
        for n in range(40, 601, 40):
            samples = adjusted(n, goal_of(x[:n], y[:n]), n, goal_of(x_control[:n], y_control[:n]))
            assert samples is not None
            if (compare(MEAN, *samples, Sequence(), with_fixed=False).p_value or 1) < 0.05:
                alarms += 1
                break
    assert alarms <= 6, f"{alarms} of {runs}"  # at most 3 are promised; more than 6 have a chance below 0.04 even then


def test_only_the_first_epoch_is_adjusted() -> None:
    random = np.random.default_rng(SEED)
    goals = [goal_of(*drawn(random, 50)) for _ in range(2)]
    found = totals(counted("control", 50, goals[0]), counted("friendly", 50, goals[1]))
    for number, has in ((1, True), (2, False)):
        of = experiment(REVENUE, epochs=[epoch(number, "2026-10-01T00:00:00Z", control=1, friendly=1)])
        body = results_body(Question(of, of.epoch, METRICS, NOW, NOW.date()), found)
        assert ("adjusted" in body["goals"][0]["variations"][1]["versus_control"]) == has


def test_without_a_past_nothing_is_adjusted() -> None:
    nothing = goal_of(np.ones(5), np.zeros(5))
    assert adjusted(5, nothing, 5, nothing) is None and adjusted(1, nothing, 5, nothing) is None


def test_statistics_are_not_loaded_before_they_are_asked_for() -> None:
    for module in ("readers.app", "readers.watch_command", "pipeline.cli"):
        code = f"import sys, {module}; sys.exit('scipy' in sys.modules or 'pandas' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=60).returncode == 0, module


def _aggregates(after: Values, before: Values) -> tea_tasting.aggr.Aggregates:
    variances = {"x": float(after.var(ddof=1)), "y": float(before.var(ddof=1))}
    covariance = float(np.cov(after, before, ddof=1)[0, 1])
    means = {"x": float(after.mean()), "y": float(before.mean())}
    return tea_tasting.aggr.Aggregates(count_=len(after), mean_=means, var_=variances, cov_={("x", "y"): covariance})

"""Tests that are looked at after every visitor, in simulations: false alarms, power and coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm

from benchmarks.peeking import ALIKE, SEED, Story, log_normal, rate, tally
from readers.experiments import always_valid
from readers.experiments.sample_ratio import ALARM, sample_ratio, sequential_p_value

RUNS, VISITORS = 300, 8_000
FALSE_ALARMS_MAX = 0.065  # of the upper 99 % bound, at level 0.95


@pytest.mark.parametrize("story", ALIKE, ids=lambda story: story.name)
def test_looking_after_every_visitor_raises_no_more_false_alarms_than_promised(story: Story) -> None:
    found = tally(story, RUNS, VISITORS, SEED)
    assert found.bounds(found.always_valid)[1] <= FALSE_ALARMS_MAX, f"seed {SEED}"


def test_the_fixed_test_peeked_at_raises_far_more() -> None:
    for story in ALIKE:
        found = tally(story, 150, VISITORS, SEED)
        assert found.bounds(found.fixed)[0] > 1.5 * FALSE_ALARMS_MAX, f"{story.name}, seed {SEED}"


def test_without_the_floor_of_the_variance_a_small_variation_raises_false_alarms(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_floor(n: object, variance: object, n_control: object, variance_control: object) -> tuple[object, object]:
        return np.divide(variance, n), np.divide(variance_control, n_control)

    monkeypatch.setattr("benchmarks.peeking.squared_errors", without_floor)
    monkeypatch.setattr("benchmarks.peeking.EXPECTED_MIN", {"rate": 0.0, "mean": 0.0})
    found = tally(next(s for s in ALIKE if "buy, one visitor in ten" in s.name), 100, VISITORS, SEED)
    assert found.bounds(found.always_valid)[0] > FALSE_ALARMS_MAX


def test_what_differs_is_found_and_the_truth_is_in_nearly_every_sequence() -> None:
    of_rate = tally(Story("0.5 % against 1.7 %", rate(0.005, 0.017), 0.5, 0.012, is_rate=True), RUNS, VISITORS, SEED)
    revenue = tally(Story("+20 %", log_normal(1.0, factor=1.2), 0.5, 0.2 * math.exp(3.5)), RUNS, VISITORS, SEED)
    for found in (of_rate, revenue):
        assert found.always_valid > 0.9 * RUNS
        assert found.missed <= 0.05 * RUNS


def test_at_its_tuned_size_the_power_is_that_of_the_boundary_or_more() -> None:
    visitors, of_control, of_variation = always_valid.TUNED_TO, 0.10, 0.125
    error = 2 * (of_control * (1 - of_control) / visitors) ** 0.5
    at_the_last_look = (of_variation - of_control) / error - float(always_valid.Sequence().boundary(visitors))
    story = Story("10 % against 12.5 %", rate(of_control, of_variation), 0.5, of_variation - of_control, is_rate=True)
    found = tally(story, RUNS, visitors, SEED)
    low, high = found.bounds(found.always_valid)
    assert low <= float(norm.cdf(at_the_last_look)) + 0.15 and high >= float(norm.cdf(at_the_last_look)) - 0.05


def test_a_fair_split_looked_at_after_every_visitor_raises_hardly_an_alarm() -> None:
    random = np.random.default_rng(SEED)
    shares = {"control": 0.9, "friendly": 0.1}
    alarms = 0
    for _ in range(100):
        found = np.cumsum(random.random(2_000) < shares["friendly"])
        looks = ({"control": int(n - k), "friendly": int(k)} for n, k in enumerate(found, 1))
        alarms += any(not _is_ok(shares, look) for look in looks)
    assert alarms <= 5  # 1 on average at most; the chance of 6 is below 0.001 even then
    assert ALARM == 0.01


def _is_ok(shares: dict[str, float], seen: dict[str, int]) -> bool:
    return sequential_p_value(shares, seen) >= ALARM


def test_a_ramp_raises_no_alarm_in_any_epoch_and_a_broken_split_does() -> None:
    random = np.random.default_rng(SEED)
    for share, visitors in ((0.01, 20_000), (0.1, 20_000), (0.5, 20_000)):
        shares = {"control": 1 - share, "friendly": share}
        seen = int(random.binomial(visitors, share))
        assert sample_ratio(shares, {"control": visitors - seen, "friendly": seen}).ok
        lost = int(seen * 0.8)  # a fifth never sends its exposure
        assert not sample_ratio(shares, {"control": visitors - seen, "friendly": lost}).ok
    everything = {"control": 60_000 - 12_200, "friendly": 12_200}  # the epochs thrown together
    assert not sample_ratio({"control": 0.5, "friendly": 0.5}, everything).ok

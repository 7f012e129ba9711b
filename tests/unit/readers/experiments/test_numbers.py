"""What statistics say agrees with worked examples, with tea-tasting, and with the real numbers of an e-mail test."""

from __future__ import annotations

import math
from collections.abc import Sequence as Values

import numpy as np
import pytest
import scipy.stats
import tea_tasting
import tea_tasting.aggr

from readers.experiments.always_valid import EXPECTED_MIN, Sequence, squared_errors
from readers.experiments.compare import compare
from readers.experiments.sample import MEAN, RATE, Sample
from readers.experiments.uplift import uplift_interval
from tests.support.trials import converted, valued

EMAILS = [Sample.of(n, converted(count)) for n, count in ((21306, 122), (21307, 267), (21387, 189))]
SEQUENCE = Sequence()


def sample_of(values: Values[float]) -> Sample:
    return Sample.of(len(values), valued([repr(value) for value in values]))


def tea(values: np.ndarray) -> tea_tasting.aggr.Aggregates:
    n, mean, variance = len(values), float(values.mean()), float(values.var(ddof=1))
    return tea_tasting.aggr.Aggregates(count_=n, mean_={"x": mean}, var_={"x": variance}, cov_={})


def test_three_arms_of_an_e_mail_test_have_the_known_z() -> None:
    first, second = (compare(RATE, arm, EMAILS[0], SEQUENCE) for arm in EMAILS[1:])
    assert first.fixed and second.fixed and first.difference
    assert (round(first.fixed["z"], 3), round(second.fixed["z"], 3)) == (7.385, 3.780)
    assert first.fixed["p_value"] == pytest.approx(1.5e-13, rel=0.02)
    assert (round(first.difference, 6), round(first.uplift or 0, 3)) == (0.006805, 1.188)


def test_the_two_proportions_of_statsmodels_documentation() -> None:
    # proportions_ztest([5, 12], [83, 99]): z -1.4078304151258787, p 0.15918129181156992
    found = compare(RATE, Sample.of(83, converted(5)), Sample.of(99, converted(12)), SEQUENCE).fixed
    assert found is not None
    assert found["z"] == pytest.approx(-1.4078304151258787) and found["p_value"] == pytest.approx(0.15918129181156992)


def test_the_values_of_scipys_documentation_have_scipys_welch_test() -> None:
    one = [1, 3, 4, 6, 11, 13, 15, 19, 22, 24, 25, 26, 26]
    other = [2, 4, 6, 9, 11, 13, 14, 15, 18, 19, 21]
    found = compare(MEAN, sample_of(one), sample_of(other), SEQUENCE).fixed
    told = scipy.stats.ttest_ind(one, other, equal_var=False)
    assert found is not None and told.statistic == pytest.approx(0.9358461935556048)
    assert (found["t"], found["p_value"]) == pytest.approx((told.statistic, told.pvalue))
    assert found["interval"] == pytest.approx(list(told.confidence_interval(0.95)))


def test_newcombes_interval_has_the_figures_of_his_paper() -> None:
    # Newcombe (1998), table II, (a): 56/70 and 48/80, method 10: 0.0524 to 0.3339
    found = compare(RATE, Sample.of(70, converted(56)), Sample.of(80, converted(48)), SEQUENCE).fixed
    assert found is not None and [round(end, 4) for end in found["interval"]] == [0.0524, 0.3339]


def test_means_agree_with_tea_tasting() -> None:
    random = np.random.default_rng(1)
    control, variation = random.lognormal(3, 1, 400), random.lognormal(3.1, 1.2, 350)
    metric = tea_tasting.Mean("x", use_t=True, equal_var=False)
    told = metric.analyze_aggregates(tea(control), tea(variation))
    found = compare(MEAN, sample_of(variation.tolist()), sample_of(control.tolist()), SEQUENCE)
    assert found.difference == pytest.approx(told.effect_size) and found.uplift == pytest.approx(told.rel_effect_size)
    assert found.fixed is not None
    assert found.fixed["t"] == pytest.approx(told.statistic) and found.fixed["p_value"] == pytest.approx(told.pvalue)
    ends = (told.effect_size_ci_lower, told.effect_size_ci_upper)
    assert found.fixed["interval"] == pytest.approx(ends)


def test_fiellers_uplift_is_about_tea_tastings_where_the_control_is_well_known() -> None:
    random = np.random.default_rng(2)
    control, variation = random.gamma(4, 2, 4000), random.gamma(4.2, 2, 4000)
    told = tea_tasting.Mean("x", use_t=False, equal_var=False).analyze_aggregates(tea(control), tea(variation))
    errors = [float(values.var(ddof=1)) / len(values) for values in (variation, control)]
    found = uplift_interval(float(variation.mean()), errors[0], float(control.mean()), errors[1], 1.959964)
    assert found == pytest.approx((told.rel_effect_size_ci_lower, told.rel_effect_size_ci_upper), rel=0.02)


def test_sums_of_large_values_lose_nothing() -> None:
    values = ["1000000000.000001", "1000000000.000002", "1000000000.000003"]
    assert Sample.of(3, valued(values)).variance == pytest.approx(1e-12, rel=1e-9)


def test_the_p_value_is_the_least_alpha_whose_interval_excludes_nothing() -> None:
    for visitors in (50, 10_000, 3_000_000):
        for alpha in (0.2, 0.05, 1e-6):
            z = float(SEQUENCE.boundary(visitors, alpha))
            assert float(SEQUENCE.p_value(z, visitors)) == pytest.approx(alpha)


def test_the_interval_is_narrowest_in_standard_errors_where_it_is_tuned_to() -> None:
    around = SEQUENCE.boundary(np.array([9_000, 10_000, 11_000]))
    chosen = [Sequence(tuned_to=n).boundary(10_000) for n in (9_000, 10_000, 11_000)]
    assert min(chosen) == chosen[1] and np.all(around > 1.96)


def test_the_uplift_excludes_nothing_exactly_where_the_difference_does() -> None:
    for count in range(120, 240, 4):
        found = compare(RATE, Sample.of(20_000, converted(count)), Sample.of(20_000, converted(150)), SEQUENCE)
        assert found.interval and found.uplift_interval and found.p_value is not None
        ends = [(low > 0, high < 0) for low, high in (found.interval, found.uplift_interval)]
        assert ends[0] == ends[1] == (found.interval[0] > 0, found.interval[1] < 0)
        assert any(ends[0]) == (found.p_value < SEQUENCE.alpha)


def test_nothing_is_said_before_enough_conversions_can_be_expected() -> None:
    early = compare(RATE, Sample.of(400, converted(9)), Sample.of(400, converted(0)), SEQUENCE)
    assert (early.interval, early.p_value) == (None, 1.0) and early.difference == 9 / 400
    late = compare(RATE, Sample.of(400, converted(int(2 * EXPECTED_MIN[RATE]))), Sample.of(400, converted(0)), SEQUENCE)
    assert late.interval is not None


def test_a_variation_in_which_nobody_converts_any_more_is_found() -> None:
    found = compare(RATE, Sample.of(4_000, converted(0)), Sample.of(4_000, converted(40)), SEQUENCE)
    assert found.interval and found.interval[1] < 0 and found.uplift == -1


def test_no_variance_is_taken_to_be_smaller_than_that_of_both_together() -> None:
    own, control = squared_errors(100, 0.0, 900, 1.0)
    assert own == pytest.approx(0.9 / 100) and control == pytest.approx(1 / 900)


def test_without_visitors_or_conversions_nothing_is_undefined_but_absent() -> None:
    nobody, nothing = Sample.of(0, converted(0)), Sample.of(500, converted(0))
    assert set(compare(RATE, nobody, nothing, SEQUENCE).document().values()) == {None}
    empty = compare(RATE, nothing, nothing, SEQUENCE)
    assert (empty.difference, empty.uplift, empty.fixed, empty.p_value) == (0.0, None, None, 1.0)
    one = compare(MEAN, Sample.of(1, valued([5])), Sample.of(1, valued([7])), SEQUENCE)
    assert one.fixed is None and one.difference == -2 and math.isclose(one.uplift or 0, -2 / 7)

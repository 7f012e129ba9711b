"""Owns what classical tests say: right if looked at once, at a number of visitors chosen before. All of it is statsmodels'.

A rate: the pooled two-proportion z-test, and Newcombe's hybrid score interval, which holds for rare conversions where
Wald's does not. A mean: Welch's t-test and its interval.
"""

from __future__ import annotations

from typing import Any

from readers.experiments.sample import RATE, Sample

VISITORS_MIN = 2


def fixed_test(kind: str, sample: Sample, control: Sample, alpha: float) -> dict[str, Any] | None:
    """{z or t, p_value, interval} of sample minus control; None where nothing varies or there are too few visitors."""
    if min(sample.visitors, control.visitors) < VISITORS_MIN or not sample.variance + control.variance:
        return None
    return (_of_rates if kind == RATE else _of_means)(sample, control, alpha)


def _of_rates(sample: Sample, control: Sample, alpha: float) -> dict[str, Any]:
    from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest

    counts, visitors = (sample.converted, control.converted), (sample.visitors, control.visitors)
    z, p_value = proportions_ztest(counts, visitors)
    interval = confint_proportions_2indep(
        counts[0], visitors[0], counts[1], visitors[1], method="newcomb", compare="diff", alpha=alpha
    )
    return {"z": float(z), "p_value": float(p_value), "interval": [float(end) for end in interval]}


def _of_means(sample: Sample, control: Sample, alpha: float) -> dict[str, Any]:
    from scipy.stats import ttest_ind_from_stats

    welch = ttest_ind_from_stats(
        sample.mean, sample.variance**0.5, sample.visitors,
        control.mean, control.variance**0.5, control.visitors, equal_var=False,
    )  # fmt: skip
    low, high = _welch_interval(sample, control, alpha)
    return {"t": float(welch.statistic), "p_value": float(welch.pvalue), "interval": [low, high]}


def _welch_interval(sample: Sample, control: Sample, alpha: float) -> tuple[float, float]:
    from scipy.stats import t

    errors = [one.variance / one.visitors for one in (sample, control)]
    squared = sum(errors)
    freedom = squared**2 / sum(error**2 / (one.visitors - 1) for error, one in zip(errors, (sample, control), strict=True))
    reach = float(t.isf(alpha / 2, freedom)) * squared**0.5
    difference = sample.mean - control.mean
    return difference - reach, difference + reach

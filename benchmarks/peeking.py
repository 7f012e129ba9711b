"""How often tests raise a false alarm when they are looked at after every visitor, and what they find where there is any.

    python -m benchmarks.peeking [--runs N] [--visitors N] [--seed N]

Each run is an experiment whose visitors come one by one; every look is at the totals till then. The always-valid test is
the one that the results use, called with arrays; beside it the fixed-horizon one (z above 1.96), peeked at.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.stats import beta

from benchmarks import machine
from readers.experiments.always_valid import EXPECTED_MIN, Sequence, expected, squared_errors
from readers.experiments.sample import MEAN, RATE

RUNS, VISITORS, SEED = 2_000, 30_000, 20_261_001
CELLS_AT_ONCE = 300_000  # of runs x visitors: what fits into the processor's cache
CONVERSION = 0.005
FIXED_QUANTILE = 1.959964
Array = np.ndarray
Draw = Callable[[np.random.Generator, Array], Array]


@dataclass(frozen=True)
class Story:
    """What visitors do. draw: values of visitors, given which of them are in the variation; share: of the variation."""

    name: str
    draw: Draw
    share: float
    difference: float = 0.0
    is_rate: bool = False


@dataclass(frozen=True)
class Tally:
    """Of how many runs: in how many a test ever told a difference; ended with one told; ever missed the true one."""

    runs: int
    always_valid: int
    fixed: int
    fixed_at_the_end: int
    missed: int

    def bounds(self, count: int) -> tuple[float, float]:
        """Clopper and Pearson's 99 % bounds of the rate, each one-sided."""
        low = float(beta.ppf(0.01, count, self.runs - count + 1)) if count else 0.0
        high = float(beta.ppf(0.99, count + 1, self.runs - count)) if count < self.runs else 1.0
        return low, high


def rate(of_control: float, of_variation: float | None = None) -> Draw:
    """Visitors who convert or don't."""
    of_other = of_control if of_variation is None else of_variation
    return lambda random, varied: (random.random(varied.shape) < np.where(varied, of_other, of_control)).astype(float)


def log_normal(sigma: float, buyers: float = 1.0, factor: float = 1.0) -> Draw:
    """Revenue of visitors, of whom this part buys anything. factor: of the variation's revenue."""

    def draw(random: np.random.Generator, varied: Array) -> Array:
        bought = random.random(varied.shape) < buyers if buyers < 1 else np.ones(varied.shape, bool)
        values = np.zeros(varied.shape)
        values[bought] = random.lognormal(3.0, sigma, int(bought.sum()))
        return np.where(varied, values * factor, values)

    return draw


def tally(story: Story, runs: int, visitors: int, seed: int, sequence: Sequence | None = None) -> Tally:
    """The story, so many times, looked at after every visitor."""
    random, used = np.random.default_rng(seed), sequence or Sequence()
    at_once = max(1, CELLS_AT_ONCE // visitors)
    counts = np.zeros(4, np.int64)
    for first in range(0, runs, at_once):
        varied = random.random((min(at_once, runs - first), visitors)) < story.share
        counts += _alarms(story, used, varied, story.draw(random, varied))
    return Tally(runs, *map(int, counts))


def _alarms(story: Story, sequence: Sequence, varied: Array, values: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        n, mean, variance = _running(varied, values)
        n_control, mean_control, variance_control = _running(~varied, values)
        told = _of_both(story, n, n_control, np.cumsum(values > 0, axis=1))
        difference = mean - mean_control
        own, control = squared_errors(n, variance, n_control, variance_control)
        error = np.sqrt(own + control)
        boundary = sequence.boundary(np.arange(1, values.shape[1] + 1))
        begun = told & (error > 0)
        found = begun & (np.abs(difference) > boundary * error)
        missed = begun & (np.abs(difference - story.difference) > boundary * error)
        fixed = np.abs(_fixed_z(story, n, n_control, difference, values, variance, variance_control)) > FIXED_QUANTILE
    return np.array([found.any(1).sum(), fixed.any(1).sum(), fixed[:, -1].sum(), missed.any(1).sum()])


def _running(member: Array, values: Array) -> tuple[Array, Array, Array]:
    n = np.cumsum(member, axis=1, dtype=float)
    of_members = values * member
    total = np.cumsum(of_members, axis=1)
    mean = total / n
    variance = np.maximum(np.cumsum(of_members * values, axis=1) - total * mean, 0) / (n - 1)
    return n, mean, variance


def _of_both(story: Story, n: Array, n_control: Array, converted: Array) -> Array:
    both, kind = n + n_control, RATE if story.is_rate else MEAN
    rarer = np.minimum(converted, both - converted) if story.is_rate else converted
    return (n > 1) & (n_control > 1) & (expected(n, n_control, rarer) >= EXPECTED_MIN[kind])


def _fixed_z(
    story: Story, n: Array, n_control: Array, difference: Array, values: Array, variance: Array, variance_control: Array
) -> Array:
    """Pooled for a rate, else Welch's, with the normal's quantile."""
    if not story.is_rate:
        return np.where((n > 1) & (n_control > 1), difference / np.sqrt(variance / n + variance_control / n_control), 0)
    pooled = np.cumsum(values, axis=1) / (n + n_control)
    return difference / np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / n_control))


ALIKE = (
    Story("rate of 0.5 %, halves", rate(CONVERSION), 0.5, is_rate=True),
    Story("rate of 0.5 %, one visitor in ten", rate(CONVERSION), 0.1, is_rate=True),
    Story("revenue, log-normal (sigma 1), halves", log_normal(1.0), 0.5),
    Story("revenue of the 0.5 % who buy, halves", log_normal(1.0, CONVERSION), 0.5),
    Story("revenue of the 0.5 % who buy, one visitor in ten", log_normal(1.0, CONVERSION), 0.1),
    Story("revenue, log-normal (sigma 1.5), one visitor in ten", log_normal(1.5), 0.1),
)
_MEAN = float(np.exp(3.5))
DIFFERENT = (
    Story("rate of 0.5 % against 0.6 %", rate(0.005, 0.006), 0.5, 0.001, is_rate=True),
    Story("rate of 0.5 % against 1.0 %", rate(0.005, 0.010), 0.5, 0.005, is_rate=True),
    Story("revenue, log-normal (sigma 1), +10 %", log_normal(1.0, factor=1.1), 0.5, 0.1 * _MEAN),
    Story("revenue of the 0.5 % who buy, doubled", log_normal(1.0, CONVERSION, 2.0), 0.5, CONVERSION * _MEAN),
)


def _lines(stories: tuple[Story, ...], runs: int, visitors: int, seed: int) -> Iterator[str]:
    for story in stories:
        began = time.perf_counter()
        found = tally(story, runs, visitors, seed)
        high, low = found.bounds(found.always_valid)[1], found.bounds(found.fixed)[0]
        parts = [f"{found.always_valid / runs:.2%}", f"{high:.2%}", f"{found.fixed / runs:.1%}", f"{low:.1%}"]
        more = [f"{found.fixed_at_the_end / runs:.1%}", f"{found.missed / runs:.2%}", f"{time.perf_counter() - began:.0f}"]
        yield f"| {story.name} | {' | '.join(parts + more)} |"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peeking", description="False alarms under peeking.")
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--visitors", type=int, default=VISITORS, help="in each run (default %(default)s)")
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    print(machine.describe())
    print(f"\n{given.runs:,} runs of {given.visitors:,} visitors, a look after every visitor, level 95 %, seed {given.seed}")
    columns = (
        "always valid",
        "at most (99 %)",
        "fixed, peeked at",
        "at least (99 %)",
        "fixed, at the end",
        "missed truth",
        "s",
    )
    for title, stories in (("A/A: told a difference", ALIKE), ("A/B: told a difference", DIFFERENT)):
        print(f"\n| {title} | {' | '.join(columns)} |\n|{'---|' * (len(columns) + 1)}")
        for line in _lines(stories, given.runs, given.visitors, given.seed):
            print(line, flush=True)


if __name__ == "__main__":
    main()

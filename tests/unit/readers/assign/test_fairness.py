"""A million units: spread evenly in every layer, independently between layers, and moved only where they must be."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
from scipy.stats import chi2

from pipeline.definitions import parse_account
from readers.assign import Allocations, allocations_of, bucket_of
from tests.support.experiments import experiment_document, trial_document
from tests.support.murmur import Numbers, murmurs
from tests.unit.readers.conftest import NOW

UNITS, DIGITS, BUCKETS = 1_000_000, 7, 1024
LAYERS = [f"layer_{number}" for number in range(20)]
ALPHA = 0.001  # of each family of tests, over all of it: the units are fixed, and so is the outcome
COARSE = 16  # of a layer's buckets, for pairs of layers


@pytest.fixture(scope="module")
def buckets() -> dict[str, Numbers]:
    """The bucket of every unit in every layer."""
    units = np.arange(UNITS, dtype=np.uint32)
    return {layer: murmurs(layer, units, DIGITS) & np.uint32(BUCKETS - 1) for layer in LAYERS}


def p_value(counts: np.ndarray) -> float:
    expected = counts.sum() / counts.size
    return float(chi2.sf(((counts - expected) ** 2 / expected).sum(), counts.size - 1))


def test_the_buckets_are_those_of_the_package(buckets: dict[str, Numbers]) -> None:
    for layer in LAYERS:
        for number in range(0, UNITS, 49_999):
            assert bucket_of(layer, f"u{number:0{DIGITS}}", BUCKETS) == buckets[layer][number]


def test_units_are_spread_evenly_over_the_buckets_of_every_layer(buckets: dict[str, Numbers]) -> None:
    found = {layer: p_value(np.bincount(of, minlength=BUCKETS)) for layer, of in buckets.items()}
    assert min(found.values()) > ALPHA / len(LAYERS), found


def test_where_a_unit_is_in_one_layer_says_nothing_of_any_other(buckets: dict[str, Numbers]) -> None:
    coarse = {layer: of // (BUCKETS // COARSE) for layer, of in buckets.items()}
    pairs = list(combinations(LAYERS, 2))
    found = {pair: p_value(np.bincount(coarse[pair[0]] * COARSE + coarse[pair[1]], minlength=COARSE**2)) for pair in pairs}
    assert min(found.values()) > ALPHA / len(pairs), min(found.items(), key=lambda item: item[1])


def test_layers_that_are_named_alike_are_independent_too() -> None:
    units = np.arange(UNITS, dtype=np.uint32)
    one, other = (murmurs(layer, units, DIGITS) & np.uint32(COARSE - 1) for layer in ("a", "b"))
    assert p_value(np.bincount(one * COARSE + other, minlength=COARSE**2)) > ALPHA


def arms(of: Numbers, **allocation: list[list[int]]) -> np.ndarray:
    """The variation of every unit, by the package's own way from bucket to variation; empty for none."""
    changes = {"parameters": {}, "variations": [{"id": name} for name in allocation], "allocation": allocation}
    document = trial_document(experiment_document(**changes, control=next(iter(allocation))))
    prepared = Allocations.of(allocations_of(parse_account(document, strict=True), NOW))
    (layer,) = prepared.layers
    by_bucket = np.array([layer.owner(bucket)[1] for bucket in range(BUCKETS)])
    return by_bucket[of]


def test_a_ramp_moves_only_units_that_had_nothing(buckets: dict[str, Numbers]) -> None:
    of = buckets["layer_0"]
    steps = [
        arms(of, a=[[0, 5]], b=[[512, 517]]),
        arms(of, a=[[0, 51]], b=[[512, 563]]),
        arms(of, a=[[0, 512]], b=[[512, 1024]]),
    ]
    for before, after in pairwise(steps):
        assert np.all((before == after) | (before == ""))
        assert np.any(before != after)


def test_an_experiment_that_yields_moves_only_those_in_the_buckets_it_gives(buckets: dict[str, Numbers]) -> None:
    of = buckets["layer_1"]
    before = arms(of, a=[[0, 512]], b=[[512, 1024]])
    after = arms(of, a=[[0, 256]], b=[[512, 768]], c=[[256, 512], [768, 1024]])
    moved = before != after
    assert np.array_equal(moved, after == "c")
    assert abs(moved.mean() - 0.5) < 0.005


def test_what_happens_in_one_layer_moves_nobody_in_another(buckets: dict[str, Numbers]) -> None:
    one = arms(buckets["layer_2"], a=[[0, 512]], b=[[512, 1024]])
    other = arms(buckets["layer_3"], a=[[0, 512]], b=[[512, 1024]])
    shares = [[np.mean((one == x) & (other == y)) for x in "ab"] for y in "ab"]
    assert np.allclose(shares, 0.25, atol=0.002)

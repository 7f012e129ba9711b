"""Real keepers over real stores under faults: exact at the end, whatever happened meanwhile.

Each rule of the protocol is left out of the real code at least once, and must be found out by this within fifty seeds.
`DAYCOUNT_SEEDS` says which worlds; see `tests.support.seeds`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.shard import keeper, plan
from tests.support.at_least_once import Delivered
from tests.support.canaries import LEFT_OUT, MADE_UP_FOR, ROWS, SPANS
from tests.support.empty_places import Places, places_at
from tests.support.fault_knobs import Knobs
from tests.support.fault_plans import Roughness
from tests.support.fault_world import hold, run_seed
from tests.support.second_program import OTHERS, wrong_after
from tests.support.seeds import seeds

HAPPENS = {
    "fenced", "outcome unknown", "landed late", "given up", "folded", "judged apart", "nothing new", "several accounts",
    "refused for good", "ended by Killed", "ended by StoreError", "ended by UsageError",
}  # fmt: skip
ROUGHEST = Roughness(failing=0.1, struck=0.25, throttled=0.02)
FOLDING = Knobs(constants=((plan, "FOLD_CELLS", 2), (plan, "SEALED_BYTES", 300)))
KNOWN = Delivered(redelivered=0.8, lost_ack=0.7)
MANY = Delivered(accounts=3, mixed=0.7)


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Places:
    return places_at(f"sqlite:///{tmp_path}/")


@pytest.fixture
def on_bigtable(bigtable_url: str) -> Places:
    return places_at(bigtable_url)


def test_numbers_on_sqlite_are_exact(on_sqlite: Places) -> None:
    hold(on_sqlite, seeds(15))


def test_numbers_on_bigtable_are_exact(on_bigtable: Places) -> None:
    hold(on_bigtable, seeds(8))


@pytest.mark.parametrize(
    ("knobs", "default"),
    [
        pytest.param(Knobs(rough=ROUGHEST, thrown_away=0.3), 4, id="most goes wrong"),
        pytest.param(Knobs(held_bytes_max=0), 5, id="nothing is held"),
        pytest.param(FOLDING, 5, id="facts are folded, and sealed when they are large"),
        pytest.param(SPANS, 4, id="ids are forgotten in time"),
        pytest.param(Knobs(delivered=MANY), 3, id="units are of many accounts and definitions"),
        pytest.param(Knobs(delivered=KNOWN), 4, id="most has been counted already"),
    ],
)
def test_they_are_too_where(on_sqlite: Places, knobs: Knobs, default: int) -> None:
    hold(on_sqlite, seeds(default), knobs)


def test_all_that_may_happen_happens_and_the_numbers_are_exact(on_bigtable: Places) -> None:
    happened: Counter[str] = Counter()
    knobs = Knobs(
        delivered=Delivered(accounts=3, mixed=0.7, spans=2),
        rough=replace(ROUGHEST, for_good=0.2),
        constants=((plan, "FOLD_CELLS", 1), (keeper, "ATTEMPTS", 2)),
    )
    for seed in range(4, 7):
        wrong, of_seed = run_seed(on_bigtable, seed, knobs)
        assert wrong == []
        happened += of_seed
    assert HAPPENS - happened.keys() == set()


@pytest.mark.parametrize("places", ["on_sqlite", "on_bigtable"])
def test_a_seed_is_the_same_run_each_time(places: str, request: pytest.FixtureRequest) -> None:
    runs = [run_seed(lambda name, n=n: request.getfixturevalue(places)(f"{name}{n}"), 3) for n in "ab"]
    assert runs[0] == runs[1]


@pytest.mark.parametrize("value", OTHERS)
def test_a_program_with_another_value_than_the_store_began_with_changes_nothing(value: str, on_sqlite: Places) -> None:
    assert wrong_after(0, on_sqlite(value), OTHERS[value]) == []


def test_every_rule_is_left_out_once() -> None:
    assert {canary.row for canary in LEFT_OUT.values()} == ROWS.keys()


@pytest.mark.parametrize("canary", LEFT_OUT)
def test_a_rule_of_the_protocol_left_out_is_found_out(
    canary: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = request.getfixturevalue(f"on_{LEFT_OUT[canary].on}")
    LEFT_OUT[canary].change(monkeypatch)
    assert LEFT_OUT[canary].search(places) is not None


@pytest.mark.parametrize("canary", MADE_UP_FOR)
def test_what_another_rule_makes_up_for_does_no_harm_alone(
    on_bigtable: Places, canary: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    MADE_UP_FOR[canary].change(monkeypatch)
    assert MADE_UP_FOR[canary].search(on_bigtable) is None, MADE_UP_FOR[canary].reason

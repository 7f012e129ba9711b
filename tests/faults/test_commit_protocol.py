"""The commit protocol on real stores under random faults: totals are exact at the end, whatever happened meanwhile.

The canaries leave out one rule of the protocol each and must be found out; otherwise these tests prove nothing.
`DAYCOUNT_SEEDS` says which seeds; see `tests.support.seeds`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.support import left_out
from tests.support.empty_places import Places, places_at
from tests.support.protocol_world import World
from tests.support.seeds import replay, seeds

CANARY_SEEDS = 50


def first_wrong_seed(places: Places, seeds: Iterable[int]) -> tuple[str, object] | None:
    """The first seed whose totals are wrong: how to run it again, and its differences."""
    for seed in seeds:
        world = World(seed, places(seed))
        world.run()
        differences = world.differences()
        world.close()
        if differences:
            return replay(seed), differences
    return None


@pytest.fixture
def on_bigtable(bigtable_url: str) -> Places:
    return places_at(bigtable_url)


def test_totals_on_sqlite_are_exact(tmp_path: Path) -> None:
    assert first_wrong_seed(places_at(f"sqlite:///{tmp_path}/"), seeds(25)) is None


def test_totals_on_bigtable_are_exact(on_bigtable: Places) -> None:
    assert first_wrong_seed(on_bigtable, seeds(25)) is None


@pytest.mark.parametrize(
    "leave_out",
    [
        left_out.never_reapplies,
        left_out.stamps_with_the_clock,
        left_out.never_fences,
        left_out.infers_success_from_the_seq,
    ],
    ids=lambda change: change.__name__,
)
def test_a_canary_without_one_rule_is_found_out(
    on_bigtable: Places, leave_out: left_out.Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_out(monkeypatch)
    assert first_wrong_seed(on_bigtable, range(CANARY_SEEDS)) is not None

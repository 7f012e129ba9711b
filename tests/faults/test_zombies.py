"""A writer that goes on after another one has taken over, for each pair of steps at which they may stand."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest

from tests.support.empty_places import places_at
from tests.support.left_out import FactsFirst
from tests.support.one_shard import OneShard
from tests.support.two_writers import Around, Stand, Then, TwoWriters, stands

WORLD = 16  # two accounts, twelve events, firsts with amounts


def wrong_stands(url: str, then: Then, warm: bool = False, around: Around = lambda store: store) -> dict[Stand, list[str]]:
    found = dict(stands(map(places_at(url), count()), TwoWriters(OneShard(WORLD, 4), around), then, warm))
    assert len(found) > 20
    return {stand: wrong for stand, wrong in found.items() if wrong}


@pytest.mark.parametrize("warm", [False, True], ids=["that has just begun", "that holds what it knows"])
def test_on_bigtable_a_zombie_that_goes_on_changes_nothing(bigtable_url: str, warm: bool) -> None:
    assert wrong_stands(bigtable_url, Then.GOES_ON, warm) == {}


def test_on_sqlite_a_zombie_that_goes_on_changes_nothing(tmp_path: Path) -> None:
    assert wrong_stands(f"sqlite:///{tmp_path}/", Then.GOES_ON) == {}


def test_what_is_acknowledged_is_in_the_numbers_wherever_another_writer_of_the_same_has_died(bigtable_url: str) -> None:
    assert wrong_stands(bigtable_url, Then.DIES, around=FactsFirst) == {}

"""The pipeline held against the naive oracle, cell by cell: days and hours, every metric, measure and breakdown value.

`DAYCOUNT_SEEDS` says which worlds; see `tests.support.seeds`.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from pipeline.store import open_store
from tests.differential.conftest import OpenStore
from tests.support import naive
from tests.support.deliver import Delivery, Manner, expected_numbers
from tests.support.generate import make_world
from tests.support.seeds import seeds
from tests.support.stored import differences, stored_numbers

FOUND = (25, 40, 50, 77, 92, 218)


def any_manner(random: Random) -> Manner:
    """Some way to deliver events."""
    return Manner(
        shards=random.choice([1, 2, 3, 8]),
        block_events_max=random.choice([1, 5, 100]),
        redelivered=random.choice([0, 0.3, 1]),
        batched=random.choice([0, 0.5]),
        restarted=random.choice([0, 0.1, 1]),
        held_bytes_max=random.choice([0, 5_000, 1 << 26]),
    )


@pytest.mark.parametrize("seed", seeds(150, *FOUND))
def test_the_counters_are_what_a_naive_reading_of_the_events_gives(seed: int, new_store: OpenStore) -> None:
    world, random, store = make_world(seed), Random(seed), new_store()
    delivery = Delivery(store, any_manner(random), random)
    delivery.adopt(world.snapshot)
    delivery.run(world.events, world.trusted)
    assert differences(stored_numbers(store, [world.snapshot]), expected_numbers(world.snapshot, world)) == []


@pytest.mark.parametrize("seed", seeds(8))
def test_they_are_on_bigtable_too(seed: int, bigtable_url: str) -> None:
    world, random, store = make_world(seed), Random(seed), open_store(bigtable_url, create=True)
    delivery = Delivery(store, any_manner(random), random)
    delivery.adopt(world.snapshot)
    delivery.run(world.events, world.trusted)
    assert differences(stored_numbers(store, [world.snapshot]), expected_numbers(world.snapshot, world)) == []
    store.close()


def test_most_worlds_have_something_to_count() -> None:
    counted = [len(expected_numbers(world.snapshot, world)) for world in map(make_world, range(40))]
    assert sum(n > 20 for n in counted) > 30


def test_a_world_is_the_same_each_time() -> None:
    assert make_world(3) == make_world(3)


def test_the_oracle_stays_within_sixty_lines() -> None:
    lines = Path(naive.__file__).read_text().splitlines()
    assert sum(bool(line.strip()) for line in lines) <= 60
    assert max(map(len, lines)) <= 120

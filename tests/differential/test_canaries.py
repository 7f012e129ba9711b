"""Planted faults must turn the differential red within fifty seeds; otherwise it would prove nothing."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from pipeline.store import open_store
from tests.support.changing import expected_of, with_new_metric
from tests.support.deliver import Delivery, Manner
from tests.support.generate import make_world
from tests.support.planted import PLANTED
from tests.support.stored import differences, stored_numbers

SEEDS = 50
ROUGH = Manner(shards=2, block_events_max=5, redelivered=0.3, restarted=0.2)


def first_red_seed(path: Path) -> int | None:
    """The first seed whose numbers are wrong, under definitions that gain a metric on the way."""
    for seed in range(SEEDS):
        world, random = make_world(seed), Random(seed)
        snapshots = [world.snapshot, with_new_metric(world.snapshot, random)]
        store = open_store(f"sqlite:///{path}/{seed}.db", create=True)
        delivery = Delivery(store, ROUGH, random)
        for snapshot in snapshots:
            delivery.adopt(snapshot)
            delivery.run(world.events, world.trusted)
        expected = expected_of(world, [(snapshot, world.events) for snapshot in snapshots])
        wrong = differences(stored_numbers(store, snapshots), expected)
        store.close()
        if wrong:
            return seed
    return None


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_noticed(fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    PLANTED[fault](monkeypatch)
    assert first_red_seed(tmp_path) is not None


def test_without_a_planted_fault_nothing_is_red(tmp_path: Path) -> None:
    assert first_red_seed(tmp_path) is None

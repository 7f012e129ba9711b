"""Nothing about a delivery shows in the numbers: order, blocks, units, duplicates, processes, shards, what is held."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pipeline.model.definition import AccountDefinitions, Snapshot
from pipeline.sources.files import blocks
from pipeline.store import Store
from pipeline.worker import Worker, WorkerSetup
from tests.differential.conftest import OpenStore
from tests.support.deliver import KEY, Delivery, Manner, expected_numbers
from tests.support.generate import World, make_world
from tests.support.seeds import seeds
from tests.support.stored import Numbers, differences, stored_numbers

PLAIN = Manner(shards=1, block_events_max=1000, redelivered=0, batched=0, restarted=0)
MANNERS = {
    "one event a block": replace(PLAIN, block_events_max=1),
    "many shards": replace(PLAIN, shards=13),
    "each event again": replace(PLAIN, redelivered=1, block_events_max=10),
    "in batches": replace(PLAIN, batched=1, block_events_max=10),
    "a new process for each unit": replace(PLAIN, restarted=1, block_events_max=5, redelivered=0.3),
    "nothing is held": replace(PLAIN, held_bytes_max=0, block_events_max=5, shards=3, redelivered=0.3),
}


def numbers_of(store: Store, world: World, manner: Manner, seed: int) -> Numbers:
    delivery = Delivery(store, manner, Random(seed))
    delivery.adopt(world.snapshot)
    delivery.run(world.events, world.trusted)
    return stored_numbers(store, [world.snapshot])


@pytest.mark.parametrize("seed", seeds(5))
@pytest.mark.parametrize("manner", MANNERS)
def test_the_manner_of_delivery_changes_nothing(manner: str, seed: int, new_store: OpenStore) -> None:
    world = make_world(seed)
    plain = numbers_of(new_store(), world, PLAIN, seed)
    assert differences(numbers_of(new_store(), world, MANNERS[manner], seed + 1), plain) == []


@pytest.mark.parametrize("seed", seeds(5))
def test_another_fanout_changes_nothing(seed: int, new_store: OpenStore) -> None:
    world = make_world(seed)
    spread = [
        AccountDefinitions.of(a.account, replace(a.settings, fanout=31), a.metrics.values())
        for a in world.snapshot.accounts.values()
    ]
    plain = numbers_of(new_store(), world, PLAIN, seed)
    other = replace(world, snapshot=Snapshot.of(spread))
    assert differences(numbers_of(new_store(), other, replace(PLAIN, shards=16), seed), plain) == []


@pytest.mark.parametrize("seed", seeds(5))
@pytest.mark.parametrize(("folded_from", "sealed_bytes"), [(1, 1 << 19), (2, 200), (1, 1)])
def test_folding_facts_changes_nothing(
    folded_from: int, sealed_bytes: int, seed: int, new_store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.shard.plan.FOLD_CELLS", folded_from)
    monkeypatch.setattr("pipeline.shard.plan.SEALED_BYTES", sealed_bytes)
    world = make_world(seed)
    manner = Manner(shards=1, block_events_max=3, redelivered=0.5, restarted=0.5)
    expected = expected_numbers(world.snapshot, world)
    assert differences(numbers_of(new_store(), world, manner, seed), expected) == []


@pytest.mark.parametrize("seed", seeds(5))
def test_everything_again_changes_nothing(seed: int, new_store: OpenStore) -> None:
    world, store = make_world(seed), new_store()
    once = numbers_of(store, world, PLAIN, seed)
    assert differences(numbers_of(store, world, Manner(shards=1), seed + 1), once) == []


@pytest.mark.parametrize("seed", seeds(5))
@pytest.mark.parametrize("ending", [".jsonl", ".jsonl.gz"])
def test_files_read_by_new_workers_give_the_same(ending: str, seed: int, new_store: OpenStore, tmp_path: Path) -> None:
    world, store = make_world(seed), new_store()
    Delivery(store, PLAIN, Random(seed)).adopt(world.snapshot)
    path = tmp_path / f"events{ending}"
    text = "".join(json.dumps(event) + "\n" for event in world.events).encode()
    path.write_bytes(gzip.compress(text) if ending.endswith("gz") else text)
    setup = WorkerSetup(f"sqlite:///{store.path}", 3, KEY, world.trusted)  # type: ignore[attr-defined]
    for _ in range(2):
        worker = Worker(setup)
        worker.adopt(world.snapshot)
        by_shard: dict[int, list[bytes]] = defaultdict(list)
        for block in blocks([str(path)], {}, 1000):
            for shard, hits in worker.match(block).hits:
                by_shard[shard].append(hits)
        for shard, messages in by_shard.items():
            worker.commit(shard, messages)
    assert differences(stored_numbers(store, [world.snapshot]), expected_numbers(world.snapshot, world)) == []


def test_an_event_without_a_message_id_is_known_by_its_place(new_store: OpenStore) -> None:
    world, store = make_world(3), new_store()
    events = [{k: v for k, v in event.items() if k != "messageId"} for event in world.events]
    numbers: list[Numbers] = []
    for _ in range(2):
        delivery = Delivery(store, PLAIN, Random(1))  # the same places each time
        delivery.adopt(world.snapshot)
        delivery.run(events, world.trusted)
        numbers.append(stored_numbers(store, [world.snapshot]))
    assert differences(numbers[1], numbers[0]) == []
    placed = [{**event, "messageId": f"at {i}"} for i, event in enumerate(events)]
    expected = expected_numbers(world.snapshot, replace(world, events=placed))
    assert differences(_every(numbers[0], world), _every(expected, world)) == []


def _every(numbers: Numbers, world: World) -> dict[tuple[Any, ...], Any]:
    """Without measures that tell equal times apart by messageId."""
    once = {
        (account.account, metric.id, measure.name)
        for account in world.snapshot.accounts.values()
        for metric in account.metrics.values()
        for measure in metric.measures
        if measure.once_per
    }
    return {key: n for key, n in numbers.items() if (key[0], key[1], key[3]) not in once}

"""Definitions that change between and during deliveries: each revision counts the events judged under it, once."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest

from tests.differential.conftest import OpenStore
from tests.support.changing import expected_of, with_new_metric, with_other_settings, without_first_metric
from tests.support.deliver import Delivery, Manner
from tests.support.generate import Event, identity, make_world
from tests.support.seeds import seeds
from tests.support.stored import differences, stored_numbers


def some_of(events: Sequence[Event], random: Random) -> list[Event]:
    return random.sample(events, random.randint(0, len(events)))


@pytest.mark.parametrize("seed", seeds(20))
def test_a_metric_pushed_between_two_deliveries_is_complete_and_the_others_unchanged(
    seed: int, new_store: OpenStore
) -> None:
    world, random, store = make_world(seed), Random(seed), new_store()
    old, new = world.snapshot, with_new_metric(world.snapshot, random)
    delivery = Delivery(store, Manner(), random)
    for snapshot in (old, new, old):
        delivery.adopt(snapshot)
        delivery.run(world.events, world.trusted)
    everything = [(old, world.events), (new, world.events)]
    assert differences(stored_numbers(store, [old, new]), expected_of(world, everything)) == []


@pytest.mark.parametrize("seed", seeds(20))
def test_a_metric_deleted_and_pushed_again_goes_on_with_its_numbers(seed: int, new_store: OpenStore) -> None:
    world, random, store = make_world(seed), Random(seed), new_store()
    new = with_new_metric(world.snapshot, random)
    schedule = [world.snapshot, new, without_first_metric(new), new, without_first_metric(world.snapshot)]
    delivery = Delivery(store, Manner(restarted=0.3), random)
    judged = []
    for snapshot in schedule:
        events = some_of(world.events, random)
        delivery.adopt(snapshot)
        delivery.run(events, world.trusted)
        judged.append((snapshot, events))
    assert differences(stored_numbers(store, schedule), expected_of(world, judged)) == []


@pytest.mark.parametrize("seed", seeds(30))
@pytest.mark.parametrize("mixed", [False, True], ids=["unit by unit", "within units"])
def test_hits_judged_under_old_and_new_definitions_may_come_interleaved(
    mixed: bool, seed: int, new_store: OpenStore
) -> None:
    world, random, store = make_world(seed), Random(seed), new_store()
    old, new = world.snapshot, with_new_metric(world.snapshot, random)
    judged, units = [], []
    delivery = Delivery(store, Manner(restarted=0), random)
    for snapshot in (old, new, old, new):
        events = some_of(world.events, random)
        delivery.adopt(snapshot)
        delivery.judge(delivery.shuffled(events), world.trusted)
        judged.append((snapshot, events))
        if not mixed:
            units += delivery.units()
    for messages in delivery.pending.values():
        random.shuffle(messages)
    units += delivery.units()
    for shard, messages in random.sample(units, len(units)):
        delivery.commit(shard, messages)
    assert differences(stored_numbers(store, [old, new]), expected_of(world, judged)) == []


@pytest.mark.parametrize("seed", seeds(20))
def test_another_time_zone_and_other_visitors_begin_at_zero_and_the_old_ones_go_on(seed: int, new_store: OpenStore) -> None:
    world, random, store = make_world(seed), Random(seed), new_store()
    other = with_other_settings(world.snapshot, random)
    apart = [{identity(e, account): e for e in world.of(account.account)} for account in other.accounts.values()]
    all_events = [event for events in apart for event in events.values()]  # told apart under both settings
    judged = []
    delivery = Delivery(store, Manner(), random)
    for snapshot in (world.snapshot, other, world.snapshot, other):
        events = some_of(all_events, random)
        delivery.adopt(snapshot)
        delivery.run(events, world.trusted)
        judged.append((snapshot, events))
    assert differences(stored_numbers(store, [world.snapshot, other]), expected_of(world, judged)) == []

"""What may depend on the order, and within which limits: copies that differ, and breakdown values beyond the bound."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from pipeline.model.definition import Snapshot
from pipeline.model.layout import DAY, parse_counter_qualifier
from pipeline.shard import plan
from pipeline.store import Store
from tests.differential.conftest import OpenStore
from tests.support.deliver import Delivery, Manner, expected_numbers
from tests.support.generate import World, make_world
from tests.support.generate_definitions import parse
from tests.support.seeds import seeds
from tests.support.stored import Numbers, differences, stored_numbers

BOUND = 2
MEASURES = {
    "n": {"aggregate": "count"},
    "visitors": {"aggregate": "count", "once_per": "visitor"},
    "spent": {"aggregate": "sum", "field": "properties.amount"},
    "first_spent": {"aggregate": "sum", "field": "properties.amount", "once_per": "visitor"},
}


@pytest.fixture
def small_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planners that name two values of a breakdown in each slot."""

    def bounded(*args: Any, **kwargs: Any) -> plan.Planner:
        return plan.Planner(*args, **kwargs, breakdown_values_max=BOUND)

    monkeypatch.setattr("pipeline.shard.keeper.Planner", bounded)


@pytest.mark.parametrize("seed", seeds(25))
def test_beyond_the_bound_of_named_values_totals_stay_exact(seed: int, new_store: OpenStore, small_bound: None) -> None:
    world, random, store = make_world(seed), Random(seed), new_store()
    delivery = Delivery(store, Manner(restarted=0.3, block_events_max=4), random)
    delivery.adopt(world.snapshot)
    delivery.run(world.events, world.trusted)
    found, expected = stored_numbers(store, [world.snapshot]), expected_numbers(world.snapshot, world)
    assert differences(_over_values(found, world), _over_values(expected, world)) == []
    assert all(len(values) <= BOUND for values in _named(store).values())


def _over_values(numbers: Numbers, world: World) -> Numbers:
    """Counts and sums added up over the values of each breakdown; without it every number as it is."""
    accounts = world.snapshot.accounts.values()
    metrics = [(account.account, metric) for account in accounts for metric in account.metrics.values()]
    adds = {(a, m.id, x.name) for a, m in metrics for x in m.measures if x.aggregate in ("count", "sum")}
    totals: dict[tuple[Any, ...], Any] = defaultdict(int)
    for (account, metric, revision, measure, path, _, when), number in numbers.items():
        if not path or (account, metric, measure) in adds:
            totals[account, metric, revision, measure, path, when] += number
    return {key: number for key, number in totals.items() if number or not key[4]}


def _named(store: Store) -> Mapping[tuple[Any, ...], set[str]]:
    named: dict[tuple[Any, ...], set[str]] = defaultdict(set)
    for row, cells in store.scan("counters", b"").items():
        for key in (parse_counter_qualifier(qualifier) for qualifier, _ in cells):
            if key.kind == DAY and key.breakdown and key.value not in ("(none)", "(other)"):
                named[row, key.breakdown, key.day, key.slot].add(key.value)
    return named


def _copy(message: int, day: int, name: str) -> dict[str, Any]:
    properties = {"amount": 2 ** (message * 4 + day), "plan": f"p{day}"}
    who = {"messageId": f"m{message}", "anonymousId": f"v{message}", "account": "acme"}
    return {**who, "event": name, "timestamp": f"2024-01-{day:02d}T10:00:00Z", "properties": properties}


@pytest.mark.parametrize("seed", seeds(25))
def test_of_copies_that_differ_one_counts_in_all_measures(seed: int, new_store: OpenStore) -> None:
    """Each copy has a power of two as its amount, a day and a plan of its own; so the totals tell who was counted."""
    random, store = Random(seed), new_store()
    events = [_copy(message, day, random.choice(["Order", "Other"])) for message in range(8) for day in range(4, 8)]
    metrics = [
        {"id": "all", "where": {}, "measures": MEASURES, "breakdowns": ["properties.plan"]},
        {"id": "orders", "where": {"event": "Order"}, "measures": MEASURES, "breakdowns": []},
    ]
    snapshot = Snapshot.of([parse("acme", {"timezone": "UTC"}, metrics)])
    delivery = Delivery(store, Manner(shards=3, block_events_max=3), random)
    delivery.adopt(snapshot)
    delivery.run(events)
    found = stored_numbers(store, [snapshot])
    spent = sum(n for key, n in found.items() if key[1] == "all" and key[3:5] == ("spent", "") and "/" not in key[6])
    counted = [event for event in events if int(spent) & event["properties"]["amount"]]
    assert sorted(event["messageId"] for event in counted) == [f"m{i}" for i in range(8)]
    world = replace(make_world(0), snapshot=snapshot, events=counted, trusted="acme")
    assert differences(found, expected_numbers(snapshot, world)) == []

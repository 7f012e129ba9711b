"""From events to answers: written by the pipeline, asked through the query engine, held against the oracle."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, time
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pipeline.model.definition import AccountDefinitions, Metric
from pipeline.store import Store, open_store
from readers.query import run_query
from tests.differential.conftest import OpenStore
from tests.support.daycount import daycount
from tests.support.deliver import NOW, Delivery, Manner, expected_numbers
from tests.support.generate import World, make_world
from tests.support.seeds import seeds
from tests.support.stored import Numbers, differences, stored_numbers

BEAM_SEEDS = [seed for seed in range(20) if len(make_world(seed).snapshot.accounts) == 1][:3]


@pytest.mark.parametrize("seed", seeds(30))
def test_queries_by_day_and_by_hour_answer_what_the_oracle_says(seed: int, new_store: OpenStore) -> None:
    world, random, store = make_world(seed), Random(seed), new_store()
    delivery = Delivery(store, Manner(shards=3), random)
    delivery.adopt(world.snapshot)
    delivery.run(world.events, world.trusted)
    expected = expected_numbers(world.snapshot, world)
    answered: Numbers = {}
    for account in world.snapshot.accounts.values():
        for metric in account.metrics.values():
            days = sorted({key[6][:10] for key in expected if key[:2] == (account.account, metric.id)})
            for day in days:
                answered |= _day(store, world, account, metric, day)
    assert differences(answered, expected) == []


def _day(store: Store, world: World, account: AccountDefinitions, metric: Metric, day: str) -> Numbers:
    """All answers about one day of a metric, keyed as the oracle's numbers."""
    numbers: Numbers = {}
    names = [f"{metric.id}.{measure.name}" for measure in metric.measures]
    for path in ("", *metric.breakdowns):
        for grain in ("time:day", "time:hour"):
            body = {"metrics": names, "date_range": [day, day], "dimensions": [grain, path] if path else [grain]}
            answer = run_query(store, world.snapshot, account.account, {**body, "limit": 10_000}, NOW)
            for row in answer.rows:
                when = row.dimensions[0] if grain == "time:day" else _hour(row.dimensions[0], account.settings.timezone)
                value = row.dimensions[1] if path else ""
                for measure, number in zip(metric.measures, row.metrics, strict=True):
                    if number or (number is not None and measure.aggregate in ("min", "max", "mean")):
                        numbers[account.account, metric.id, metric.revision, measure.name, path, value, when] = number
    return numbers


def _hour(label: str, zone: str) -> str:
    """The oracle's name of an hour: those past a change of the clocks within the day are counted from 24."""
    at = datetime.fromisoformat(label)
    second = at.utcoffset() != datetime.combine(at, time(), ZoneInfo(zone)).utcoffset()
    return f"{at:%Y-%m-%d}/{at.hour + 24 * second:02d}"


@pytest.mark.parametrize("seed", BEAM_SEEDS)
def test_the_command_counts_the_same_through_the_graph_and_again(seed: int, tmp_path: Path) -> None:
    world = make_world(seed)
    (account,) = world.snapshot.accounts.values()
    definitions, events, url = tmp_path / "definitions.json", tmp_path / "events.jsonl", f"sqlite:///{tmp_path}/n.db"
    definitions.write_text(json.dumps(account.document()))
    events.write_text("".join(json.dumps(event) + "\n" for event in _redelivered(world)))
    for _ in range(2):
        files = ["--input", str(events), "--definitions", str(definitions)]
        done = daycount("run", *files, "--store", url, "--account", account.account, "--json")
        assert done.returncode == 0, done.stderr
    store = open_store(url)
    assert differences(stored_numbers(store, [world.snapshot]), expected_numbers(world.snapshot, world)) == []
    store.close()


def _redelivered(world: World) -> Iterator[dict[str, Any]]:
    random = Random(world.seed)
    yield from random.sample(world.events, len(world.events))
    yield from random.sample(world.events, len(world.events) // 2)


def test_a_decimal_is_not_taken_for_a_float() -> None:
    assert differences({("a",): Decimal("0.1")}, {("a",): 0.1})

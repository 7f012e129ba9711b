"""Two experiments at once, from assignment over raw events to results: neither disturbs the other."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pipeline.definitions.source import open_definitions
from pipeline.store import open_store
from readers.app import create_app
from readers.assign import assign
from readers.auth import NoAuth
from readers.service import Service
from readers.snapshots import Snapshots
from readers.stores import Stores
from tests.support.daycount import daycount
from tests.support.http_client import TestClient

START = datetime(2026, 10, 1, 8, tzinfo=UTC)
METRICS = """
account: mail
settings: {timezone: UTC}
metrics:
  - id: orders
    where: {event: Order Completed}
    measures:
      buyers: {aggregate: count, once_per: visitor}
      revenue: {aggregate: sum, field: properties.total}
"""


def exposure(visitor: str, experiment: str, variation: str, at: datetime) -> dict[str, Any]:
    properties = {"experimentName": experiment, "variationName": variation}
    return _event(f"x-{experiment}-{visitor}", visitor, at, event="Experiment Viewed", properties=properties)


def order(visitor: str, number: int, total: float, at: datetime) -> dict[str, Any]:
    return _event(f"o-{visitor}-{number}", visitor, at, event="Order Completed", properties={"total": total})


def _event(message: str, visitor: str, at: datetime, **more: Any) -> dict[str, Any]:
    return {"messageId": message, "anonymousId": visitor, "type": "track", "timestamp": at.isoformat(), **more}


def count(folder: Path, definitions: str, events: Iterable[dict[str, Any]]) -> None:
    (folder / "definitions.yaml").write_text(definitions)
    with (folder / "events.jsonl").open("w") as file:
        file.writelines(json.dumps(event) + "\n" for event in events)
    places = ["--store", f"sqlite:///{folder}/s.db", "--definitions", f"{folder}/definitions.yaml"]
    done = daycount("run", "--input", f"{folder}/events.jsonl", "--account", "mail", *places)
    assert done.returncode == 0, done.stderr


@contextmanager
def served(folder: Path) -> Iterator[TestClient]:
    """The read service over what was counted."""
    stores = Stores(lambda: open_store(f"sqlite:///{folder}/s.db"))
    snapshots = Snapshots(open_definitions(f"{folder}/definitions.yaml"))
    with TestClient(create_app(Service(stores, snapshots, NoAuth(), lambda: START + timedelta(days=20)))) as client:
        yield client


EXPERIMENT = """
  - id: {0}
    layer: {1}
    status: running
    parameters: {{{2}: {{type: string, default: x}}}}
    variations: [{{id: control, parameters: {{}}}}, {{id: changed, parameters: {{{2}: y}}}}]
    allocation: {{control: [[0, 512]], changed: [[512, 1024]]}}
    exposure: {{where: {{event: Experiment Viewed, properties.experimentName: {0}}}, variation: properties.variationName}}
    goals: [orders.buyers]
    control: control
"""
OVERLAPPING = (
    f"{METRICS}\nlayers: [{{id: one, buckets: 1024}}, {{id: two, buckets: 1024}}]\nexperiments:"
    f"{EXPERIMENT.format('strong', 'one', 'a')}{EXPERIMENT.format('none', 'two', 'b')}"
)


def test_a_strong_effect_in_one_layer_does_not_disturb_another(tmp_path: Path) -> None:
    count(tmp_path, OVERLAPPING, [])
    random = Random(3)
    with served(tmp_path) as client:
        allocations = client.get("/v1/allocations").json()
    events = []
    for n in range(12_000):
        visitor, at = f"v{n}", START + timedelta(seconds=n)
        shown = {name: e["variation"] for name, e in assign(allocations, visitor, {})["experiments"].items()}
        events += [exposure(visitor, name, variation, at) for name, variation in shown.items()]
        if random.random() < (0.2 if shown["strong"] == "changed" else 0.05):
            events.append(order(visitor, 0, 5, at + timedelta(minutes=5)))
    count(tmp_path, OVERLAPPING, events)
    with served(tmp_path) as client:
        strong, none = (client.get(f"/v1/experiments/{name}/results").json() for name in ("strong", "none"))
    assert strong["decision"]["verdict"] == "ship" and strong["sample_ratio"]["ok"]
    lower, upper = none["goals"][0]["variations"][1]["versus_control"]["interval"]
    assert lower < 0 < upper and none["sample_ratio"]["ok"]
    rates = [variation["value"] for variation in none["goals"][0]["variations"]]
    assert rates == [pytest.approx(0.125, abs=0.02)] * 2

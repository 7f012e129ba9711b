"""Results over HTTP: the body, its tag, its description, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from pipeline.definitions.source import DefinitionsSource
from pipeline.model.definition import AccountDefinitions, Settings, Snapshot
from pipeline.model.experiment import Layer
from pipeline.store.contract import Store
from pipeline.store.sqlite import SqliteStore
from readers.app import create_app
from readers.auth import NoAuth
from readers.openapi import document
from readers.routes import results
from readers.service import Service
from readers.snapshots import Snapshots
from readers.stores import Stores
from tests.support.http_client import TestClient
from tests.support.trials import METRICS, REVENUE, SIGNUPS, converted, counted, epoch, experiment, totals, valued
from tests.unit.readers.conftest import NOW

PATH = "/v1/experiments/hero_cta/results"
EPOCHS = [epoch(1, None, control=512, friendly=512), epoch(2, "2026-10-02T00:00:00Z", control=100, friendly=100)]
OF = experiment(SIGNUPS, REVENUE, epochs=EPOCHS)
FOUND = totals(
    counted("control", 21306, converted(122), valued(["1846498.003", "0.5"])),
    counted("friendly", 21307, converted(267), valued([3, 4])),
)


class Experiments(DefinitionsSource):
    """One account with one experiment."""

    def _fetch(self, last: Snapshot | None) -> Snapshot:
        layers = [Layer("homepage", 1024)]
        return Snapshot.of([AccountDefinitions.of("acme", Settings(), METRICS.values(), (), layers, [OF])])


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    def open_one() -> Store:
        return SqliteStore(tmp_path / "numbers.db")

    service = Service(Stores(open_one), Snapshots(Experiments(lambda: NOW)), NoAuth(), lambda: NOW)
    with TestClient(create_app(service)) as client:
        yield client


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The epochs that were read; of all of them the same is found."""
    epochs: list[int] = []

    def read(store: object, account: str, experiment: object, epoch: Any, today: object) -> Any:
        epochs.append(epoch.number)
        return FOUND

    def read_by(store: object, account: str, experiment: object, epoch: object, by: str, today: object) -> Any:
        few = totals(counted("control", 3, converted(1), valued([1])))
        return {**{f"p{n:03}": few for n in range(150)}, "pro": FOUND}

    monkeypatch.setattr(results, "read_totals", read)
    monkeypatch.setattr(results, "read_totals_by", read_by)
    return epochs


def valid(body: Any) -> bool:
    whole = document()
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$ref": "#/components/schemas/Results"}
    return jsonschema_rs.validator_for({**schema, "components": whole["components"]}).is_valid(body)


def test_results_are_what_the_description_says(client: TestClient, asked: list[int]) -> None:
    answer = client.get(PATH)
    assert answer.status_code == 200 and valid(answer.json())
    assert answer.json()["decision"]["verdict"] == "ship" and asked == [2]
    assert '"total":1846498.503,' in answer.text


def test_an_experiment_that_nobody_has_seen_yet_has_zeros(client: TestClient) -> None:
    body = client.get(PATH).json()
    assert valid(body) and body["decision"]["verdict"] == "keep_running"
    assert [v["visitors"] for v in body["goals"][0]["variations"]] == [0, 0]


def test_an_epoch_can_be_asked_for(client: TestClient, asked: list[int]) -> None:
    body = client.get(PATH, params={"epoch": 1}).json()
    assert (body["epoch"], body["until"], asked) == (1, "2026-10-02T00:00:00Z", [1])


def test_a_breakdown_shows_the_values_with_most_visitors(client: TestClient, asked: list[int]) -> None:
    body = client.get(PATH, params={"by": "context.traits.plan"}).json()
    assert valid(body) and len(body["values"]) == 100 and body["values_left_out"] == 51
    assert body["values"][0]["value"] == "pro" and body["values"][1]["value"] == "p000"


def test_the_answer_has_a_tag_that_stands_for_it(client: TestClient, asked: list[int]) -> None:
    tag = client.get(PATH).headers["etag"]
    assert client.get(PATH, headers={"if-none-match": tag}).status_code == 304


@pytest.mark.parametrize(
    ("path", "params", "status", "pointer"),
    [
        ("/v1/experiments/nothing/results", {}, 404, None),
        (PATH, {"epoch": "3"}, 404, None),
        (PATH, {"epoch": "-1"}, 400, "/epoch"),
        (PATH, {"epoch": "two"}, 400, "/epoch"),
        (PATH, {"by": "context.secret"}, 400, "/by"),
        (PATH, {"minimum_effect": "0"}, 400, "/minimum_effect"),
        (PATH, {"minimum_effect": "nan"}, 400, "/minimum_effect"),
        (PATH, {"account": "nobody"}, 400, "/account"),
    ],
)
def test_what_there_is_not_is_refused(
    client: TestClient, path: str, params: dict[str, str], status: int, pointer: str | None
) -> None:
    answer = client.get(path, params=params)
    assert answer.status_code == status and answer.headers["content-type"] == "application/problem+json"
    assert answer.json().get("pointer") == pointer

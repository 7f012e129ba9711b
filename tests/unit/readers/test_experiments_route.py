"""Experiments and layers over HTTP: what is written, refused, shown, and by whom; against a real Redis."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from pipeline.definitions.file import Located
from pipeline.definitions.keys import Key, Role, StoredKeys, digest_of
from pipeline.definitions.push import push
from readers.auth import NoAuth, RedisKeys
from readers.editing import Editor
from readers.openapi import document as described
from tests.support.experiments import experiment_document, trial_document
from tests.support.redis_server import redis_server_url, redis_url
from tests.unit.readers.test_editing import Office, open_office
from tests.unit.readers.test_http import assert_problem, bearer

__all__ = ["redis_server_url", "redis_url"]

ADDRESS, LAYER = "/v1/experiments/hero_cta?account=acme", "/v1/layers/homepage?account=acme"
HERO = {key: value for key, value in experiment_document().items() if key != "id"}
HALF = {**HERO, "allocation": {"control": [[0, 256]], "friendly": [[512, 768]]}}


@pytest.fixture
def office(redis_url: str, tmp_path: Path) -> Iterator[Office]:
    push(redis_url, [Located("", trial_document(experiments=[]))])
    office = open_office(redis_url, tmp_path, NoAuth(), Editor(redis_url))
    with office.client:
        yield office
    office.store.close()


def test_an_experiment_that_is_put_is_there_at_once(office: Office) -> None:
    put = office.put(HERO, ADDRESS)
    assert (put.status_code, put.headers["location"]) == (201, ADDRESS)
    assert put.json()["outcome"] == "new" and put.json()["epoch"] == 1
    shown = office.get(ADDRESS).json()
    assert shown["allocation"] == HERO["allocation"] and shown["revision"] == put.json()["revision"]
    assert [e["effective_at"] for e in shown["epochs"]] == [None]
    listed = office.get("/v1/experiments").json()
    assert [e["id"] for e in listed["experiments"]] == ["hero_cta"] and listed["problems"] == []


def test_the_same_put_again_changes_nothing(office: Office) -> None:
    first = office.put(HERO, ADDRESS)
    before = office.stored()
    again = office.put(HERO, ADDRESS)
    assert (again.status_code, again.json()["outcome"], again.json()["fields"]) == (200, "unchanged", [])
    assert again.headers["etag"] == first.headers["etag"] and office.stored() == before
    assert len(office.get(ADDRESS).json()["history"]) == 1


def test_a_change_of_buckets_opens_an_epoch_and_history_tells_who_did_what(office: Office) -> None:
    office.put(HERO, ADDRESS)
    changed = office.put(HALF, ADDRESS).json()
    assert (changed["outcome"], changed["fields"], changed["epoch"]) == ("changed", ["allocation"], 2)
    described_only = office.put({**HALF, "description": "Words"}, ADDRESS).json()
    assert (described_only["fields"], described_only["epoch"]) == (["description"], 2)
    shown = office.get(ADDRESS).json()
    assert [e["number"] for e in shown["epochs"]] == [1, 2]
    history = [(h["outcome"], h["by"], h["fields"], (h["epoch"] or {}).get("number")) for h in shown["history"]]
    assert history == [
        ("new", "without a key", [], 1),
        ("changed", "without a key", ["allocation"], 2),
        ("changed", "without a key", ["description"], None),
    ]
    assert shown["history"][1]["epoch"] == shown["epochs"][1]


def test_what_was_shown_can_be_edited_and_put_back(office: Office) -> None:
    office.put(HERO, ADDRESS)
    shown = office.get(ADDRESS)
    put = office.put({**shown.json(), "status": "stopped"}, ADDRESS, if_match=shown.headers["etag"])
    assert (put.status_code, put.json()["status"], put.json()["allocation"]) == (200, "stopped", {})
    late = office.put(HERO, ADDRESS, if_match=shown.headers["etag"])
    assert_problem(late, 412, None, "the experiment has changed since it was read")
    assert_problem(office.put(HERO, ADDRESS, if_none_match="*"), 412, None, "the experiment is there already")


@pytest.mark.parametrize(
    ("body", "pointer", "said"),
    [
        ([], "", "the body must be an experiment, a JSON object with layer, status"),
        ({**HERO, "id": "other"}, "/id", "the body's id is not hero_cta"),
        ({**HERO, "account": "zeta"}, "/account", "the body is of another account"),
        ({**HERO, "layer": "mail"}, "/layer", "there is no layer"),
        ({**HERO, "goals": ["orders.count", "orders.n"]}, "/goals/1", "goals[1]: metric orders has no measure"),
        ({**HERO, "allocation": {"friendly": [[0, 2000]]}}, "/allocation/friendly/0", "leaves the layer"),
        ({**HERO, "eligible": {"country.name": {"$inn": []}}}, "/eligible/country.name/$inn", "unknown operator"),
        ({**HERO, "ramp": 1}, "/ramp", "unknown; the keys here are"),
    ],
)
def test_what_is_refused_names_the_place(office: Office, body: Any, pointer: str, said: str) -> None:
    assert_problem(office.put(body, ADDRESS), 400, pointer, said)
    assert b"experiment:hero_cta" not in office.stored()


def test_a_collision_with_what_runs_names_both(office: Office) -> None:
    office.put(HERO, ADDRESS)
    other = {**HERO, "allocation": {"control": [[500, 501]]}}
    refused = office.put(other, "/v1/experiments/other?account=acme")
    assert_problem(refused, 400, "/allocation/control", "which running experiment hero_cta has for control")
    assert refused.json()["title"] == "The experiment other can't be as it is written"


def test_layers_live_likewise_and_one_that_is_in_use_stays(office: Office) -> None:
    made = office.put({"buckets": 64}, "/v1/layers/mail?account=acme")
    assert (made.status_code, made.json()["buckets"]) == (201, 64)
    assert [layer["id"] for layer in office.get("/v1/layers").json()["layers"]] == ["homepage", "mail"]
    office.put(HERO, ADDRESS)
    assert_problem(office.put({"buckets": 2048}, LAYER), 400, "/buckets", "experiment hero_cta runs in it")
    assert_problem(office.client.delete(LAYER), 409, None, "layer homepage holds experiment hero_cta; delete that first")
    assert_problem(office.client.delete("/v1/metrics/orders?account=acme"), 409, None, "is a goal of experiment hero_cta")
    assert office.client.delete(ADDRESS).status_code == 204
    assert office.client.delete(LAYER).status_code == 204
    assert_problem(office.client.delete(LAYER), 404, None, "account acme has no layer 'homepage'")
    assert_problem(office.get(ADDRESS), 404, None, "account acme has no experiment 'hero_cta'")


def test_reading_keys_change_nothing_and_history_names_the_key(redis_url: str, tmp_path: Path) -> None:
    push(redis_url, [Located("", trial_document(experiments=[]))])
    keys = StoredKeys.at(redis_url)
    for name, role in (("writer", Role.WRITE), ("reader", Role.READ)):
        keys.add(Key(digest_of(name), "acme", role))
    office = open_office(redis_url, tmp_path, RedisKeys(keys, lambda: 0.0), Editor(redis_url))
    with office.client:
        refused = office.client.put("/v1/experiments/hero_cta", json=HERO, headers=bearer("reader"))
        assert_problem(refused, 403, None, "only reads")
        assert_problem(office.client.get("/v1/experiments"), 401, None, "API key")
        put = office.client.put("/v1/experiments/hero_cta", json=HERO, headers=bearer("writer"))
        assert (put.status_code, put.headers["location"]) == (201, "/v1/experiments/hero_cta")
        (entry,) = office.client.get("/v1/experiments/hero_cta", headers=bearer("reader")).json()["history"]
        assert entry["by"] == f"key {digest_of('writer')[:12]}"
    office.store.close()
    keys.close()


def test_definitions_in_a_file_are_shown_and_not_changed(tmp_path: Path) -> None:
    file = tmp_path / "definitions.json"
    file.write_text(json.dumps(trial_document()))
    office = open_office(str(file), tmp_path, NoAuth(), None)
    with office.client:
        assert office.get(ADDRESS).json()["history"] == []
        assert_problem(office.put(HERO, ADDRESS), 405, None, "edited by hand")
        assert_problem(office.client.delete(LAYER), 405, None, "edited by hand")
    office.store.close()


def test_what_is_stored_badly_is_told_in_the_list(office: Office) -> None:
    with redis.Redis.from_url(office.url) as client:
        client.hset("definitions:acme", "experiment:odd", "{}")
    office.put(HERO, ADDRESS)
    listed = office.get("/v1/experiments").json()
    assert [e["id"] for e in listed["experiments"]] == ["hero_cta"]
    assert listed["problems"][0]["detail"].startswith("experiment:odd: status: missing")
    assert office.get("/v1/layers").json()["problems"] == []


def test_the_example_of_the_document_is_one_that_is_taken(office: Office) -> None:
    examples = described()["paths"]["/v1/experiments/{id}"]["put"]["requestBody"]["content"]["application/json"]["examples"]
    goals = {"measures": {"buyers": {"aggregate": "count", "once_per": "visitor"}, "n": {"aggregate": "count"}}, "where": {}}
    for metric in ("orders", "cancellations"):
        office.put(goals, f"/v1/metrics/{metric}?account=acme")
    assert office.put(examples["experiment"]["value"], "/v1/experiments/shown?account=acme").status_code == 201


def test_without_redis_nothing_is_changed_and_what_is_known_is_shown(tmp_path: Path) -> None:
    file = tmp_path / "definitions.json"
    file.write_text(json.dumps(trial_document()))
    office = open_office(str(file), tmp_path, NoAuth(), Editor("redis://127.0.0.1:1/0"))
    with office.client:
        assert_problem(office.put(HERO, ADDRESS), 503, None, "Redis does not answer; try again in a few seconds")
        assert_problem(office.client.delete(LAYER), 503, None, "Redis does not answer; try again in a few seconds")
        shown = office.get(ADDRESS).json()
        assert (shown["status"], shown["history"]) == ("running", None)
    office.store.close()

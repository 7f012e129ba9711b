"""Assignment over HTTP: the same answer as that of the local function, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.definitions.source import open_definitions
from pipeline.store.sqlite import SqliteStore
from readers.app import create_app
from readers.assign import Allocations, assign
from readers.auth import NoAuth
from readers.openapi import document as described
from readers.service import Service
from readers.snapshots import Snapshots
from readers.stores import Stores
from tests.support.experiments import LAYER, experiment_document, trial_document
from tests.support.http_client import TestClient
from tests.unit.readers.conftest import NOW
from tests.unit.readers.test_http import assert_problem

SITE = "https://shop.example"
TIMED = experiment_document(
    id="timed", layer="mail", start="2026-10-31T00:00:00Z", end="2026-11-01T00:00:00Z", allocation={"loud": [[0, 3]]},
    parameters={"size": {"type": "number", "default": 3}, "deep": {"type": "json", "default": {"a": [1]}}},
    variations=[{"id": "control"}, {"id": "loud", "parameters": {"size": 4}}], eligible={"id": {"$notInGroup": "staff"}},
)  # fmt: skip
OVER = experiment_document(id="over", status="stopped", parameters={"old": {"type": "boolean", "default": True}}, **{
    "variations": [{"id": "control"}], "allocation": {}, "eligible": None})  # fmt: skip
DOCUMENT = trial_document(experiment_document(), TIMED, OVER, layers=[LAYER, {"id": "mail", "buckets": 4}])


class Desk:
    """A service and its clock."""

    def __init__(self, folder: Path, document: Any) -> None:
        self.now: datetime = NOW
        (folder / "definitions.json").write_text(json.dumps(document))
        stores = Stores(lambda: SqliteStore(folder / "numbers.db"), threads=1)
        self.snapshots = Snapshots(open_definitions(str(folder / "definitions.json")))
        service = Service(stores, self.snapshots, NoAuth(), lambda: self.now)
        self.client = TestClient(create_app(service, cors_origins=[SITE]))

    def assign(self, body: Any) -> Any:
        return self.client.post("/v1/assign", json=body)

    def flag(self, key: str, context: Any) -> Any:
        return self.client.post(f"/ofrep/v1/evaluate/flags/{key}", json={"context": context})

    def flags(self, context: Any, **headers: str) -> Any:
        return self.client.post("/ofrep/v1/evaluate/flags", json={"context": context}, headers=headers)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path, DOCUMENT)
    with desk.client:
        yield desk


def fits(name: str, value: Any) -> None:
    """Whether an answer is as the document of the API says."""
    components = described()["components"]
    jsonschema_rs.validate({"$ref": f"#/components/schemas/{name}", "components": components}, value)


def test_what_a_unit_gets(desk: Desk) -> None:
    answer = desk.assign({"unit": "user-42", "attributes": {"country": "DK"}})
    assert answer.status_code == 200 and answer.headers["cache-control"] == "private, no-store"
    assert answer.json()["experiments"]["hero_cta"] == {
        "variation": "friendly", "parameters": {"cta": "Count me in!"}, "bucket": 617, "epoch": 1, "reason": "assigned"
    }  # fmt: skip
    assert answer.json()["parameters"] == {"cta": "Count me in!", "size": 4, "deep": {"a": [1]}, "old": True}
    fits("Assignment", answer.json())


UNITS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["country", "id", "other"]),
    st.one_of(
        st.sampled_from(["UK", "DK", "s1", ""]), st.none(), st.integers(-5, 5), st.lists(st.text(max_size=3), max_size=3)
    ),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(UNITS, ATTRIBUTES, st.integers(-100_000, 100_000))
def test_who_decides_locally_decides_the_same(desk: Desk, unit: str, attributes: dict[str, Any], seconds: int) -> None:
    desk.now = NOW + timedelta(seconds=seconds)
    allocations = Allocations.of(desk.client.get("/v1/allocations").json())
    answer = desk.assign({"unit": unit, "attributes": attributes})
    assert answer.json() == assign(allocations, unit, attributes, desk.now)


def test_allocations_have_a_tag_that_lasts_until_they_change(desk: Desk) -> None:
    first = desk.client.get("/v1/allocations")
    fits("Allocations", first.json())
    assert [e["id"] for e in first.json()["experiments"]] == ["hero_cta", "over", "timed"]
    assert first.json()["groups"] == {"staff": ["s1"]}
    desk.now += timedelta(days=1)
    again = desk.client.get("/v1/allocations", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("body", "pointer", "said"),
    [
        ([], "", "the body must be a JSON object"),
        ({}, "/unit", "name who is to be assigned"),
        ({"unit": ""}, "/unit", "name who is to be assigned"),
        ({"unit": 3}, "/unit", "name who is to be assigned"),
        ({"unit": "x" * 1025}, "/unit", "a text of at most 1,024 characters"),
        ({"unit": "x", "attributes": []}, "/attributes", "attributes are an object"),
        ({"unit": "x", "who": 1}, "/who", "unknown; the keys here are unit, attributes, account"),
        ({"unit": "x", "account": "zeta"}, "/account", "there is no account 'zeta'"),
    ],
)
def test_what_is_refused_names_the_place(desk: Desk, body: Any, pointer: str, said: str) -> None:
    assert_problem(desk.assign(body), 400, pointer, said)


def test_a_flag_is_a_parameter(desk: Desk) -> None:
    answer = desk.flag("cta", {"targetingKey": "user-42", "country": "DK"})
    assert answer.status_code == 200
    assert answer.json() == {
        "key": "cta",
        "value": "Count me in!",
        "reason": "SPLIT",
        "variant": "friendly",
        "metadata": {"experiment": "hero_cta", "assignment": "assigned", "epoch": 1, "bucket": 617},
    }
    outside = desk.flag("cta", {"targetingKey": "user-42"}).json()
    assert (outside["value"], outside["reason"], outside["variant"]) == ("Join", "STATIC", "default")
    assert outside["metadata"]["assignment"] == "not_eligible"
    over = desk.flag("old", {"targetingKey": "user-42"}).json()
    assert over == {"key": "old", "value": True, "reason": "DISABLED", "variant": "default"}


def test_numbers_are_floats_to_clients_that_tell_them_apart(desk: Desk) -> None:
    assert b'"value":4.0' in desk.flag("size", {"targetingKey": "user-42"}).content


def test_all_flags_come_with_a_tag(desk: Desk) -> None:
    context = {"targetingKey": "user-42", "country": "DK"}
    answer = desk.flags(context)
    fits("Flags", answer.json())
    assert [flag["key"] for flag in answer.json()["flags"]] == ["cta", "deep", "old", "size"]
    assert desk.flags(context, **{"if-none-match": answer.headers["etag"]}).status_code == 304
    assert desk.flags({"targetingKey": "u1"}, **{"if-none-match": answer.headers["etag"]}).status_code == 200


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "PARSE_ERROR"),
        (b"{}", "INVALID_CONTEXT"),
        (b"[]", "INVALID_CONTEXT"),
        (b'{"context": 3}', "INVALID_CONTEXT"),
        (b'{"context": {}}', "TARGETING_KEY_MISSING"),
        (b'{"context": {"targetingKey": ""}}', "TARGETING_KEY_MISSING"),
        (b'{"context": {"targetingKey": 3}}', "INVALID_CONTEXT"),
    ],
)
def test_contexts_that_are_none_are_refused_in_the_protocols_words(desk: Desk, body: bytes, code: str) -> None:
    for path, named in [("/ofrep/v1/evaluate/flags/cta", {"key": "cta"}), ("/ofrep/v1/evaluate/flags", {})]:
        answer = desk.client.post(path, content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 400
        assert {k: v for k, v in answer.json().items() if k != "errorDetails"} == {**named, "errorCode": code}
        fits("EvaluationFailure", answer.json())


def test_a_flag_that_is_not_there_is_not_found(desk: Desk) -> None:
    answer = desk.flag("nothing", {"targetingKey": "u1"})
    assert answer.status_code == 404
    assert (answer.json()["key"], answer.json()["errorCode"]) == ("nothing", "FLAG_NOT_FOUND")
    fits("FlagNotFound", answer.json())


def test_pages_of_another_site_may_ask_if_it_is_named(desk: Desk) -> None:
    asking = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,content-type"}
    allowed = desk.client.options("/v1/assign", headers={"origin": SITE, **asking})
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, SITE)
    assert desk.client.options("/v1/assign", headers={"origin": "https://evil.example", **asking}).status_code == 400
    answer = desk.client.get("/v1/allocations", headers={"origin": SITE})
    assert answer.headers["access-control-allow-origin"] == SITE
    assert "etag" in answer.headers["access-control-expose-headers"].lower()
    assert "access-control-allow-origin" not in desk.client.get("/v1/allocations", headers={"origin": "https://e.x"}).headers


def test_an_account_without_experiments_has_nothing_to_assign(tmp_path: Path) -> None:
    desk = Desk(tmp_path, {"account": "acme"})
    with desk.client:
        assert desk.assign({"unit": "u1"}).json() == {"experiments": {}, "parameters": {}}
        assert desk.client.get("/v1/allocations").json() == {"layers": [], "experiments": []}
        assert desk.flags({"targetingKey": "u1"}).json() == {"flags": []}

"""`POST /v1/explain`: what may be asked and how it is refused; what is explained is held by tests/unit/explain."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from pipeline.definitions.keys import Key, Role, StoredKeys, digest_of
from pipeline.model.errors import TransientStoreError
from pipeline.store.sqlite import SqliteStore
from readers.auth import NoAuth, RedisKeys
from readers.editing import Editor
from readers.openapi import document
from tests.support.http_client import TestClient
from tests.support.redis_server import redis_server_url, redis_url
from tests.unit.readers.test_editing import ORDERS, Office, open_office
from tests.unit.readers.test_http import assert_problem, bearer

__all__ = ["redis_server_url", "redis_url"]

ADDRESS = "/v1/explain"
ORDER = {
    "messageId": "m1",
    "event": "Order Completed",
    "anonymousId": "u1",
    "timestamp": "2026-10-30T12:00:00Z",
    "properties": {"total": 512.5, "plan": "x" * 1_000},
}


@pytest.fixture
def office(redis_url: str, tmp_path: Path) -> Iterator[Office]:
    office = open_office(redis_url, tmp_path, NoAuth(), Editor(redis_url))
    with office.client:
        office.put()
        office.put({**ORDERS, "where": {"$nor": [{"a": 1}]}}, address="/v1/metrics/others?account=acme")
        yield office
    office.store.close()


def explained(answer: Any) -> Any:
    """The body, which is of the form that the API's description gives."""
    assert answer.status_code == 200, answer.text
    schemas = document()["components"]["schemas"]
    jsonschema_rs.validate({**schemas["Explanation"], "components": {"schemas": schemas}}, answer.json())
    return answer.json()


def test_an_event_is_explained_as_it_is_sent_or_in_an_object(office: Office) -> None:
    plain = explained(office.client.post(ADDRESS, json=ORDER))
    assert plain["counts_in"] == ["orders", "others"]
    assert explained(office.client.post(ADDRESS, json={"event": ORDER})) == plain
    one = explained(office.client.post(ADDRESS, json={"event": ORDER, "metric": "orders", "account": "acme"}))
    assert [metric["id"] for metric in one["metrics"]] == ["orders"]
    assert explained(office.client.post(f"{ADDRESS}?metric=orders&account=acme", json=ORDER)) == one


def test_what_is_rejected_is_explained_too(office: Office) -> None:
    body = explained(office.client.post(ADDRESS, json={**ORDER, "timestamp": "yesterday"}))
    assert (body["counts_in"], body["rejected"]["reason"]) == ([], "bad_timestamp")
    body = explained(office.client.post(f"{ADDRESS}?account=acme", json={**ORDER, "account": "zeta"}))
    assert body["rejected"]["reason"] == "wrong_account"


@pytest.mark.parametrize(
    ("text", "pointer", "word"),
    [
        (b"", "", "no event"),
        (b'{"event": ', "", "not JSON"),
        (b"[]", "", "JSON object"),
        (b'"Order Completed"', "", "JSON object"),
        (b"\xff", "", "not JSON"),
        (b'{"a":' * 5_000, "", "not JSON"),
        (b'{"batch": [{}, {}]}', "/batch", "2 events"),
        (b'{"event": {"batch": []}}', "/event/batch", "0 events"),
        (b'{"event": {}, "metrics": "orders"}', "/metrics", "unknown"),
        (b'{"event": {}, "metric": "nope"}', "/metric", "no metric"),
        (b'{"event": {}, "metric": ["orders"]}', "/metric", "no metric"),
        (b'{"event": {}, "account": "zeta"}', "/account", "no account"),
        (b'{"event": {}, "account": 7}', "/account", "no account"),
        (b'{"event": ' + b'{"a":' * 1_010 + b"1" + b"}" * 1_011, "/event", "too deep"),
    ],
)
def test_what_can_not_be_explained_is_refused_where_it_stands(office: Office, text: bytes, pointer: str, word: str) -> None:
    answer = office.client.post(ADDRESS, content=text, headers={"content-type": "application/json"})
    assert_problem(answer, 400, pointer, word)


def test_odd_events_are_explained_all_the_same(office: Office) -> None:
    for text in (
        b"{}",
        b'{"event": ["a"], "anonymousId": 1e999, "messageId": {}, "a": 123456789012345678901234567890}',
        b'\n{"event":\r\n "Order\\u0000",\n "properties": []}\n',
        b'{"event": {"properties": {"total": 1e999, "total": -1e999}}}',
        b'{"a":' * 300 + b"1" + b"}" * 300,
        json.dumps({"x": "y" * 300_000}).encode(),
        b'{"stage": "decode", "reason": "not_json", "source": "f@0", "raw": "{"}',
        b'{"stage": "decode", "reason": "not_json", "source": "f@0", "raw": 5}',
        json.dumps({"stage": "decode", "reason": "x", "source": "f", "account": "acme", "raw": json.dumps(ORDER)}).encode(),
    ):
        explained(office.client.post(ADDRESS, content=text, headers={"content-type": "application/json"}))


def test_without_a_store_the_rest_is_explained(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise TransientStoreError("the disk at /secret is asleep")

    monkeypatch.setattr(SqliteStore, "read", fail)
    answer = office.client.post(ADDRESS, json=ORDER)
    assert explained(answer)["counts_in"] == ["orders", "others"]
    assert "can't be asked" in answer.json()["warnings"][0] and "secret" not in answer.text


def test_a_key_explains_its_own_account_only(redis_url: str, tmp_path: Path) -> None:
    keys = StoredKeys.at(redis_url)
    for text, account in (("r-acme", "acme"), ("r-zeta", "zeta"), ("r-none", "none")):
        keys.add(Key(digest_of(text), account, Role.READ))
    Editor(redis_url)
    office = open_office(redis_url, tmp_path, RedisKeys.at(redis_url, lambda: 0.0), Editor(redis_url))
    client: TestClient = office.client
    with client:
        for account in ("acme", "zeta"):
            keys.add(Key(digest_of(f"w-{account}"), account, Role.WRITE))
            put = client.put(f"/v1/metrics/of_{account}", json=ORDERS, headers=bearer(f"w-{account}"))
            assert put.status_code == 201
        assert_problem(client.post(ADDRESS, json=ORDER), 401, None, "API key")
        for account in ("acme", "zeta"):
            answer = client.post(ADDRESS, json=ORDER, headers=bearer(f"r-{account}"))
            assert explained(answer)["counts_in"] == [f"of_{account}"]
            assert {"acme": "zeta", "zeta": "acme"}[account] not in answer.text
        foreign = {**ORDER, "account": "zeta"}
        assert explained(client.post(ADDRESS, json=foreign, headers=bearer("r-acme")))["rejected"] is not None
        asked = client.post(ADDRESS, json={"event": ORDER, "account": "zeta"}, headers=bearer("r-acme"))
        assert_problem(asked, 403, "/account", "acme")
        assert_problem(client.post(f"{ADDRESS}?account=zeta", json=ORDER, headers=bearer("r-acme")), 403, "/account", "acme")
        other = client.post(ADDRESS, json={"event": ORDER, "metric": "of_zeta"}, headers=bearer("r-acme"))
        assert_problem(other, 400, "/metric", "no metric")
        assert_problem(client.post(ADDRESS, json=ORDER, headers=bearer("r-none")), 400, "/account", "no definitions")
    office.store.close()

"""Definitions changed over HTTP: what is written, refused, and who may; against a real Redis."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis

from pipeline.adopt import Adoption
from pipeline.definitions.keys import Key, Role, StoredKeys, digest_of
from pipeline.definitions.source import open_definitions
from pipeline.model.layout import meta_history_row
from pipeline.store.sqlite import SqliteStore
from readers.app import create_app
from readers.auth import Auth, NoAuth, RedisKeys
from readers.editing import Editor
from readers.service import Service
from readers.snapshots import Snapshots
from readers.stores import Stores
from tests.support.definitions import metric_document
from tests.support.http_client import TestClient
from tests.support.redis_server import redis_server_url, redis_url
from tests.unit.readers.conftest import NOW
from tests.unit.readers.test_http import assert_problem, bearer

__all__ = ["redis_server_url", "redis_url"]

ORDERS = {key: value for key, value in metric_document().items() if key != "id"}
ADDRESS = "/v1/metrics/orders?account=acme"


@dataclass
class Office:
    """A service whose definitions can be changed."""

    client: TestClient
    store: SqliteStore
    url: str

    def put(self, document: Any = ORDERS, address: str = ADDRESS, **headers: str) -> Any:
        return self.client.put(address, json=document, headers={k.replace("_", "-"): v for k, v in headers.items()})

    def get(self, address: str = ADDRESS) -> Any:
        return self.client.get(address)

    def stored(self, account: str = "acme") -> dict[bytes, bytes]:
        with redis.Redis.from_url(self.url) as client:
            found: dict[bytes, bytes] = client.hgetall(f"definitions:{account}")
        return found


def open_office(url: str, folder: Path, auth: Auth, editor: Editor | None) -> Office:
    store = SqliteStore(folder / "numbers.db")
    stores = Stores(lambda: SqliteStore(folder / "numbers.db"), threads=2)
    service = Service(stores, Snapshots(open_definitions(url)), auth, lambda: NOW, editor)
    return Office(TestClient(create_app(service)), store, url)


@pytest.fixture
def office(redis_url: str, tmp_path: Path) -> Iterator[Office]:
    office = open_office(redis_url, tmp_path, NoAuth(), Editor(redis_url))
    with office.client:
        yield office
    office.store.close()


def test_a_metric_that_is_put_is_there_at_once(office: Office) -> None:
    put = office.put()
    assert put.status_code == 201 and put.headers["location"] == ADDRESS
    assert (put.json()["outcome"], put.json()["before"]) == ("new", None)
    shown = office.get().json()
    assert shown["revision"] == put.json()["revision"]
    assert (shown["where"], shown["account"], shown["timezone"]) == (ORDERS["where"], "acme", "UTC")
    assert json.loads(office.stored()[b"metric:orders"]) == metric_document()


def test_the_same_put_again_changes_nothing(office: Office) -> None:
    first = office.put()
    before = office.stored()
    again = office.put()
    assert (again.status_code, again.json()["outcome"]) == (200, "unchanged")
    assert again.headers["etag"] == first.headers["etag"]
    assert office.stored() == before


def test_a_changed_metric_says_its_new_revision_and_the_one_before(office: Office) -> None:
    first = office.put().json()
    changed = office.put({**ORDERS, "where": {}})
    assert (changed.status_code, changed.json()["outcome"]) == (200, "new revision")
    assert changed.json()["before"] == first["revision"] != changed.json()["revision"]
    described = office.put({**ORDERS, "where": {}, "description": "Everything"})
    assert described.json()["outcome"] == "description"
    assert described.json()["revision"] == changed.json()["revision"]
    assert described.headers["etag"] != changed.headers["etag"]


def test_what_was_shown_can_be_edited_and_put_back(office: Office) -> None:
    office.put()
    shown = office.get()
    put = office.put({**shown.json(), "breakdowns": []}, if_match=shown.headers["etag"])
    assert (put.status_code, put.json()["breakdowns"]) == (200, [])


def test_of_two_editors_the_second_is_told(office: Office) -> None:
    office.put()
    seen = office.get().headers["etag"]
    assert office.put({**ORDERS, "description": "A"}, if_match=seen).status_code == 200
    late = office.put({**ORDERS, "description": "B"}, if_match=seen)
    assert_problem(late, 412, None, "changed since")
    assert_problem(office.client.delete(ADDRESS, headers={"if-match": seen}), 412, None, "changed since")
    assert office.get().json()["description"] == "A"
    assert office.put({**ORDERS, "description": "B"}, if_match=f'"x", W/{office.get().headers["etag"]}').status_code == 200
    assert office.put(ORDERS, if_match="*").status_code == 200


def test_a_put_may_be_for_new_metrics_or_for_old_ones_only(office: Office) -> None:
    assert_problem(office.put(if_match="*"), 412, None, "changed since")
    assert office.put(if_none_match="*").status_code == 201
    assert_problem(office.put(if_none_match="*"), 412, None, "there already")


def test_an_editor_from_elsewhere_counts_too(office: Office) -> None:
    office.put()
    seen = office.get().headers["etag"]
    with redis.Redis.from_url(office.url) as client:
        client.hset("definitions:acme", "metric:orders", json.dumps({**metric_document(), "description": "elsewhere"}))
    assert_problem(office.put({**ORDERS, "where": {}}, if_match=seen), 412, None, "changed since")


@pytest.mark.parametrize(
    ("document", "pointer", "word"),
    [
        ({**ORDERS, "where": {"properties.total": {"$gte": True}}}, "/where/properties.total/$gte", "$gte"),
        ({**ORDERS, "where": {"a/b": {"$nope": 1}}}, "/where/a~1b/$nope", "unknown operator"),
        ({**ORDERS, "measures": {}}, "/measures", "at least one"),
        ({**ORDERS, "measure": {}}, "/measure", "unknown"),
        ({**ORDERS, "where": {"userId": {"$inGroup": "vip"}}}, "/where/userId/$inGroup", "no group"),
        ({**ORDERS, "id": "other"}, "/id", "orders"),
        ({**ORDERS, "account": "zeta"}, "/account", "acme"),
        ({}, "/where", "missing"),
        ([ORDERS], "", "object"),
        ("orders", "", "object"),
    ],
)
def test_what_is_not_valid_is_refused_where_it_stands(office: Office, document: Any, pointer: str, word: str) -> None:
    assert_problem(office.put(document), 400, pointer, word)
    assert office.stored() == {}


@pytest.mark.parametrize("text", [b"", b"{", b'{"where": {}, "where": {}}', b'{"where": NaN}', b"\xff", b"[" * 50_000])
def test_a_body_that_is_no_sound_json_is_refused(office: Office, text: bytes) -> None:
    answer = office.client.put(ADDRESS, content=text, headers={"content-type": "application/json"})
    assert_problem(answer, 400, "", "the body is refused: ")


def test_half_a_character_is_refused_and_told(office: Office) -> None:
    for text in (rb'{"where": {"a": "\ud800"}, "measures": {"n": {"aggregate": "count"}}}', rb'{"\ud800": 1}'):
        answer = office.client.put(ADDRESS, content=text, headers={"content-type": "application/json"})
        assert answer.status_code == 400 and "pointer" in answer.json()


def test_a_body_beyond_the_bound_or_of_another_kind_is_not_read(office: Office) -> None:
    assert_problem(office.client.put(ADDRESS, content=b" " * (1 << 20) + b"1"), 413, None, "1 MiB")
    assert_problem(office.client.put(ADDRESS, content=b"a: b", headers={"content-type": "text/yaml"}), 415, None, "JSON")


def test_names_in_the_address_are_checked(office: Office) -> None:
    assert_problem(office.put(address="/v1/metrics/No-Name?account=acme"), 400, None, "No-Name")
    assert_problem(office.put(address="/v1/metrics/orders?account=A%20b"), 400, "/account", "account's name")
    assert_problem(office.put(address="/v1/metrics/orders"), 400, "/account", "name the account")


def test_a_deleted_metric_is_gone_and_the_account_stays(office: Office) -> None:
    office.put()
    assert office.client.delete(ADDRESS).status_code == 204
    assert_problem(office.get(), 404, None, "orders")
    assert_problem(office.client.delete(ADDRESS), 404, None, "orders")
    assert list(office.stored()) == [b"settings"]
    assert office.put().json()["outcome"] == "new"


def test_a_broken_metric_can_be_deleted_and_mended(office: Office) -> None:
    with redis.Redis.from_url(office.url) as client:
        client.hset("definitions:acme", mapping={"metric:orders": "{}", "metric:other": "{}"})
    assert office.put().json()["outcome"] == "new"
    assert office.client.delete("/v1/metrics/other?account=acme").status_code == 204


def test_settings_that_are_broken_are_said_to_be(office: Office) -> None:
    with redis.Redis.from_url(office.url) as client:
        client.hset("definitions:acme", "settings", '{"timezone": "Nowhere"}')
    assert_problem(office.put(), 400, "", "settings")


def test_without_redis_nothing_is_changed_and_reads_go_on(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.put()
    service = office.client.app.state.service  # type: ignore[attr-defined]
    monkeypatch.setattr(service.editor, "_url", "redis://127.0.0.1:1/0")
    assert_problem(office.put({**ORDERS, "where": {}}), 503, None, "Redis does not answer")
    assert_problem(office.client.delete(ADDRESS), 503, None, "Redis does not answer")
    assert "127.0.0.1" not in office.put({**ORDERS, "where": {}}).text
    assert office.get().json()["where"] == ORDERS["where"]


def test_definitions_in_a_file_are_edited_by_hand(tmp_path: Path) -> None:
    file = tmp_path / "acme.json"
    file.write_text(json.dumps({"account": "acme", "metrics": [metric_document()]}))
    office = open_office(str(file), tmp_path, NoAuth(), None)
    with office.client:
        for answer in (office.put(), office.client.delete(ADDRESS)):
            assert_problem(answer, 405, None, "edited by hand")
            assert answer.headers["allow"] == "GET, HEAD"
        assert office.get().status_code == 200
    office.store.close()


def test_keys_decide_who_changes_what(redis_url: str, tmp_path: Path) -> None:
    keys = StoredKeys.at(redis_url)
    for text, account, role in (("w-acme", "acme", "write"), ("r-acme", "acme", "read"), ("w-zeta", "zeta", "write")):
        keys.add(Key(digest_of(text), account, Role(role)))
    office = open_office(redis_url, tmp_path, RedisKeys.at(redis_url, lambda: 0.0), Editor(redis_url))
    plain = "/v1/metrics/orders"
    with office.client:
        assert_problem(office.put(address=plain), 401, None, "API key")
        assert_problem(office.put(address=plain, **bearer("r-acme")), 403, None, "role write")
        assert_problem(office.client.delete(plain, headers=bearer("r-acme")), 403, None, "role write")
        made = office.put(address=plain, **bearer("w-acme"))  # its account's very first
        assert (made.status_code, made.headers["location"]) == (201, plain)
        assert_problem(office.put(**bearer("w-zeta")), 403, "/account", "zeta")
        assert_problem(office.client.delete(ADDRESS, headers=bearer("w-zeta")), 403, "/account", "zeta")
        assert_problem(office.client.delete(plain, headers=bearer("w-zeta")), 404, None, "zeta")
        assert_problem(office.client.get(plain, headers=bearer("w-zeta")), 404, None, "zeta")
        assert office.client.get(plain, headers=bearer("r-acme")).json()["account"] == "acme"
    assert office.stored("zeta") == {}
    office.store.close()


def test_a_metric_is_shown_with_the_revisions_that_were_counted(office: Office) -> None:
    first = office.put().json()["revision"]
    definitions = open_definitions(office.url)
    Adoption(office.store).adopt(definitions.read(), NOW)
    assert office.get().json()["history"] == [{"revision": first, "from": "2026-10-31T12:00:00.000Z", "to": None}]
    second = office.put({**ORDERS, "where": {}}).json()["revision"]
    row = meta_history_row("acme", "orders")
    office.store.put_meta(row, {b"2026-11-01T00:00:00.000Z": b"", b"2026-11-02T00:00:00.000Z": second.encode()})
    spans = [(h["revision"], h["from"][:10], h["to"] and h["to"][:10]) for h in office.get().json()["history"]]
    assert spans == [(first, "2026-10-31", "2026-11-01"), (second, "2026-11-02", None)]
    definitions.close()

"""The service over HTTP: forms, errors, keys, health."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from pipeline.definitions.keys import StoredKeys
from pipeline.definitions.source import DefinitionsSource
from pipeline.model.definition import AccountDefinitions, Settings, Snapshot
from pipeline.model.errors import TransientStoreError, UsageError
from pipeline.store.contract import Store
from pipeline.store.sqlite import SqliteStore
from readers.app import create_app
from readers.auth import Auth, NoAuth, RedisKeys
from readers.service import Service
from readers.snapshots import Snapshots
from readers.stores import Stores
from tests.support.http_client import TestClient
from tests.unit.readers.conftest import NOW, ORDERS, VISITS, Desk

WEEK = ["2026-10-01", "2026-10-02"]
QUERY = {"metrics": ["big_orders.orders"], "date_range": WEEK, "dimensions": ["time:day"]}


class Definitions(DefinitionsSource):
    """Definitions that a test sets, and takes away."""

    def __init__(self, *accounts: str) -> None:
        super().__init__(lambda: NOW)
        self.accounts: tuple[str, ...] | None = accounts

    def _fetch(self, last: Snapshot | None) -> Snapshot:
        if self.accounts is None:
            raise UsageError("Redis is gone")
        metrics, problems = [ORDERS, VISITS], ["bad: x"]
        return Snapshot.of(AccountDefinitions.of(name, Settings(), metrics, problems) for name in self.accounts)


class BrokenStore(SqliteStore):
    def read(self, *_: Any, **__: Any) -> Any:
        raise TransientStoreError("the disk at /secret is asleep")


@dataclass
class House:
    """One service and its client."""

    client: TestClient
    definitions: Definitions
    service: Service

    def post(self, body: Any = QUERY, **options: Any) -> Any:
        return self.client.post("/v1/query", json=body, **options)


def open_house(store: Store, auth: Auth, *accounts: str) -> House:
    definitions = Definitions(*accounts)
    assert isinstance(store, SqliteStore)
    stores = Stores(lambda: type(store)(store.path), threads=2)
    service = Service(stores, Snapshots(definitions), auth, lambda: NOW)
    return House(TestClient(create_app(service)), definitions, service)


@pytest.fixture
def house(desk: Desk) -> Iterator[House]:
    desk.counters.day(ORDERS, "2026-10-01", {"orders": 3, "revenue": "1846498.003"})
    house = open_house(desk.store, NoAuth(), "acme")
    with house.client:
        yield house


def test_a_query_is_answered_with_results_meta_and_itself(house: House) -> None:
    answer = house.post()
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["results"] == [
        {"dimensions": ["2026-10-01"], "metrics": [3]},
        {"dimensions": ["2026-10-02"], "metrics": [0]},
    ]
    assert set(answer.json()) == {"results", "meta", "query"}


def test_get_gives_flat_rows(house: House) -> None:
    metrics = "metrics=big_orders.orders,big_orders.revenue"
    answer = house.client.get(f"/v1/query?{metrics}&date_range=2026-10-01,2026-10-01&dimensions=time:day")
    assert answer.text == '[{"time":"2026-10-01","big_orders.orders":3,"big_orders.revenue":1846498.003}]'
    assert house.client.get("/v1/query?metrics=big_orders.orders&from=2026-10-01&to=2026-10-02").json() == [
        {"big_orders.orders": 3}
    ]


def test_flat_rows_warn_in_a_header(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    flat = "/v1/query?metrics=big_orders&date_range=2026-10-01,2026-10-02"
    answer = house.client.get(flat)
    (warning,) = house.post({"metrics": ["big_orders"], "date_range": WEEK}).json()["meta"]["warnings"]
    assert answer.headers["daycount-warning"] == warning and "big_orders.daily is left out" in warning
    assert house.client.get(flat, headers={"if-none-match": answer.headers["etag"]}).headers["daycount-warning"] == warning
    monkeypatch.setattr(Service, "warnings", lambda _: ["grün\r\nset-cookie: a", "x" * 5_000])
    long = house.client.get(flat).headers["daycount-warning"]
    assert long.startswith("gr\\xfcn\\r\\nset-cookie: a; xxx") and len(long) == 2_000


def test_the_same_answer_is_not_sent_twice(house: House) -> None:
    tag = house.post().headers["etag"]
    again = house.post(headers={"if-none-match": f'"other", W/{tag}'})
    assert again.status_code == 304
    assert again.content == b"" and again.headers["etag"] == tag
    assert house.post(headers={"if-none-match": '"other"'}).status_code == 200
    flat = "/v1/query?metrics=big_orders.orders"
    tag = house.client.get(flat).headers["etag"]
    assert house.client.get(flat, headers={"if-none-match": tag}).status_code == 304


def assert_problem(answer: Any, status: int, pointer: str | None, word: str) -> None:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status and problem["title"]
    assert problem.get("pointer") == pointer
    assert word in problem["detail"]


def test_errors_are_problems_with_a_pointer(house: House) -> None:
    assert_problem(house.post({**QUERY, "metrics": ["big_orders.nope"]}), 400, "/metrics/0", "no measure")
    assert_problem(house.post({**QUERY, "account": "other"}), 400, "/account", "known: acme")
    assert_problem(house.post({**QUERY, "account": 7}), 400, "/account", "no account")
    assert_problem(house.post([1]), 400, "", "JSON object")
    assert_problem(house.client.get("/v1/query"), 400, "/metrics", "empty")
    assert_problem(house.client.get("/v1/query?metrics=a.b&when=now"), 400, "/when", "unknown parameter")
    assert_problem(house.client.get("/nothing"), 404, None, "/nothing")


def test_a_refused_method_is_told_of_the_others(house: House) -> None:
    answer = house.client.put("/v1/query", json=QUERY)
    assert_problem(answer, 405, None, "PUT")
    assert {"GET", "POST"} <= set(answer.headers["allow"].split(", "))


def test_only_json_of_at_most_1_mib_is_read(house: House) -> None:
    json_type = {"content-type": "application/json"}
    form = house.client.post("/v1/query", content=b"a=b", headers={"content-type": "application/x-www-form-urlencoded"})
    assert_problem(form, 415, None, "application/json")
    packed = house.client.post("/v1/query", content=b"\x1f\x8b", headers={**json_type, "content-encoding": "gzip"})
    assert_problem(packed, 415, None, "gzip")
    assert_problem(house.client.post("/v1/query", content=b"{", headers=json_type), 400, "", "not JSON")
    assert_problem(house.client.post("/v1/query", content=b"[" * 100_000, headers=json_type), 400, "", "not JSON")
    too_large = b" " * (1 << 20) + b"1"
    assert_problem(house.client.post("/v1/query", content=too_large, headers=json_type), 413, None, "1 MiB")
    endless = (b" " * 65536 for _ in range(100))
    assert_problem(house.client.post("/v1/query", content=endless, headers=json_type), 413, None, "1 MiB")
    padded = json.dumps(QUERY).encode().ljust(1 << 20)
    typed = {"content-type": "application/json; charset=utf-8"}
    assert house.client.post("/v1/query", content=padded, headers=typed).status_code == 200


def test_metrics_are_listed_with_their_revisions(house: House) -> None:
    listed = house.client.get("/v1/metrics").json()
    assert [(m["account"], m["id"], m["revision"]) for m in listed["metrics"]] == [
        ("acme", "big_orders", ORDERS.revision),
        ("acme", "visits", VISITS.revision),
    ]
    assert listed["problems"] == [{"account": "acme", "detail": "bad: x"}]
    assert house.client.get("/v1/metrics/visits").json()["measures"] == {"views": {"aggregate": "count"}}
    assert_problem(house.client.get("/v1/metrics/nope"), 404, None, "nope")


def test_several_accounts_are_told_apart(desk: Desk) -> None:
    house = open_house(desk.store, NoAuth(), "acme", "zeta")
    with house.client:
        assert_problem(house.post(), 400, "/account", "known: acme, zeta")
        asked = [({}, "zeta"), ({"account": "zeta"}, None), ({"account": "zeta"}, "acme")]
        told = [house.post({**QUERY, "account": body}, params=address).json().get("query") for address, body in asked]
        assert [query and query["account"] for query in told] == ["zeta", "zeta", None]
        assert {m["account"] for m in house.client.get("/v1/metrics").json()["metrics"]} == {"acme", "zeta"}
        assert {m["account"] for m in house.client.get("/v1/metrics?account=zeta").json()["metrics"]} == {"zeta"}


def test_a_store_that_fails_is_503_and_says_nothing_of_itself(desk: Desk, tmp_path: Any) -> None:
    house = open_house(BrokenStore(tmp_path / "broken.db"), NoAuth(), "acme")
    with house.client:
        answer = house.post()
        assert_problem(answer, 503, None, "try again")
        assert "secret" not in answer.text and "retry-after" in answer.headers
        assert_problem(house.client.get("/readyz"), 503, None, "store")
        assert house.client.get("/healthz").json() == {"status": "ok"}


def test_definitions_stay_in_force_when_they_cannot_be_read(house: House) -> None:
    assert house.client.portal is not None
    assert house.client.get("/readyz").json() == {"status": "ready"}
    house.definitions.accounts = None
    house.client.portal.call(house.service.snapshots.refresh)
    assert house.post().status_code == 200
    assert_problem(house.client.get("/readyz"), 503, None, "last known")
    house.definitions.accounts = ("zeta",)
    house.client.portal.call(house.service.snapshots.refresh)
    assert house.post().json()["query"]["account"] == "zeta"


def test_too_many_waiting_queries_are_turned_away(house: House) -> None:
    stores = Stores(lambda: pytest.fail("nothing is to be read"), threads=1, waiting_max=-1)
    full = TestClient(create_app(replace(house.service, stores=stores)))
    assert_problem(full.post("/v1/query", json=QUERY), 503, None, "too many")


class Redis:
    """The part of Redis that looking keys up needs."""

    def __init__(self) -> None:
        self.hashes: dict[str, bytes] = {}
        self.gone = False

    def hget(self, name: str, field: str) -> bytes | None:
        if self.gone:
            raise ConnectionError("no route")
        assert name == "keys"
        return self.hashes.get(field)

    def exists(self, name: str) -> int:
        return int(bool(self.hashes))

    def keep(self, key: str, record: str) -> None:
        self.hashes[hashlib.sha256(key.encode()).hexdigest()] = record.encode()


@pytest.fixture
def redis() -> Redis:
    redis = Redis()
    redis.keep("k-acme", '{"account": "acme", "role": "read"}')
    redis.keep("k-page", '{"account": "acme", "role": "collect"}')
    redis.keep("k-ended", '{"account": "acme", "role": "read", "revoked": "2026-10-01T00:00:00Z"}')
    redis.keep("k-odd", '{"account": 7, "role": "read"}')
    redis.keep("k-list", "[]")
    redis.keep("k-god", '{"account": "acme", "role": "god"}')
    return redis


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def test_a_key_decides_the_account(desk: Desk, redis: Redis) -> None:
    house = open_house(desk.store, RedisKeys(StoredKeys(redis, "redis://r"), lambda: 0.0), "acme", "zeta")  # type: ignore[arg-type]
    with house.client:
        assert house.post(headers=bearer("k-acme")).json()["query"]["account"] == "acme"
        asked = house.post({**QUERY, "account": "zeta"}, headers=bearer("k-acme"))
        assert_problem(asked, 403, "/account", "acme")
        listed = house.client.get("/v1/metrics", headers=bearer("k-acme")).json()
        assert {m["account"] for m in listed["metrics"]} == {"acme"}
        house.definitions.accounts = ("zeta",)
        assert house.client.portal is not None
        house.client.portal.call(house.service.snapshots.refresh)
        gone = house.post(headers=bearer("k-acme"))
        assert_problem(gone, 400, "/account", "no definitions")
        assert "zeta" not in gone.text


@pytest.mark.parametrize("headers", [{}, bearer("nope"), bearer(""), bearer("k-odd"), bearer("k-list"), bearer("k-god"),
                                     bearer("k-ended"), {"authorization": "Basic k-acme"}])  # fmt: skip
def test_without_a_key_nothing_is_answered(desk: Desk, redis: Redis, headers: dict[str, str]) -> None:
    house = open_house(desk.store, RedisKeys(StoredKeys(redis, "redis://r"), lambda: 0.0), "acme")  # type: ignore[arg-type]
    with house.client:
        for answer in (house.post(headers=headers), house.client.get("/v1/metrics", headers=headers)):
            assert_problem(answer, 401, None, "API key")
            assert answer.headers["www-authenticate"] == "Bearer"


def test_a_key_works_on_while_redis_is_gone_and_ends_soon_after_it_is_revoked(desk: Desk, redis: Redis) -> None:
    clock = [0.0]
    house = open_house(desk.store, RedisKeys(StoredKeys(redis, "redis://r"), lambda: clock[0]), "acme")  # type: ignore[arg-type]
    with house.client:
        assert house.post(headers=bearer("k-acme")).status_code == 200
        clock[0], redis.gone = 60.0, True
        assert house.post(headers=bearer("k-acme")).status_code == 200
        assert house.post(headers=bearer("unseen")).status_code == 503
        redis.gone = False
        clock[0] = 120.0
        redis.keep("k-acme", '{"account": "acme", "role": "read", "revoked": "2026-10-01T00:00:00Z"}')
        assert house.post(headers=bearer("k-acme")).status_code == 401


def test_a_key_that_only_sends_events_reads_nothing(desk: Desk, redis: Redis) -> None:
    keys = RedisKeys(StoredKeys(redis, "redis://r"), lambda: 0.0)  # type: ignore[arg-type]
    house = open_house(desk.store, keys, "acme")
    with house.client:
        assert_problem(house.post(headers=bearer("k-page")), 403, None, "read or write")


def test_the_page_needs_nothing_from_elsewhere(house: House) -> None:
    page = house.client.get("/")
    assert page.status_code == 200 and "text/html" in page.headers["content-type"]
    addresses = page.text.replace("http://www.w3.org/2000/svg", "")
    assert "http:" not in addresses and "https:" not in addresses and "//cdn" not in addresses
    assert "default-src 'none'" in page.headers["content-security-policy"]

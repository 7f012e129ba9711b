"""A definition's life over HTTP, from the first put to its deletion, beside a pipeline that counts; Redis and SQLite."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.daycount import Shop, daycount, write_lines
from tests.support.serving import serving

ORDERS = {
    "where": {"event": "Order Completed"},
    "measures": {"n": {"aggregate": "count"}, "buyers": {"aggregate": "count", "once_per": "visitor"}},
}
LARGE = {**ORDERS, "where": {"event": "Order Completed", "properties.total": {"$gte": 100}}}
DAY = ["2026-10-01", "2026-10-01"]


def orders(first: int, last: int) -> list[dict[str, Any]]:
    """Orders of some visitors, every other one of them large."""
    return [
        {
            "messageId": f"m{i}",
            "event": "Order Completed",
            "anonymousId": f"u{i % 4}",
            "timestamp": f"2026-10-01T12:00:{i:02d}Z",
            "properties": {"total": 50 + 100 * (i % 2)},
        }
        for i in range(first, last)
    ]


class House:
    """A store, a Redis and a service with keys."""

    def __init__(self, redis_url: str, folder: Path) -> None:
        self.folder, self.url = folder, ""
        self.shop = Shop(f"sqlite:///{folder}/numbers.db", redis_url, account="acme")
        self.keys = {
            (account, role): daycount(
                "keys", "create", "--account", account, "--role", role, "--definitions", redis_url
            ).stdout.strip()
            for account, role in (("acme", "write"), ("acme", "read"), ("zeta", "write"))
        }
        seed = {"account": "zeta", "metrics": [{"id": "theirs", **ORDERS}]}
        pushed = daycount("define", "push", "-", "--definitions", redis_url, stdin=json.dumps(seed).encode())
        assert pushed.returncode == 0, pushed.stderr
        own = Shop(self.shop.store, redis_url, account="zeta")
        own.run(write_lines(folder / "theirs.jsonl", orders(0, 6)))

    def ask(self, method: str, path: str, body: Any = None, who: tuple[str, str] = ("acme", "write"), **headers: str) -> Any:
        given = {"authorization": f"Bearer {self.keys[who]}", **{k.replace("_", "-"): v for k, v in headers.items()}}
        return httpx.request(method, f"{self.url}{path}", json=body, headers=given, timeout=60)

    def count(self, first: int, last: int) -> None:
        self.shop.run(write_lines(self.folder / f"orders{first}.jsonl", orders(first, last)))

    def numbers(self, *metrics: str) -> list[Any]:
        answer = self.ask("POST", "/v1/query", {"metrics": metrics, "date_range": DAY}, ("acme", "read"))
        assert answer.status_code == 200, answer.text
        (row,) = answer.json()["results"]
        found: list[Any] = row["metrics"]
        return found


@pytest.fixture
def house(redis_url: str, tmp_path: Path) -> Iterator[House]:
    house = House(redis_url, tmp_path)
    with serving("--store", house.shop.store, "--definitions", redis_url) as reader:
        house.url = reader.url
        yield house


def test_a_changed_definition_starts_at_zero_and_the_old_one_stays_readable(house: House) -> None:
    made = house.ask("PUT", "/v1/metrics/orders", ORDERS)
    assert made.status_code == 201, made.text
    old = made.json()["revision"]
    house.count(0, 10)
    assert house.numbers("orders.n", "orders.buyers") == [10, 4]

    changed = house.ask("PUT", "/v1/metrics/orders", LARGE, if_match=made.headers["etag"])
    assert (changed.status_code, changed.json()["before"]) == (200, old)
    new = changed.json()["revision"]
    assert house.numbers("orders.n", f"orders@{old}.n") == [0, 10]
    house.count(10, 20)
    assert house.numbers("orders.n", "orders.buyers", f"orders@{new}.n", f"orders@{old}.n") == [5, 2, 5, 10]
    shown = house.ask("GET", "/v1/metrics/orders", who=("acme", "read")).json()
    assert [span["revision"] for span in shown["history"]] == [old, new]
    assert shown["history"][0]["to"] == shown["history"][1]["from"] and shown["history"][1]["to"] is None

    back = house.ask("PUT", "/v1/metrics/orders", ORDERS)
    assert back.json()["revision"] == old
    assert house.numbers("orders.n") == [10]
    house.count(20, 22)
    assert house.numbers("orders.n", f"orders@{new}.n") == [12, 5]

    assert house.ask("DELETE", "/v1/metrics/orders").status_code == 204
    assert house.ask("GET", "/v1/metrics/orders").status_code == 404
    assert house.numbers(f"orders@{old}.n") == [12]


def test_explain_over_http_knows_what_was_counted(house: House) -> None:
    house.ask("PUT", "/v1/metrics/orders", LARGE)
    house.count(0, 10)
    small, large = orders(0, 2)
    known = house.ask("POST", "/v1/explain", {"event": large}, ("acme", "read")).json()
    assert known["counts_in"] == [] and known["metrics"][0]["counted_before"]
    missed = house.ask("POST", "/v1/explain", small, ("acme", "read")).json()
    (event, total) = missed["metrics"][0]["where"]["parts"]
    assert (event["holds"], total["holds"], total["value"], total["type"]) == (True, False, 50, "number")
    done = daycount("explain", *house.shop.places, "--json", stdin=json.dumps(large).encode())
    command = json.loads(done.stdout)
    assert command["metrics"] == known["metrics"]


def test_no_account_sees_or_changes_another_s(house: House) -> None:
    theirs = ("zeta", "write")
    house.ask("PUT", "/v1/metrics/orders", ORDERS)
    assert house.ask("GET", "/v1/metrics/orders", who=theirs).status_code == 404
    assert house.ask("DELETE", "/v1/metrics/orders", who=theirs).status_code == 404
    assert house.ask("PUT", "/v1/metrics/orders?account=acme", LARGE, who=theirs).status_code == 403
    assert house.ask("PUT", "/v1/metrics/orders", LARGE, who=theirs).status_code == 201  # their own, of the same name
    assert house.ask("GET", "/v1/metrics/orders").json()["where"] == ORDERS["where"]
    revision = house.ask("GET", "/v1/metrics/theirs", who=theirs).json()["revision"]
    asked = {"metrics": [f"theirs@{revision}.n"], "date_range": DAY}
    assert house.ask("POST", "/v1/query", asked, who=theirs).json()["results"][0]["metrics"] == [6]
    for answer in (
        house.ask("POST", "/v1/query", asked),
        house.ask("GET", "/v1/metrics/theirs"),
        house.ask("POST", "/v1/explain", {"event": orders(0, 1)[0], "metric": "theirs"}),
    ):
        assert answer.status_code in (400, 404)
    told = house.ask("POST", "/v1/explain", orders(0, 1)[0])  # counted there, not here
    assert told.json()["metrics"][0]["counted_before"] is False and "theirs" not in told.text


def test_of_many_editors_at_once_each_change_rests_on_what_its_editor_saw(house: House) -> None:
    house.ask("PUT", "/v1/metrics/orders", {**ORDERS, "description": "0"})

    def add_one(_: int) -> int:
        for tries in range(1, 200):
            seen = house.ask("GET", "/v1/metrics/orders")
            more = {**ORDERS, "description": str(int(seen.json()["description"]) + 1)}
            put = house.ask("PUT", "/v1/metrics/orders", more, if_match=seen.headers["etag"])
            if put.status_code == 200:
                return tries
            assert put.status_code in (412, 503), put.text
        raise AssertionError("never came to its turn")

    with ThreadPoolExecutor(4) as editors:
        tries = list(editors.map(add_one, range(12)))
    assert house.ask("GET", "/v1/metrics/orders").json()["description"] == "12"
    assert len(tries) == 12

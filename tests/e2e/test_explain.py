"""`daycount explain` as a user types it, with and without a store that has counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.daycount import Shop, daycount, kept_rejects, refusal, write_definitions, write_lines

BIG = {
    "id": "big_orders",
    "where": {
        "event": "Order Completed",
        "$or": [{"context.location.country": "IN"}, {"properties.total": {"$gte": 499}}],
    },
    "measures": {
        "orders": {"aggregate": "count"},
        "buyers": {"aggregate": "count", "once_per": "visitor"},
        "revenue": {"aggregate": "sum", "field": "properties.total"},
    },
    "breakdowns": ["context.location.country"],
}
CARTS = {"id": "carts", "where": {"event": "Cart Viewed"}, "measures": {"n": {"aggregate": "count"}}}
ORDER = {
    "messageId": "m1",
    "event": "Order Completed",
    "anonymousId": "u1",
    "timestamp": "2026-10-01T20:35:00Z",
    "receivedAt": "2026-10-01T20:35:01Z",
    "properties": {"total": 512.5},
}


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    definitions = write_definitions(tmp_path / "shop.yaml", BIG, CARTS, timezone="Asia/Kolkata")
    return Shop(f"sqlite:///{tmp_path}/numbers.db", definitions)


def explain(shop: Shop, event: Any, *words: str) -> dict[str, Any]:
    text = event if isinstance(event, bytes) else json.dumps(event, indent=2).encode()
    done = daycount("explain", "--json", "--definitions", shop.definitions, *words, stdin=text, environment=shop.environment)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    body: dict[str, Any] = json.loads(done.stdout)
    return body


def measures(body: dict[str, Any], metric: str = "big_orders") -> dict[str, tuple[Any, Any]]:
    """What each measure is said to count, and whether as a first."""
    (told,) = (m for m in body["metrics"] if m["id"] == metric)
    return {m["name"]: (m["counts"], m.get("first")) for m in told["measures"]}


def test_it_says_which_metrics_count_an_event_on_which_day_and_why(shop: Shop) -> None:
    body = explain(shop, ORDER)
    assert (body["counts_in"], body["rejected"]) == (["big_orders"], None)
    assert body["visitor"] == {"id": "u1", "from": "anonymousId"}
    assert (body["time"]["day"], body["time"]["local"]) == ("2026-10-02", "2026-10-02T02:05:00+05:30")
    big, carts = body["metrics"]
    either, named = big["where"]["parts"]
    assert (either["logic"], either["holds"], named["holds"]) == ("$or", True, True)
    assert [part["holds"] for part in either["parts"]] == [False, True]
    assert big["breakdowns"] == {"context.location.country": "(none)"}
    assert measures(body) == {"orders": (True, None), "buyers": (None, None), "revenue": (True, None)}
    (clause,) = carts["where"]["parts"]
    assert not carts["matches"] and (clause["value"], clause["type"]) == ("Order Completed", "string")


def test_people_read_a_tree(shop: Shop, tmp_path: Path) -> None:
    file = write_lines(tmp_path / "event.json", [ORDER])
    done = daycount("explain", str(file), "--definitions", shop.definitions, "--metric", "big_orders")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert lines[0] == "✓ counts in 1 of 1: big_orders"
    assert "day      2026-10-02, 2026-10-02T02:05:00+05:30 in Asia/Kolkata (from timestamp)" in lines
    assert '│   ├── ✗ context.location.country = "IN"   saw absent' in lines
    assert "│   └── ✓ properties.total $gte 499   saw 512.5 (number)" in lines
    assert any(line.endswith("✓ revenue: sum of properties.total   +512.5") for line in lines)
    assert any("? buyers: count once per visitor" in line and "--store" in line for line in lines)


def test_with_a_store_it_knows_duplicates_and_firsts(shop: Shop, tmp_path: Path) -> None:
    shop.run(write_lines(tmp_path / "events.jsonl", [ORDER]))
    asked = ("--store", shop.store)
    again = explain(shop, ORDER, *asked)
    assert again["counts_in"] == [] and again["metrics"][0]["counted_before"]
    assert measures(again) == {"orders": (False, None), "buyers": (False, True), "revenue": (False, None)}
    later = explain(shop, {**ORDER, "messageId": "m2", "timestamp": "2026-10-01T20:36:00Z"}, *asked)
    assert measures(later) == {"orders": (True, None), "buyers": (False, False), "revenue": (True, None)}
    earlier = explain(shop, {**ORDER, "messageId": "m0", "timestamp": "2026-09-30T20:36:00Z"}, *asked)
    assert measures(earlier) == {"orders": (True, None), "buyers": (True, True), "revenue": (True, None)}
    (buyers,) = (m for m in earlier["metrics"][0]["measures"] if m["name"] == "buyers")
    assert buyers["instead_of"] == "2026-10-02"
    other = explain(shop, {**ORDER, "anonymousId": "u2"}, *asked)
    assert measures(other)["buyers"] == (True, True)
    assert explain(shop, {**ORDER, "anonymousId": None}, *asked)["metrics"][0]["measures"][0]["counts"] is False


def test_an_empty_store_knows_nothing_and_says_so(shop: Shop, tmp_path: Path) -> None:
    shop.run(write_lines(tmp_path / "events.jsonl", []))
    assert measures(explain(shop, ORDER, "--store", shop.store))["buyers"] == (True, True)


def test_a_store_with_a_key_of_its_own_is_asked_with_it(shop: Shop, tmp_path: Path) -> None:
    keyed = Shop(shop.store, shop.definitions, environment={"DAYCOUNT_VISITOR_KEY": "a secret of our own"})
    keyed.run(write_lines(tmp_path / "events.jsonl", [ORDER]))
    assert explain(keyed, ORDER, "--store", shop.store)["counts_in"] == []
    words = ("explain", "--definitions", shop.definitions, "--store", shop.store)
    assert "DAYCOUNT_VISITOR_KEY" in refusal(daycount(*words, stdin=json.dumps(ORDER).encode()))


def test_it_says_why_a_record_is_rejected(shop: Shop, tmp_path: Path) -> None:
    body = explain(shop, {**ORDER, "timestamp": "2026-10-01"})
    assert (body["rejected"]["reason"], body["counts_in"], body["time"]) == ("bad_timestamp", [], None)
    assert body["metrics"][0]["matches"] and not body["metrics"][0]["counts"]
    kept = tmp_path / "rejects.jsonl"
    bad = write_lines(tmp_path / "events.jsonl", [{**ORDER, "timestamp": "2027-01-01T00:00:00Z"}, b'{"event": '])
    daycount(*shop.run_words(bad), "--rejects", str(kept))
    reasons = {record["reason"]: explain(shop, record) for record in kept_rejects(kept)}
    assert {reason: body["rejected"]["reason"] for reason, body in reasons.items()} == {
        "in_the_future": "in_the_future",
        "not_json": "not_json",
    }
    assert reasons["in_the_future"]["metrics"][0]["matches"] and "rejects record" in reasons["not_json"]["warnings"][0]


def test_what_an_event_holds_is_not_obeyed_by_the_terminal(shop: Shop) -> None:
    nasty = {**ORDER, "event": "\x1b[31m\u202e[bold]", "anonymousId": "\x9b2J", "messageId": "\x07"}
    done = daycount("explain", "--definitions", shop.definitions, stdin=json.dumps(nasty).encode())
    assert done.returncode == 0 and "[bold]" in done.stdout
    assert all(char.isprintable() or char == "\n" for char in done.stdout)


@pytest.mark.parametrize(
    ("text", "words", "said"),
    [
        (b"", [], "no event"),
        (b"{", [], "not JSON"),
        (b"[1]", [], "JSON object"),
        (b"\xff", [], "not JSON"),
        (b'{"a": 1}\n{"a": 2}\n', [], "more than one line"),
        (b'{"batch": [{}]}', [], "batch"),
        (b" " * (1 << 20) + b"{}", [], "larger"),
        (b"{}", ["--metric", "nope"], "no metric nope"),
        (b"{}", ["--account", "nope"], "--account nope"),
        (b"{}", ["--store", "sqlite:////nowhere/numbers.db"], "no store"),
        (b"{}", ["--store", "what:"], "unknown kind"),
        (b"{}", ["nowhere.json"], "nowhere.json"),
        (b"{}", ["."], "."),
        (b"{}", ["--definitions", "nowhere.yaml"], "nowhere.yaml"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(shop: Shop, text: bytes, words: list[str], said: str) -> None:
    assert said in refusal(daycount("explain", "--definitions", shop.definitions, *words, stdin=text))

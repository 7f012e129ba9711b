"""Records of every kind in one run: what is no event is counted by reason and kept, and everything else counts."""

from __future__ import annotations

import base64
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.model.limits import EVENT_BYTES_MAX
from pipeline.model.rejects import RejectReason
from tests.support.daycount import Shop, kept_rejects, line_of, named, write_definitions, write_lines
from tests.support.records import ORDERS, order
from tests.support.small_runs import SmallRun

DAY = ("--from", "2026-10-01", "--to", "2026-10-01")
DEEP = b'{"messageId":"deep","x":' + b"[" * 200 + b"]" * 200 + b"}"
FAR = (datetime.now(UTC) + timedelta(days=3)).isoformat()

REJECTED: dict[RejectReason, list[dict[str, Any] | bytes]] = {
    RejectReason.NOT_JSON: [
        b'{"event": "Order Completed"',
        b"\xff\xfe\x00 no text at all",
        b'{"event":"Order Completed","x":"\xc3\x28"}',
        b"nonsense",
        b'{"a":1}{"b":2}',
        b'{"total":NaN}',
        b'{"a":"\x01"}',
        b"{'event':'Order Completed'}",
    ],
    RejectReason.NOT_AN_OBJECT: [b"5", b'"text"', b"[]", b"null", b'[{"event":"Order Completed"}]'],
    RejectReason.WRONG_ACCOUNT: [order(account="other"), order(account=""), order(account=5), order(account={})],
    RejectReason.BAD_TIMESTAMP: [
        order(timestamp="yesterday"),
        order(timestamp="2026-10-01"),
        order(timestamp="2026-10-01T12:00:00"),
        order(timestamp="2026-02-30T12:00:00Z"),
        order(timestamp=""),
        order(timestamp=1790000000),
        order(timestamp=["2026-10-01T12:00:00Z"]),
        order(timestamp="1066-10-14T12:00:00Z"),
    ],
    RejectReason.IN_THE_FUTURE: [
        order(timestamp=FAR),
        order(timestamp="2026-10-03T12:00:00.001Z", receivedAt="2026-10-02T12:00:00Z"),
    ],
    RejectReason.TOO_LARGE: [order(filling="x" * EVENT_BYTES_MAX)],
    RejectReason.TOO_DEEP: [DEEP],
}
GOOD = [order(messageId=f"g{n}", anonymousId=f"v{n % 7}") for n in range(40)]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(f"sqlite:///{tmp_path}/numbers.db", write_definitions(tmp_path / "d.yaml", ORDERS))


def mixed(tmp_path: Path) -> Path:
    bad = [record for records in REJECTED.values() for record in records]
    lines = [x for i, event in enumerate(GOOD) for x in (event, *bad[i : i + 1])]
    return write_lines(tmp_path / "mixed.jsonl", lines)


def original(kept: dict[str, str]) -> bytes:
    return base64.b64decode(kept["raw_base64"]) if "raw_base64" in kept else kept["raw"].encode()


def test_every_reason_is_counted_and_kept_and_the_rest_counts(tmp_path: Path, shop: Shop) -> None:
    file = mixed(tmp_path)
    today = datetime.now(UTC).date()
    summary = shop.run(file)
    assert summary["events"] == len(GOOD)
    assert summary["rejects"] == {reason.value: len(records) for reason, records in sorted(REJECTED.items())}
    kept = kept_rejects(tmp_path / "numbers.db.rejects.jsonl")
    wanted = Counter((reason.value, line_of(record)) for reason, records in REJECTED.items() for record in records)
    assert Counter((k["reason"], original(k)) for k in kept) == wanted
    text = file.read_bytes()
    for k in kept:
        place, _, offset = k["source"].rpartition("@")
        assert place == str(file) and text[int(offset) :].startswith(original(k))
        assert k["stage"] == "decode" and k["cause"] and k["account"] == "shop"

    answers = []
    for _ in range(2):
        body = shop.query("orders", *DAY)
        assert list(named(body).values()) == [{"orders.buyers": 7, "orders.n": 40, "orders.revenue": 400}]
        until = str(datetime.now(UTC).date())
        answers.append(shop.query("orders.n", "--from", str(today), "--to", until)["meta"]["quality"]["rejected"])
        assert shop.run(file)["rejects"] == summary["rejects"]
    assert answers == [len(kept), len(kept)]


def test_no_account_and_unknown_account_without_a_trusted_one(tmp_path: Path, shop: Shop) -> None:
    records = [order(), order(account=None), order(account="nobody"), order(account="shop"), order(account=["shop"])]
    write_lines(tmp_path / "in.jsonl", [*records, {"batch": [order(messageId="m2")], "account": "shop"}])
    from tests.support.daycount import daycount

    places = ("--store", shop.store, "--definitions", shop.definitions)
    done = daycount("run", "--input", str(tmp_path / "in.jsonl"), *places, "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["rejects"] == {"no_account": 2, "unknown_account": 2}
    assert shop.query("orders.n", *DAY)["results"][0]["metrics"] == [2]


def test_without_json_the_summary_says_what_was_rejected_and_where_it_is(tmp_path: Path, shop: Shop) -> None:
    from tests.support.daycount import daycount

    write_lines(tmp_path / "in.jsonl", [order(), b"x", b"y"])
    done = daycount("run", "--input", str(tmp_path / "in.jsonl"), *shop.places, "--rejects", str(tmp_path / "kept"))
    assert done.returncode == 0 and done.stderr == ""
    assert f"rejected: 2 not_json; kept in {tmp_path}/kept" in done.stdout
    assert len(kept_rejects(tmp_path / "kept")) == 2


# From here on in this process: one run per case.


@pytest.fixture
def run(tmp_path: Path, shop: Shop) -> SmallRun:
    return SmallRun(shop.store, shop.definitions)


def counted(run: SmallRun, tmp_path: Path, *records: Any, **asked: str) -> dict[tuple[str, ...], dict[str, Any]]:
    run.run(write_lines(tmp_path / "in.jsonl", records))
    return named(run.query("orders", **{"from_": "2026-10-01", "to": "2026-10-01", **asked}))


def total(run: SmallRun, tmp_path: Path, *records: Any) -> dict[str, Any]:
    [row] = counted(run, tmp_path, *records).values()
    return {name.partition(".")[2]: number for name, number in row.items()}


def test_a_line_is_judged_alike_whoever_its_neighbours_are(run: SmallRun, tmp_path: Path) -> None:
    """Bytes that are no UTF-8 somewhere in a block must not change what another line of it comes to."""
    big = '{"messageId":"%s","event":"Order Completed","anonymousId":%s,"timestamp":"2026-10-01T12:00:00Z","x":%s}'
    lines = [big % ("a", 10**30, 1), big % ("b", 10**30 + 1, 1), big % ("c", 1, "1e400")]
    alone = total(run, tmp_path, *lines)
    again = total(run, tmp_path, *lines, b"\xff")
    assert again == alone


def test_the_events_of_a_batch_count_one_by_one(run: SmallRun, tmp_path: Path) -> None:
    batch = {
        "batch": [order(messageId="a"), order(messageId="b", account=None), 5, order(timestamp="x"), {"batch": []}],
        "account": "shop",
        "sentAt": "2026-10-01T12:00:00Z",
        "receivedAt": "2026-10-01T12:00:00Z",
    }
    assert total(run, tmp_path, batch, {"batch": []}) == {"buyers": 1, "n": 2, "revenue": 20}
    assert [(r.reason, json.loads(r.raw), r.source.rpartition("/")[2]) for r in run.rejects] == [
        (RejectReason.NOT_AN_OBJECT, 5, "2"),
        (RejectReason.BAD_TIMESTAMP, {**order(timestamp="x")} | run_extras(batch), "3"),
    ]


def test_a_batch_of_another_account_is_one_reject_with_its_bytes(run: SmallRun, tmp_path: Path) -> None:
    """Its events repeated what they inherit: a record of 256 KiB could become gigabytes of rejects."""
    batches = [{"batch": [{}] * 50, "account": account} for account in ("other", 5, {}, "x" * 100_000)]
    assert total(run, tmp_path, *batches, {"batch": [], "account": "other"}, order()) == {"buyers": 1, "n": 1, "revenue": 10}
    assert [(r.reason, r.raw) for r in run.rejects] == [(RejectReason.WRONG_ACCOUNT, line_of(batch)) for batch in batches]


def test_events_of_a_batch_do_not_inherit_what_can_be_no_time(run: SmallRun, tmp_path: Path) -> None:
    batch = {"sentAt": "x" * 50_000, "receivedAt": [1] * 9_999, "batch": [order(timestamp="soon"), order()]}
    assert total(run, tmp_path, batch)["n"] == 1
    assert [json.loads(r.raw) for r in run.rejects] == [order(timestamp="soon")]


def run_extras(batch: dict[str, Any]) -> dict[str, Any]:
    """What an event of a batch inherits."""
    return {key: batch[key] for key in ("sentAt", "receivedAt", "account")}


def test_a_batch_and_its_events_alone_are_the_same_events(run: SmallRun, tmp_path: Path) -> None:
    events = [order(messageId="a"), order(messageId="b", anonymousId=12.5)]
    assert total(run, tmp_path, *events, {"batch": events}) == {"buyers": 2, "n": 2, "revenue": 20}


def test_a_batch_inherits_neither_over_an_events_own_clock_nor_account(run: SmallRun, tmp_path: Path) -> None:
    own = order(messageId="a", sentAt="2026-10-01T12:00:00Z", timestamp="2026-10-01T23:00:00Z")
    batch = {"batch": [own, order(messageId="b", account="other")], "sentAt": "2026-10-05T12:00:00Z"}
    batch |= {"receivedAt": "2026-10-01T12:00:00Z"}
    assert total(run, tmp_path, batch)["n"] == 1
    assert [r.reason for r in run.rejects] == [RejectReason.WRONG_ACCOUNT]


def test_an_event_without_message_id_is_known_by_its_place(run: SmallRun, tmp_path: Path) -> None:
    records = [
        order(messageId=...),
        order(messageId=None),
        order(messageId=""),
        order(messageId={}),
        order(messageId=...),
    ]
    batch = {"batch": [order(messageId=...), order(messageId=...)]}
    for _ in range(2):
        assert total(run, tmp_path, *records, batch)["n"] == 7


def test_numeric_ids_are_their_decimal_text(run: SmallRun, tmp_path: Path) -> None:
    ids = [7, "7", 7.0, 7.5, "7.5", 12345678901234567890, "12345678901234567890", True, "true", 1e3, "1000"]
    records = [order(messageId=f"m{n}", anonymousId=one) for n, one in enumerate(ids)]
    same = [order(messageId=1), order(messageId="1"), order(messageId=1.0)]
    assert total(run, tmp_path, *records, *same) == {"buyers": 6, "n": 12, "revenue": 120}


def test_the_visitor_is_the_first_id_that_is_not_empty(run: SmallRun, tmp_path: Path) -> None:
    ids: list[tuple[Any, Any]] = [(None, "u"), ("", "u"), (..., "u"), ({}, "u"), ([], "u"), ("u", "other"), (" u", "u")]
    records = [order(messageId=f"m{n}", anonymousId=a, userId=u) for n, (a, u) in enumerate(ids)]
    nobody = [order(messageId=f"n{n}", anonymousId=a, userId=u) for n, (a, u) in enumerate([(None, None), (..., "")])]
    assert total(run, tmp_path, *records, *nobody) == {"buyers": 2, "n": 9, "revenue": 90}
    assert run.query("orders.n", from_="2026-10-01", to="2026-10-01")["meta"]["quality"]["no_visitor"] == 2


def test_calls_without_an_event_name_can_be_counted_by_type(tmp_path: Path) -> None:
    metrics = [
        {"id": "pages", "where": {"type": "page"}, "measures": {"n": {"aggregate": "count"}}},
        {"id": "home", "where": {"type": "page", "name": "Home"}, "measures": {"n": {"aggregate": "count"}}},
        {"id": "nameless", "where": {"event": {"$exists": False}}, "measures": {"n": {"aggregate": "count"}}},
        {"id": "odd", "where": {"event": 5}, "measures": {"n": {"aggregate": "count"}}},
        {"id": "all", "where": {}, "measures": {"n": {"aggregate": "count"}}},
    ]
    run = SmallRun(f"sqlite:///{tmp_path}/n.db", write_definitions(tmp_path / "d.yaml", *metrics))
    records = [
        order(messageId="1", type="page", event=..., name="Home"),
        order(messageId="2", type="page", event=None, name="Cart"),
        order(messageId="3", type="identify", event=...),
        order(messageId="4"),
        order(messageId="5", event=5),
        order(messageId="6", event={"a": 1}),
    ]
    run.run(write_lines(tmp_path / "in.jsonl", records))
    [row] = named(run.query(*(m["id"] for m in metrics), from_="2026-10-01", to="2026-10-01")).values()
    assert row == {"pages.n": 2, "home.n": 1, "nameless.n": 3, "odd.n": 1, "all.n": 6}

"""Rejects read again once their cause is gone: the numbers are those that would have been from the start."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.daycount import Shop, daycount, kept_rejects, refusal, write_definitions, write_lines
from tests.support.records import AT, ORDERS, order
from tests.support.redis_feed import RedisFeed
from tests.support.small_runs import SmallRun

DAY = {"from_": "2026-10-01", "to": "2026-10-01"}
LATER = "2026-10-01T18:00:00.000Z"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the store and its rejects are; the input is beside it."""
    (tmp_path / "store").mkdir()
    return tmp_path / "store"


def shop_at(folder: Path, definitions: str) -> Shop:
    return Shop(f"sqlite:///{folder}/numbers.db", definitions)


def words(shop: Shop, *inputs: Any) -> list[str]:
    """Of a run that trusts nobody to be of an account."""
    named = [word for name in inputs for word in ("--input", str(name))]
    return ["run", *named, "--store", shop.store, "--definitions", shop.definitions, "--json", "--rejects-max", "1"]


def run(shop: Shop, *inputs: Any) -> dict[str, Any]:
    done = daycount(*words(shop, *inputs))
    assert (done.returncode, done.stderr) == (0, "")
    summary: dict[str, Any] = json.loads(done.stdout)
    return summary


def push(shop: Shop, folder: Path, account: str) -> None:
    file = write_definitions(folder / f"{account}.yaml", ORDERS, account=account)
    assert daycount("define", "push", file, "--definitions", shop.definitions).returncode == 0


def answer(shop: Shop, account: str) -> dict[str, Any]:
    """All numbers of the day, and how many of its events came twice and too late."""
    body = SmallRun(shop.store, shop.definitions, account).query("orders", **DAY, dimensions="context.location.country")
    return {"results": body["results"], "no_visitor": body["meta"]["quality"]["no_visitor"]}


def rejected(shop: Shop, account: str) -> int:
    body = SmallRun(shop.store, shop.definitions, account).query("orders", date_range="all")
    n: int = body["meta"]["quality"]["rejected"]
    return n


def of_two_accounts() -> list[dict[str, Any]]:
    """Events of the same visitors, some without an id of their own, some in batches."""
    nameless = [order(messageId=..., anonymousId=f"v{n}", timestamp=LATER, country="FR") for n in range(6)]
    named = [order(messageId=f"m{n}", anonymousId=f"v{n % 4}") for n in range(12)]
    events = [{**event, "account": account} for account in ("shop", "zeta") for event in (*nameless, *named)]
    return [*events, {"account": "zeta", "batch": nameless}, {"batch": [{**e, "account": "zeta"} for e in nameless]}]


def test_an_account_pushed_later_is_counted_as_if_it_had_been_there_from_the_start(
    folder: Path, tmp_path: Path, redis_url: str
) -> None:
    shop, file = shop_at(folder, redis_url), write_lines(tmp_path / "in.jsonl", of_two_accounts())
    push(shop, tmp_path, "shop")
    assert run(shop, file)["rejects"] == {"unknown_account": 18 + 1 + 6}  # a batch of an account is rejected whole
    push(shop, tmp_path, "zeta")
    rejects = folder / "numbers.db.rejects.jsonl"
    kept = rejects.read_bytes()

    (tmp_path / "right").mkdir()
    right = shop_at(tmp_path / "right", redis_url)
    run(right, file)
    expected = {account: answer(right, account) for account in ("shop", "zeta")}
    for _ in range(2):
        replayed = run(shop, rejects)
        assert (replayed["events"], replayed["rejects"]) == (18 + 6 + 6, {})
        assert {account: answer(shop, account) for account in ("shop", "zeta")} == expected
    assert run(shop, file)["duplicates"] == 18 + 18 + 6 + 6
    assert {account: answer(shop, account) for account in ("shop", "zeta")} == expected
    assert rejects.read_bytes() == kept


def test_records_mended_by_hand_count_and_what_was_rejected_stays_counted_as_such(folder: Path, tmp_path: Path) -> None:
    shop = shop_at(folder, write_definitions(tmp_path / "d.yaml", ORDERS))
    bad = [order(messageId=..., timestamp="yesterday", account="shop", total=n) for n in (1, 2)]
    never = order(messageId="never", timestamp="never", account="shop")
    file = write_lines(tmp_path / "in.jsonl", [order(account="shop"), *bad, never])
    assert run(shop, file)["rejects"] == {"bad_timestamp": 3}
    rejects = folder / "numbers.db.rejects.jsonl"
    rejects.write_text(rejects.read_text().replace("yesterday", AT))
    for _ in range(2):
        replayed = run(shop, rejects)
        assert (replayed["events"], replayed["rejects"]) == (2, {"bad_timestamp": 1})
        [row] = SmallRun(shop.store, shop.definitions).query("orders", **DAY)["results"]
        assert row["metrics"] == [1, 3, 13]
        assert rejected(shop, "shop") == 3
    again = kept_rejects(folder / "numbers.db.rejects.again.jsonl")
    [first] = [k for k in kept_rejects(rejects) if k["source"] == again[0]["source"]]
    assert [{**k, "cause": ""} for k in again] == [{**first, "cause": ""}] * 2


def test_what_a_source_vouched_for_holds_when_rejects_come_again(folder: Path, tmp_path: Path, redis_url: str) -> None:
    shop = shop_at(folder, redis_url)
    push(shop, tmp_path, "shop")
    feed = RedisFeed(redis_url)
    feed.send(json.dumps(order(timestamp="?")).encode(), account="shop")
    feed.send(json.dumps(order(messageId=...)).encode(), account="zeta")
    feed.close()
    place = f"{redis_url}?stream=rejects"
    done = daycount(*words(shop, feed.url), "--rejects", place)
    assert json.loads(done.stdout)["rejects"] == {"bad_timestamp": 1, "unknown_account": 1}, done.stderr
    push(shop, tmp_path, "zeta")
    trusted = daycount(*words(shop, f"{place}&group=trusted"), "--account", "shop")
    assert json.loads(trusted.stdout)["rejects"] == {"bad_timestamp": 1, "wrong_account": 1}, trusted.stderr
    assert run(shop, place)["events"] == 1
    [row] = SmallRun(shop.store, shop.definitions, "zeta").query("orders", **DAY)["results"]
    assert row["metrics"] == [1, 1, 10]


def test_the_rejects_of_a_run_are_no_input_of_a_glob_and_are_never_written_into_what_is_read(
    folder: Path, tmp_path: Path
) -> None:
    shop = shop_at(folder, write_definitions(tmp_path / "d.yaml", ORDERS))
    write_lines(folder / "in.jsonl", [order(account="shop"), b"no json"])
    for _ in range(2):
        summary = run(shop, folder / "*.jsonl")
        assert (summary["events"], summary["rejects"]) == (1, {"not_json": 1})
    rejects = folder / "numbers.db.rejects.jsonl"
    line = refusal(daycount(*words(shop, rejects), "--rejects", str(folder / "." / rejects.name)))
    assert "it is read as --input; name another" in line
    (folder / "in.jsonl").unlink()
    assert f"only {rejects} is there, where rejects are kept" in refusal(daycount(*words(shop, folder / "*.jsonl")))


def test_a_rejects_file_torn_by_a_kill_is_read_with_one_reject_more(folder: Path, tmp_path: Path) -> None:
    shop = shop_at(folder, write_definitions(tmp_path / "d.yaml", ORDERS))
    rejects = folder / "numbers.db.rejects.jsonl"
    rejects.write_bytes(b'{"stage":"decode","reason":"not_json","cause":"')
    run(shop, write_lines(tmp_path / "in.jsonl", [order(account="zeta")]))
    write_definitions(tmp_path / "d.yaml", ORDERS, account="zeta")
    replayed = run(shop, rejects)
    assert (replayed["events"], replayed["rejects"]) == (1, {"not_json": 1})

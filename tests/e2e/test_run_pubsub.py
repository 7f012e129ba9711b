"""A Pub/Sub subscription counted by real processes that are killed and stalled: exact, and nothing is left."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count, islice
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.model.errors import UsageError
from pipeline.store import open_store
from tests.support.daycount import Shop, daycount, kept_rejects, refusal, write_definitions
from tests.support.live_run import PATIENCE_S, LiveRun, live_runs
from tests.support.pubsub_emulator import PubSubEmulator, pubsub_emulator, pubsub_host
from tests.support.pubsub_feed import PROJECT, PubSubFeed
from tests.support.records import AT, ORDERS, order
from tests.support.small_runs import SmallRun

__all__ = ["pubsub_emulator", "pubsub_host"]

ACK_DEADLINE_S = 3  # the service takes no less than 10 s, its emulator does
UNHURRIED_S = 10  # where each delivery is counted: nothing comes again because the machine is busy
EVENTS, VISITORS = 6_000, 500
WHOLE = [VISITORS, EVENTS, 10 * EVENTS]
DAY = {"from_": "2026-10-01", "to": "2026-10-01"}


@pytest.fixture
def feed(request: pytest.FixtureRequest, pubsub_host: str) -> Iterator[PubSubFeed]:
    with closing(PubSubFeed(pubsub_host, ack_deadline_s=getattr(request, "param", ACK_DEADLINE_S))) as feed:
        yield feed


unhurried = pytest.mark.parametrize("feed", [UNHURRIED_S], indirect=True)


@pytest.fixture
def shop(tmp_path: Path, pubsub_host: str) -> Shop:
    here = {"PUBSUB_EMULATOR_HOST": pubsub_host}
    return Shop(f"sqlite:///{tmp_path}/numbers.db", write_definitions(tmp_path / "d.yaml", ORDERS), environment=here)


@pytest.fixture
def begin(shop: Shop, tmp_path: Path) -> Iterator[Callable[..., LiveRun]]:
    with live_runs(shop, tmp_path) as begin:
        yield begin


def heads(shop: Shop) -> object:
    """What has been committed, by shard."""
    try:
        with closing(open_store(shop.store)) as store:
            return store.scan("shards", b"")
    except UsageError:
        return None  # not made yet


def nothing_is_left(feed: PubSubFeed) -> bool:
    """Also after the time in which what was taken and not acknowledged comes again."""
    return feed.pull(feed.ack_deadline_s + 1) == []


def test_events_are_exact_through_kills_a_stall_and_doubled_messages(
    feed: PubSubFeed, shop: Shop, begin: Callable[..., LiveRun], pubsub_emulator: PubSubEmulator
) -> None:
    events = [json.dumps(event).encode() for event in islice(some_orders(), EVENTS)]
    feed.send(*events[::10], account="shop")
    for part in (events[::2], events[1::2]):
        before = heads(shop)
        run = begin(feed.url)
        feed.send(*part, account="shop")
        run.until(lambda before=before: heads(shop) not in (None, before))
        run.kill()
    run = begin(feed.url)
    feed.send(*events[::10], account="shop")
    before = heads(shop)
    run.until(lambda: heads(shop) != before or counted(shop) == WHOLE)
    with pubsub_emulator.paused():
        time.sleep(ACK_DEADLINE_S + 1)  # leases lapse meanwhile
    run.until(lambda: counted(shop) == WHOLE)
    summary = run.end()
    assert summary["rejects"] == {} and summary["backlog"] is None
    # What a killed run had counted and not acknowledged comes again when its leases are over, be it only now; so does, on a
    # busy machine, what was sent twice and not taken yet, or acknowledged too late.
    until = time.monotonic() + PATIENCE_S
    while not nothing_is_left(feed):
        assert time.monotonic() < until
        again = summary_of(shop, feed.url)
        assert again["rejects"] == {} and again["events"] == again["duplicates"]
    assert counted(shop) == WHOLE


def some_orders() -> Iterator[dict[str, Any]]:
    return (order(messageId=f"m{n}", anonymousId=f"v{n % VISITORS}") for n in count())


def counted(shop: Shop, account: str = "shop") -> list[int] | None:
    """(buyers, orders, revenue); None before there is anything."""
    try:
        [row] = SmallRun(shop.store, shop.definitions, account).query("orders", **DAY)["results"]
    except UsageError:
        return None
    found: list[int] = row["metrics"]
    return found


def words(shop: Shop, source: object, *more: str) -> list[str]:
    """Of a run whose records' accounts are those that they come with."""
    places = ("--store", shop.store, "--definitions", shop.definitions)
    return ["run", "--input", str(source), *places, "--json", *more]


def summary_of(shop: Shop, source: object, *more: str) -> dict[str, Any]:
    done = daycount(*words(shop, source, *more), environment=shop.environment)
    assert (done.returncode, done.stderr) == (0, "")
    summary: dict[str, Any] = json.loads(done.stdout)
    return summary


def define(shop: Shop, *accounts: str) -> None:
    """The same metric for each."""
    documents = [{"account": account, "metrics": [ORDERS]} for account in accounts]
    Path(shop.definitions).write_text(yaml.safe_dump_all(documents))


@unhurried
def test_messages_are_of_the_account_that_their_attribute_names_and_known_by_their_id(
    feed: PubSubFeed, shop: Shop, tmp_path: Path
) -> None:
    other = feed.subscribe(f"{feed.topic.rpartition('/')[2]}-other", UNHURRIED_S)
    define(shop, "shop", "zeta")
    nameless = json.dumps(order(messageId=...)).encode()
    feed.send(*[nameless] * 3, account="shop")
    feed.send(nameless, json.dumps(order(account="zeta")).encode(), account="zeta")
    feed.send(json.dumps(order(account="shop", messageId="self")).encode())
    rejected = {
        "wrong_account": (nameless.replace(b"{", b'{"account":"zeta",', 1), "shop"),
        "not_json": (b"", "shop"),
        "no_account": (nameless, None),
        "unknown_account": (b"{}", "absent"),
    }
    for record, account in rejected.values():
        feed.send(record, account=account)
    places = {f"pubsub@{message}": reason for message, reason in zip(feed.ids[-4:], rejected, strict=True)}

    summary = summary_of(shop, feed.url)
    assert (summary["events"], summary["rejects"]) == (6, {reason: 1 for reason in sorted(rejected)})
    kept = kept_rejects(tmp_path / "numbers.db.rejects.jsonl")
    assert {k["source"]: k["reason"] for k in kept} == places
    again = summary_of(shop, other)
    assert (again["events"], again["duplicates"]) == (6, 6)
    assert (counted(shop), counted(shop, "zeta")) == ([1, 4, 40], [1, 2, 20])
    assert nothing_is_left(feed)


@unhurried
def test_rejects_in_a_topic_come_again_from_its_subscription_once_their_cause_is_gone(
    feed: PubSubFeed, shop: Shop, tmp_path: Path, pubsub_host: str
) -> None:
    feed.send(*[json.dumps(order(messageId=..., anonymousId=f"v{n}")).encode() for n in range(5)], account="zeta")
    feed.send(json.dumps(order(timestamp="?")).encode(), account="shop")
    feed.send(json.dumps(order(messageId="good")).encode(), account="shop")
    left = tmp_path / "left.jsonl"
    with closing(PubSubFeed(pubsub_host, ack_deadline_s=UNHURRIED_S)) as kept:
        at_first = summary_of(shop, feed.url, "--rejects", kept.topic_url)
        assert at_first["rejects"] == {"bad_timestamp": 1, "unknown_account": 5}
        define(shop, "shop", "zeta")
        replayed = summary_of(shop, kept.url, "--rejects", str(left))
        assert (replayed["events"], replayed["rejects"]) == (5, {"bad_timestamp": 1})
        assert nothing_is_left(kept)
    left.write_bytes(left.read_bytes().replace(rb"\"?\"", rf"\"{AT}\"".encode()))
    for _ in range(2):
        summary_of(shop, left)
        assert (counted(shop), counted(shop, "zeta")) == ([1, 2, 20], [5, 5, 50])


@unhurried
def test_a_run_that_follows_waits_until_rejects_can_be_kept_and_acknowledges_nothing_before(
    feed: PubSubFeed, shop: Shop, begin: Callable[..., LiveRun], tmp_path: Path
) -> None:
    place, kept = tmp_path / "place", tmp_path / "kept.jsonl"
    place.symlink_to("/dev/full")
    run = begin(feed.url, words=("--rejects", str(place)))
    feed.send(b"no json", account="shop")
    run.until(lambda: f"waiting: rejects can't be kept in {place} (No space left on device)" in run.said())
    (tmp_path / "other").symlink_to(kept)
    (tmp_path / "other").rename(place)
    run.until(kept.exists)
    assert run.end()["rejects"] == {"not_json": 1}
    assert [k["raw"] for k in kept_rejects(kept)] == ["no json"]
    assert nothing_is_left(feed)


def test_rejects_that_can_not_be_kept_end_a_run_with_one_line(feed: PubSubFeed, shop: Shop) -> None:
    feed.send(b"no json", account="shop")
    done = daycount(*shop.run_words(feed.url), "--rejects", "/dev/full", environment=shop.environment)
    assert "rejects can't be kept in /dev/full (No space left on device); mend that, or name another" in refusal(done, 1)
    assert [m.data for m in feed.pull(ACK_DEADLINE_S + 30)] == [b"no json"]


@pytest.mark.parametrize(
    ("host", "says"),
    [(None, "Subscription does not exist; create it"), ("127.0.0.1:1", "start the emulator at 127.0.0.1:1")],
)
def test_what_can_not_be_pulled_is_refused_with_one_line(shop: Shop, host: str | None, says: str) -> None:
    there = {"PUBSUB_EMULATOR_HOST": host} if host else shop.environment
    assert says in refusal(daycount(*shop.run_words(f"pubsub://{PROJECT}/absent"), environment=there))

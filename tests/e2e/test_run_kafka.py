"""A Kafka topic counted by real processes that are killed, share a group, and lose their broker: exact, nothing is left."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.daycount import Shop, daycount, kept_rejects, refusal
from tests.support.kafka_broker import KafkaBroker, kafka_broker
from tests.support.kafka_feed import KafkaFeed
from tests.support.live_run import LiveRun, begin, counter_rows
from tests.support.retail import DEFINITIONS, check_everything, retail_lines
from tests.support.small_runs import SmallRun

__all__ = ["begin", "kafka_broker"]

PARTITIONS = 4
SESSION = "session.timeout.ms=3000"  # so soon a killed run's partitions are given to the next
UNHURRIED = "session.timeout.ms=60000"  # where none is killed: no run loses its partitions because the machine is busy


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(f"sqlite:///{tmp_path}/numbers.db", DEFINITIONS)


@pytest.fixture
def feed(request: pytest.FixtureRequest, kafka_broker: KafkaBroker) -> Iterator[KafkaFeed]:
    with closing(KafkaFeed(kafka_broker.host, PARTITIONS, getattr(request, "param", SESSION))) as feed:
        yield feed


unhurried = pytest.mark.parametrize("feed", [UNHURRIED], indirect=True, ids=["unhurried"])


def check(shop: Shop) -> None:
    check_everything(SmallRun(shop.store, shop.definitions, "shop").query)


@unhurried
def test_a_month_is_exact_with_every_tenth_record_doubled_and_the_backlog_ends_at_nothing(
    feed: KafkaFeed, shop: Shop
) -> None:
    lines = retail_lines()
    feed.send(*lines[::10], *lines, account="shop")
    done = daycount("run", "--input", feed.url, "--store", shop.store, "--definitions", shop.definitions, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    summary = json.loads(done.stdout)
    assert summary["events"] == len(lines) + len(lines[::10])
    assert summary["backlog"] == {"amount": 0, "unit": "records"}
    assert summary["rejects"] == {} and not summary["interrupted"]
    assert feed.is_counted()
    check(shop)


def test_runs_killed_with_records_in_work_are_made_whole_by_the_next(
    feed: KafkaFeed, shop: Shop, begin: Callable[..., LiveRun]
) -> None:
    lines = retail_lines()
    feed.send(*lines[1::2])
    moments = {
        "committed": lambda: counter_rows(shop) > 0,
        "some acknowledged": lambda: max(feed.committed()) > 0,
    }
    for moment in moments.values():
        run = begin(feed.url)
        run.until(moment)
        run.kill()
    run = begin(feed.url)
    feed.send(*lines[::2], *lines[::7])
    run.until(feed.is_counted)
    assert run.end()["resumed"]
    check(shop)


def test_runs_at_once_that_come_and_go_share_a_group_and_are_exact(
    feed: KafkaFeed, shop: Shop, begin: Callable[..., LiveRun]
) -> None:
    lines = retail_lines()
    parts = [lines[n::5] for n in range(5)]
    other = begin(f"{feed.url}&group=other")
    first = begin(feed.url)
    feed.send(*parts[0])
    first.until(lambda: max(feed.committed()) > 0)
    second = begin(feed.url)  # takes partitions over while the first has records of them in work
    feed.send(*parts[1], *parts[0][::3])
    second.until(feed.is_counted)
    feed.send(*parts[2])
    first.kill()
    feed.send(*parts[3])
    third = begin(feed.url)
    feed.send(*parts[4])
    for group in ("daycount", "other"):
        third.until(lambda group=group: feed.is_counted(group))
    assert second.end()["events"] > 0
    assert other.end()["events"] >= len(lines)
    third.end()
    check(shop)


def test_a_broker_that_ends_and_comes_back_loses_nothing(
    kafka_broker: KafkaBroker, feed: KafkaFeed, shop: Shop, begin: Callable[..., LiveRun]
) -> None:
    lines = retail_lines()
    run = begin(feed.url)
    feed.send(*lines[::2])
    run.until(lambda: counter_rows(shop) > 0)
    kafka_broker.stop()
    run.until(lambda: "waiting for the input: topic" in run.said())
    kafka_broker.start()
    feed.send(*lines[1::2])
    run.until(feed.is_counted)
    assert run.end()["events"] >= len(lines)
    check(shop)


@unhurried
def test_records_that_are_none_of_their_account_are_rejected_and_done_with(
    feed: KafkaFeed, shop: Shop, tmp_path: Path
) -> None:
    feed.produce([b"", None, b"\xff", b"[]"], [("account", b"shop")], partition=2)
    feed.send(b'{"account":"other"}', account="shop")
    feed.send(b"{}", account="no such account")
    feed.send(b"{}")
    words = ["run", "--input", feed.url, "--store", shop.store, "--definitions", shop.definitions, "--rejects-max", "1"]
    done = daycount(*words)
    assert (done.returncode, done.stderr) == (0, "")
    kept = kept_rejects(tmp_path / "numbers.db.rejects.jsonl")
    reasons = ["no_account", "not_an_object", "not_json", "not_json", "not_json", "unknown_account", "wrong_account"]
    assert sorted(reject["reason"] for reject in kept) == reasons
    assert {f"{feed.topic}/2@{n}" for n in range(4)} <= {reject["source"] for reject in kept}
    assert feed.is_counted()


def test_what_can_not_be_read_is_refused_with_one_line(kafka_broker: KafkaBroker, shop: Shop) -> None:
    for url, says in {
        f"kafka://{kafka_broker.host}/absent": "create it, or correct the name",
        "kafka://user:secret@127.0.0.1:1/events": "cannot be reached",
        "kafka://user:secret@127.0.0.1:1/": "write kafka://HOST:PORT/TOPIC",
    }.items():
        line = refusal(daycount(*shop.run_words(url)))
        assert says in line and "secret" not in line

"""Jobs on Prism, as people run streaming on one machine: streams in, definitions that change, an engine that is killed."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from pathlib import Path
from typing import Any

import pytest

from pipeline.store import open_store
from tests.support.daycount import Shop, daycount, line_of, push, refusal
from tests.support.engine_jobs import MonthOnEngine, as_words
from tests.support.live_run import LiveRun, begin, live_runs
from tests.support.prism import Prism, local_prism_options
from tests.support.pubsub_emulator import pubsub_emulator, pubsub_host
from tests.support.pubsub_feed import PubSubFeed
from tests.support.records import ORDERS, order, orders
from tests.support.redis_feed import RedisFeed, feed
from tests.support.small_runs import SmallRun

__all__ = ["begin", "feed", "pubsub_emulator", "pubsub_host"]

DAY = {"from_": "2026-10-01", "to": "2026-10-01"}
LATER = {**ORDERS, "id": "later", "measures": {"n": {"aggregate": "count"}}, "breakdowns": []}
EVENTS, VISITORS, A_BATCH = 3_000, 200, 100
A_WHILE_S = 3.0  # longer than a message is held that was taken and not acknowledged
SOON = timedelta(seconds=60)


def test_a_month_is_exact_though_the_engine_is_killed_with_all_it_holds(redis_url: str, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/numbers.db"
    places = iter([tmp_path / "first", tmp_path / "second"])
    with MonthOnEngine(redis_url, store, tmp_path) as month:
        parts = month.parts(2)
        with closing(prism_in(next(places))) as prism:
            run = month.begin(*as_words(prism.beam_options()))
            next(parts)
            run.until(lambda: month.acknowledged() > 0)
        run.kill()
        next(parts)
        with closing(prism_in(next(places))) as prism:
            run = month.begin(*as_words(prism.beam_options()))
            run.until(month.done)
        month.check()


def prism_in(folder: Path) -> Prism:
    folder.mkdir()
    return Prism(folder)


@pytest.fixture
def shop(redis_url: str, tmp_path: Path) -> Shop:
    extra = ("--refresh-s", "0.2", "--rejects", f"{tmp_path}/rejects.jsonl", *as_words(local_prism_options()))
    shop = Shop(f"sqlite:///{tmp_path}/numbers.db", redis_url, extra=extra)
    push(shop, tmp_path, ORDERS)
    open_store(shop.store, create=True).close()  # so that it can be asked at once
    return shop


def answer(shop: Shop, *metrics: str) -> dict[str, Any]:
    return SmallRun(shop.store, shop.definitions).query(*metrics, **DAY)


def counted(shop: Shop, *metrics: str) -> list[int]:
    found: list[int] = answer(shop, *metrics)["results"][0]["metrics"]
    return found


def test_a_metric_pushed_meanwhile_counts_what_comes_from_then_on(
    feed: RedisFeed, shop: Shop, begin: Callable[..., LiveRun], tmp_path: Path
) -> None:
    run, sent = begin(feed.url), orders()
    feed.send(*(line_of(next(sent)) for _ in range(A_BATCH)))
    run.until(lambda: counted(shop, "orders.n") == [A_BATCH])
    push(shop, tmp_path, ORDERS, LATER)
    run.until(lambda: answer(shop, "later.n")["meta"]["metrics"]["later"]["since"] is not None)
    alone = [A_BATCH]
    while counted(shop, "later.n") == [0]:  # it is in force since some order of now
        feed.send(line_of(next(sent)))
        alone[0] += 1
        run.until(lambda: counted(shop, "orders.n") == alone)
    feed.send(*(line_of(next(sent)) for _ in range(A_BATCH)))
    run.until(lambda: counted(shop, "orders.n", "later.n") == [alone[0] + A_BATCH, 1 + A_BATCH])
    assert run.end()["interrupted"]


def test_broken_records_are_kept_and_done_with_and_the_answer_says_how_far_it_is_complete(
    feed: RedisFeed, shop: Shop, begin: Callable[..., LiveRun], tmp_path: Path
) -> None:
    run, began = begin(feed.url), datetime.now(UTC)
    feed.send(b"{broken", line_of(order()), b"\xff\x00", account="shop")
    sent = datetime.now(UTC)
    run.until(lambda: until(shop) > sent)
    assert until(shop) < datetime.now(UTC) + SOON
    assert counted(shop, "orders.n") == [1]
    assert feed.pending() == 0
    kept = [json.loads(line) for line in (tmp_path / "rejects.jsonl").read_bytes().splitlines()]
    assert [reject["reason"] for reject in kept] == ["not_json", "not_json"]
    days = {"from_": str(began.date()), "to": str(datetime.now(UTC).date())}  # that is when they came
    quality = SmallRun(shop.store, shop.definitions).query("orders.n", **days)["meta"]["quality"]
    assert quality["rejected"] == 2


def until(shop: Shop) -> datetime:
    """How far the numbers are said to be complete."""
    said = answer(shop, "orders.n")["meta"]["complete_until"]
    return datetime.fromisoformat(said or "1970-01-01T00:00:00Z")


def test_a_subscription_is_exact_with_doubled_messages_and_nothing_is_left(
    pubsub_host: str, shop: Shop, tmp_path: Path
) -> None:
    here = {"PUBSUB_EMULATOR_HOST": pubsub_host}
    shop = Shop(shop.store, shop.definitions, extra=shop.extra, environment=here)
    some = (order(messageId=f"m{n}", anonymousId=f"v{n % VISITORS}") for n in count())
    events = [line_of(event) for event in islice(some, EVENTS)]
    with closing(PubSubFeed(pubsub_host)) as feed, live_runs(shop, tmp_path) as begin:
        run = begin(feed.url)
        feed.send(*events, *events[::10], account="shop")
        run.until(lambda: counted(shop, "orders") == [VISITORS, EVENTS, 10 * EVENTS])
        run.until(lambda: feed.pull(A_WHILE_S) == [])  # what came twice is acknowledged as well
        run.end()
        assert feed.pull(A_WHILE_S) == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--input", "events.jsonl", "--follow"], "engines read streams without end"),
        (["--input", "redis://127.0.0.1:1/0?stream=s", "--follow"], "127.0.0.1:1"),
        (["--input", "{redis}?stream=s"], "add --follow"),
        (["--input", "{redis}?stream=s", "--follow", "--workers", "2"], "--workers"),
        (["--input", "{redis}?stream=s", "--follow", "--rejects-max", "0.1"], "watch its counters rejected.*"),
        (["--input", "{redis}?stream=s", "--runner", "prismrunner"], "PrismRunner reads streams without end"),
        (["--input", "{redis}?stream=s", "--follow", "--prism_location", "/nowhere"], "PrismRunner"),
    ],
)
def test_what_no_engine_takes_is_refused_in_a_line(
    words: list[str], says: str, shop: Shop, redis_url: str, tmp_path: Path
) -> None:
    (tmp_path / "events.jsonl").write_bytes(b"")
    given = [word.replace("{redis}", redis_url).replace("events.jsonl", f"{tmp_path}/events.jsonl") for word in words]
    done = daycount("run", "--store", shop.store, "--definitions", shop.definitions, *shop.extra, *given)
    assert says in refusal(done)

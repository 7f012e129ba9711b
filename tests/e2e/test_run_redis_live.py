"""Following a stream while things change: an event is readable at once, definitions are taken as they are pushed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.model.errors import UsageError
from tests.support.daycount import Shop, line_of, push
from tests.support.live_run import LiveRun, begin
from tests.support.records import ORDERS, order, orders
from tests.support.redis_feed import STREAM, RedisFeed, feed
from tests.support.small_runs import SmallRun

__all__ = ["begin", "feed"]

DAY = {"from_": "2026-10-01", "to": "2026-10-01"}
LATER = {**ORDERS, "id": "later", "measures": {"n": {"aggregate": "count"}}}
A_BATCH = 200


@pytest.fixture
def shop(tmp_path: Path, redis_url: str) -> Shop:
    shop = Shop(f"sqlite:///{tmp_path}/numbers.db", redis_url, extra=("--refresh-s", "0.1"))
    push(shop, tmp_path, ORDERS)
    return shop


def number(shop: Shop, name: str) -> int | None:
    """What a reader is told now; None before the metric is in force."""
    try:
        body = SmallRun(shop.store, shop.definitions).query(name, **DAY)
    except UsageError:
        return None  # no store yet
    [metric] = body["meta"]["metrics"].values()
    n: int = body["results"][0]["metrics"][0]
    return None if metric["since"] is None else n


def test_events_are_readable_as_they_come_and_the_progress_line_says_so(
    feed: RedisFeed, shop: Shop, begin: Callable[..., LiveRun]
) -> None:
    run, sent = begin(feed.url), orders()
    for n in range(1, 6):
        feed.send(line_of(next(sent)))
        run.until(lambda n=n: number(shop, "orders.n") == n)
    run.until(lambda: "5 events" in run.said() and "backlog 0 records" in run.said())  # a line every ten seconds
    summary = run.end()
    assert (summary["events"], summary["backlog"]) == (5, {"amount": 0, "unit": "records"})


def test_a_metric_pushed_meanwhile_counts_what_comes_from_then_on(
    feed: RedisFeed, shop: Shop, begin: Callable[..., LiveRun], tmp_path: Path
) -> None:
    run, sent = begin(feed.url), orders()
    feed.send(*(line_of(next(sent)) for _ in range(A_BATCH)))
    run.until(lambda: feed_is_counted(feed))
    push(shop, tmp_path, ORDERS, LATER)
    run.until(lambda: knocked(feed) and number(shop, "later.n") == 0)
    feed.send(*(line_of(next(sent)) for _ in range(A_BATCH)))
    run.until(lambda: feed_is_counted(feed))
    run.end()
    assert number(shop, "later.n") == A_BATCH
    assert number(shop, "orders.n") == 2 * A_BATCH


def knocked(feed: RedisFeed) -> bool:
    """An event that no metric counts: definitions are taken with the next records that come."""
    feed.send(json.dumps(order(event="Knock", messageId=...)).encode())
    return True


def feed_is_counted(feed: RedisFeed) -> bool:
    [group] = feed.client.xinfo_groups(STREAM) or [{"lag": None, "pending": 0}]
    return (group["lag"], group["pending"]) == (0, 0)

"""A Redis Stream's takers and acknowledger on an engine: what is lost comes again, what is counted does not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.model.errors import UsageError
from pipeline.streaming import redis as streams
from pipeline.streaming.redis import Consumer, EntryAcknowledger, check
from pipeline.streaming.taken import Taken
from tests.support.redis_feed import STREAM, RedisFeed, feed
from tests.support.redis_restarts import RestartedRedis
from tests.support.redis_server import redis_server_url, redis_url

__all__ = ["feed", "redis_server_url", "redis_url"]

PATIENCE_S = 30.0


@pytest.fixture
def own(tmp_path: Path) -> Iterator[RestartedRedis]:
    server = RestartedRedis(tmp_path / "redis")
    yield server
    server.stop()


def take(consumer: Consumer, records: int) -> list[Taken]:
    """So many records more."""
    found, until = list[Taken](), time.monotonic() + PATIENCE_S
    while sum(len(taken.receipt.ids) for taken in found) < records:
        found += consumer.take()[0]
        assert time.monotonic() < until
    return found


def ids_of(given: list[Taken]) -> list[str]:
    return [one for taken in given for one in taken.receipt.ids]


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end


def test_what_was_taken_and_not_acknowledged_comes_again_when_the_engine_has_gone_back(feed: RedisFeed) -> None:
    check(feed.url)
    feed.send(b"1", b"2", b"3")
    consumer = Consumer(feed.url, 0, 1)
    ids = ids_of(take(consumer, 3))
    consumer.begin_again()
    assert ids_of(take(consumer, 3)) == ids
    with closing(EntryAcknowledger(feed.url)) as acknowledger:
        assert acknowledger.acknowledge(ids[:2]) is None
        assert acknowledger.acknowledge(ids[:2]) is None, "a second time is harmless"
    consumer.begin_again()
    assert ids_of(take(consumer, 1)) == ids[2:]
    assert consumer.take()[0] == []


def test_another_process_with_the_consumers_number_takes_up_what_is_pending(feed: RedisFeed) -> None:
    check(feed.url)
    feed.send(b"1", b"2")
    ids = ids_of(take(Consumer(feed.url, 0, 1), 2))
    assert ids_of(take(Consumer(feed.url, 0, 1), 2)) == ids
    assert Consumer(feed.url, 0, 2).take()[0] == [], "not that of another number"


def test_an_outage_is_waited_out_by_takers_and_told_by_acknowledgers_and_loses_nothing(own: RestartedRedis) -> None:
    with closing(RedisFeed(own.url)) as feed:
        check(feed.url)
        feed.send(b"1", b"2")
        consumer = Consumer(feed.url, 0, 1)
        ids = ids_of(take(consumer, 2))
        with closing(EntryAcknowledger(feed.url)) as acknowledger:
            own.stop()
            assert consumer.take() == ([], streams.AWAY_S)
            assert "Redis at 127.0.0.1" in (acknowledger.acknowledge(ids) or "")
            own.start()
            assert ids_of(take(consumer, 2)) == ids
            until(lambda: acknowledger.acknowledge(ids) is None)
        assert feed.pending() == 0


def test_many_are_acknowledged_in_commands_of_a_bounded_size(feed: RedisFeed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "IDS_MAX", 10)
    check(feed.url)
    feed.send(*[b"x"] * 25)
    consumer = Consumer(feed.url, 0, 1)
    ids = ids_of(take(consumer, 25))
    with closing(EntryAcknowledger(feed.url)) as acknowledger:
        assert acknowledger.acknowledge(ids) is None
    assert feed.pending() == 0


def test_what_is_no_stream_is_refused_and_looking_twice_changes_nothing(feed: RedisFeed) -> None:
    check(feed.url)
    check(feed.url)
    assert len(feed.client.xinfo_groups(STREAM)) == 1
    feed.client.set("text", "x")
    with pytest.raises(UsageError, match="no stream"):
        check(feed.url.replace(f"stream={STREAM}", "stream=text"))

"""How far the numbers are complete, as a job says it: never beyond what isn't counted; an outage leaves what was said."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.model import layout
from pipeline.sources.redis_group import Group
from pipeline.sources.redis_url import StreamUrl
from pipeline.store import open_store
from pipeline.streaming.complete import TellComplete
from pipeline.streaming.setup import EngineSetup
from tests.support.faulty_store import Action, Fault, FaultyStore, When, scripted
from tests.support.redis_feed import STREAM, RedisFeed
from tests.support.redis_restarts import RestartedRedis


@pytest.fixture
def own(tmp_path: Path) -> Iterator[RestartedRedis]:
    server = RestartedRedis(tmp_path / "redis")
    yield server
    server.stop()


@pytest.fixture
def feed(own: RestartedRedis) -> Iterator[RedisFeed]:
    with closing(RedisFeed(own.url)) as feed:
        yield feed


@pytest.fixture
def step(feed: RedisFeed, tmp_path: Path) -> Iterator[TellComplete]:
    store = f"sqlite:///{tmp_path}/numbers.db"
    open_store(store, create=True).close()
    # Never too soon after the last time.
    step = TellComplete([feed.url], EngineSetup(store, feed.url, refresh_s=0, account=None, dedup_days=7, held_bytes_max=0))
    step.setup()
    yield step
    step.teardown()


def said(step: TellComplete) -> datetime | None:
    """What a reader finds."""
    cells = dict(step._store.read("meta", [layout.META_COMPLETE]).get(layout.META_COMPLETE, ()))
    return datetime.fromisoformat(cells[b"until"].decode()) if cells else None


def added_at(entry: bytes) -> datetime:
    return datetime.fromtimestamp(int(entry.split(b"-")[0]) / 1000, UTC)


def test_it_is_told_up_to_what_is_not_counted_and_an_outage_of_redis_leaves_it(
    step: TellComplete, feed: RedisFeed, own: RestartedRedis
) -> None:
    with closing(Group(StreamUrl.parse(feed.url))) as group:
        group.make()
        first, second = feed.client.xadd(STREAM, {"data": b"{}"}), feed.client.xadd(STREAM, {"data": b"{}"})
        group.new(10)
        step.process(0)
        until = said(step)
        assert until is not None and until <= added_at(first)
        group.acknowledge([first])
        step.process(0)
        assert added_at(first) <= (said(step) or until) <= added_at(second)
        group.acknowledge([second])
    step.process(0)
    until = said(step)
    assert until is not None and until >= added_at(second)
    own.stop()
    step.process(0)
    assert said(step) == until


@pytest.mark.parametrize("when", [When.BEFORE, When.AFTER])
def test_a_store_that_is_away_is_told_at_the_next_tick(step: TellComplete, feed: RedisFeed, when: When) -> None:
    with closing(Group(StreamUrl.parse(feed.url))) as group:
        group.make()
    plan = scripted(put_meta=[Fault(when, Action.FAIL)])
    step._store = FaultyStore(step._store, plan)
    step.process(0)
    first = said(step)
    assert (first is None) == (when is When.BEFORE)
    step.process(0)
    assert said(step) is not None and (first is None or said(step) >= first)

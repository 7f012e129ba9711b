"""Definitions on engines: the newest of what a side input shows, in force before they are seen, and what is gone on with."""

from __future__ import annotations

import zlib
from contextlib import closing
from pathlib import Path

import pytest
import redis

from pipeline.model.definition import Snapshot
from pipeline.model.errors import TransientStoreError, UsageError
from pipeline.store import open_store
from pipeline.streaming.definitions import NUMBER_BYTES, InForce, Newest, Paused
from pipeline.streaming.graph import Job
from pipeline.streaming.setup import EngineSetup
from pipeline.streaming.submit import submit
from tests.support.daycount import daycount, write_definitions
from tests.support.faulty_store import Action, Fault, FaultyStore, When, scripted
from tests.support.hits import snapshot_of
from tests.support.records import ORDERS
from tests.support.redis_server import redis_server_url, redis_url

__all__ = ["redis_server_url", "redis_url"]

OLD, NEW = snapshot_of(), snapshot_of({"id": "all"}, {"id": "more"})


def shown(number: int, snapshot: object) -> bytes:
    return number.to_bytes(NUMBER_BYTES, "big") + zlib.compress(snapshot.to_bytes())


def test_the_newest_counts_whatever_else_is_shown_and_in_whatever_order() -> None:
    newest = Newest()
    assert newest.of([]) is None
    assert newest.of([shown(255, OLD)]).snapshot.version == OLD.version
    assert newest.of([shown(256, NEW), shown(255, OLD)]).snapshot.version == NEW.version
    assert newest.of([shown(255, OLD), shown(256, NEW)]).number == 256
    assert newest.of([shown(255, OLD)]).number == 256, "an engine that shows old ones again changes nothing"
    assert newest.of([]).number == 256


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/numbers.db"
    open_store(url, create=True).close()
    return url


def test_they_are_in_force_in_the_store_when_they_are_seen_and_numbered_anew_when_they_change(
    store_url: str, tmp_path: Path
) -> None:
    path = write_definitions(tmp_path / "d.yaml", ORDERS)
    with closing(InForce(path, store_url)) as definitions:
        first = definitions.read()
        assert definitions.read() is first
        with closing(open_store(store_url)) as store:
            assert len(store.scan("meta", b"stated#")) == 1
        write_definitions(tmp_path / "d.yaml", ORDERS, {**ORDERS, "id": "more"})
        second = definitions.read()
        assert second.number > first.number
        assert set(second.snapshot.accounts["shop"].metrics) == {"orders", "more"}


def test_what_can_not_be_read_leaves_the_last_in_force_and_is_told(store_url: str, tmp_path: Path) -> None:
    path = write_definitions(tmp_path / "d.yaml", ORDERS)
    with closing(InForce(path, store_url)) as definitions:
        first = definitions.read()
        Path(path).write_text("account: [")
        assert definitions.read() is first
        assert "d.yaml" in (definitions.stale_reason or "")
        write_definitions(tmp_path / "d.yaml", ORDERS, fanout=3)  # fixed at first use
        assert definitions.read().snapshot.version == first.snapshot.version
        assert "fanout" in (definitions.stale_reason or "")
        write_definitions(tmp_path / "d.yaml", ORDERS)
        assert definitions.read().snapshot.version == first.snapshot.version
        assert definitions.stale_reason is None


@pytest.mark.parametrize("when", [When.BEFORE, When.AFTER])
def test_a_store_that_is_away_leaves_the_last_in_force_until_the_next_look(
    store_url: str, tmp_path: Path, when: When
) -> None:
    fault = Fault(when, Action.FAIL)
    path = write_definitions(tmp_path / "d.yaml", ORDERS)
    with closing(InForce(path, store_url)) as definitions:
        definitions._store = FaultyStore(definitions._store, scripted(put_meta=[fault, None, fault]))
        with pytest.raises(TransientStoreError):
            definitions.read()
        first = definitions.read()
        write_definitions(tmp_path / "d.yaml", ORDERS, {**ORDERS, "id": "more"})
        assert definitions.read() is first
        assert "outcome unknown" in (definitions.stale_reason or "")
        second = definitions.read()
        assert second.number > first.number and definitions.stale_reason is None
        stated = [cells for _, cells in definitions._store.scan("meta", b"stated#").items()]
        assert len(stated) == 2


def test_with_nothing_to_go_on_with_it_is_an_error(store_url: str, tmp_path: Path) -> None:
    with closing(InForce(str(tmp_path / "none.yaml"), store_url)) as definitions, pytest.raises(UsageError):
        definitions.read()


def test_ticks_that_were_missed_are_one() -> None:
    now = [0.0]
    paused = Paused(1.0, clock=lambda: now[0])
    assert [paused() for _ in range(3)] == [False, True, True]
    now[0] = 0.9
    assert not paused()


def test_a_process_that_begins_when_all_definitions_are_lost_takes_that_for_no_end_of_accounts(
    store_url: str, redis_url: str, tmp_path: Path
) -> None:
    push = ("define", "push", write_definitions(tmp_path / "d.yaml", ORDERS), "--definitions", redis_url)
    assert daycount(*push).returncode == 0
    with closing(InForce(redis_url, store_url)) as definitions:
        definitions.read()
    with closing(redis.Redis.from_url(redis_url)) as client:
        client.flushall()
    with closing(InForce(redis_url, store_url)) as definitions:
        with pytest.raises(UsageError, match="push them again"):
            definitions.read()
        assert daycount(*push).returncode == 0
        assert set(definitions.read().snapshot.accounts) == {"shop"}


def test_nor_does_the_launch_of_a_job_then(store_url: str, redis_url: str, tmp_path: Path) -> None:
    with closing(InForce(write_definitions(tmp_path / "d.yaml", ORDERS), store_url)) as definitions:
        definitions.read()
    setup = EngineSetup(store_url, redis_url, refresh_s=1, account=None, dedup_days=7, held_bytes_max=0)
    job = Job([f"{redis_url}?stream=events"], f"{tmp_path}/rejects", setup)
    with closing(open_store(store_url)) as store:
        before = store.scan("meta", b"history#")
        with pytest.raises(UsageError, match="push them again"):
            submit("PrismRunner", [], job, store, shards=8, snapshot=Snapshot.of([]), stopped=lambda: False)
        assert before and store.scan("meta", b"history#") == before

"""Processes of an engine: each has its own idea of which definitions are the newest, and what they count is one."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
import xxhash

from pipeline.adopt import Adoption
from pipeline.model.definition import Snapshot
from pipeline.model.errors import TransientStoreError, UsageError
from pipeline.sources.blocks import block_of_records
from pipeline.store import open_store
from pipeline.store.fixed import fix
from pipeline.streaming import insist as insisting
from pipeline.streaming import workers as working
from pipeline.streaming.definitions import InForce
from pipeline.streaming.insist import insist
from pipeline.streaming.match import NOBODYS, REJECTS, MatchRecords, Part
from pipeline.streaming.setup import EngineSetup
from pipeline.streaming.taken import Taken, taken
from pipeline.streaming.workers import EngineWorkers, EngineWorkersHandle
from tests.support.daycount import line_of, write_definitions
from tests.support.records import ORDERS, order
from tests.support.trial_world import (
    EPOCHS,
    SECOND_EPOCH,
    SHARDS,
    counted,
    draw_events,
    experiment,
    hits_of,
    snapshot,
    truth,
)

NOW = datetime.now(UTC)


@pytest.fixture
def setup(tmp_path: Path) -> EngineSetup:
    url = f"sqlite:///{tmp_path}/numbers.db"
    with closing(open_store(url, create=True)) as store:
        fix(store, shards=SHARDS, default_shards=SHARDS, visitor_key=None)
    path = write_definitions(tmp_path / "d.yaml", ORDERS)
    return EngineSetup(url, path, refresh_s=60, account="shop", dedup_days=7, held_bytes_max=1 << 22)


def test_an_epoch_holds_in_a_process_that_knew_it_not_though_another_takes_what_was_before_into_force_late(
    setup: EngineSetup,
) -> None:
    events = draw_events(Random(1), 80)
    before, after = snapshot(experiment(epochs=EPOCHS[:1])), snapshot(experiment())
    workers = EngineWorkers(setup)

    def count(definitions: Snapshot, late: bool) -> None:
        some = [event for event in events if (event["timestamp"] >= SECOND_EPOCH) == late]
        for shard, hits in hits_of(definitions, some):
            workers.commit(shard, [hits], {int(definitions.version, 16)})

    with closing(open_store(setup.store_url)) as store:
        slow = Adoption(store, stating=True)
        Adoption(store, stating=True).adopt(before, NOW)
        count(before, late=False)
        Adoption(store, stating=True).adopt(after, NOW)
        slow.adopt(before, NOW)
        count(after, late=True)
        assert counted(store, experiment()) == truth(events, experiment(), _by_hash)


def _by_hash(message: str) -> int:
    return int(xxhash.xxh3_64_intdigest(message.encode()))


def judged(setup: EngineSetup, given: Taken) -> list[Part]:
    step = MatchRecords(EngineWorkersHandle(setup))
    step.setup()
    made = list(step.process(given.to_bytes()))
    return [
        Part.from_bytes(one[1] if isinstance(one, tuple) else one.value)
        for one in made
        if getattr(one, "tag", REJECTS) == REJECTS
    ]


def test_a_block_that_is_judged_again_has_parts_of_its_own(setup: EngineSetup) -> None:
    block = block_of_records("events", 0, [line_of(order()), b"{"], ["events@1-0", "events@2-0"])
    given = taken(block, 0, ["1-0", "2-0"])
    once, again = judged(setup, given), judged(setup, given)
    assert len({part.block for part in once}) == len({part.block for part in again}) == 1
    assert once[0].block != again[0].block, "parts of one time would stand for those of another, which may be others"
    assert [note for part in once for note in part.done()]


def test_definitions_that_can_not_be_read_yet_leave_nothing_open_for_each_attempt(
    setup: EngineSetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, closed = list[InForce](), list[InForce]()

    class Watched(InForce):
        def __init__(self, *given: str) -> None:
            super().__init__(*given)
            opened.append(self)

        def close(self) -> None:
            super().close()
            closed.append(self)

    monkeypatch.setattr(working, "InForce", Watched)
    workers, path = EngineWorkers(setup), Path(setup.definitions_url)
    written = path.read_text()
    path.unlink()
    for _ in range(2):
        with pytest.raises(UsageError):
            workers.in_force()
    path.write_text(written)
    assert set(workers.in_force().snapshot.accounts) == {"shop"}
    assert workers.in_force() is workers.in_force()
    assert opened[:2] == closed and len(opened) == 3


def test_what_is_committed_is_on_disk_before_it_is_said_to_be(setup: EngineSetup, monkeypatch: pytest.MonkeyPatch) -> None:
    did: list[str] = []
    real = working.Worker.commit

    def commit(worker: working.Worker, shard: int, messages: Sequence[bytes]) -> Counter[str]:
        did.append("commit")
        return real(worker, shard, messages)

    def flush(worker: working.Worker) -> None:
        did.append("flush")
        if did.count("flush") == 1:
            raise TransientStoreError("the disk is full")

    monkeypatch.setattr(working.Worker, "commit", commit)
    monkeypatch.setattr(working.Worker, "flush", flush)
    workers, definitions = EngineWorkers(setup), snapshot(experiment())
    with closing(open_store(setup.store_url)) as store:
        Adoption(store, stating=True).adopt(definitions, NOW)
    judged_by = {int(definitions.version, 16)}
    shard, hits = next(iter(hits_of(definitions, draw_events(Random(1), 20))))
    with pytest.raises(TransientStoreError):
        workers.commit(shard, [hits], judged_by)
    again = workers.commit(shard, [hits], judged_by)
    assert did == ["commit", "flush"] * 2
    assert again["duplicates"] and not again["new"], "what was committed is known"


def test_where_the_engine_acknowledges_nobody_is_told(setup: EngineSetup) -> None:
    parts = judged(setup, taken(block_of_records("events", 0, [line_of(order())], ["events@1-0"]), 0))
    assert [part.block for part in parts] == [NOBODYS]
    assert not [note for part in parts for note in part.done()]


def test_what_can_not_be_done_now_is_tried_again_for_long_and_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    now, tried = [0.0], []
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))

    def fail(times: int) -> int:
        tried.append(now[0])
        if len(tried) <= times:
            raise ConnectionError
        return len(tried)

    assert insist(lambda: fail(3), ConnectionError) == 4
    with pytest.raises(ConnectionError):
        insist(lambda: fail(10_000), ConnectionError)
    assert now[0] >= insisting.OUTAGE_MAX_S
    with pytest.raises(ConnectionError):
        insist(lambda: fail(10_000), TimeoutError)

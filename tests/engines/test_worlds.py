"""Random worlds through jobs on Prism, held against the naive oracle and that of experiments cell by cell.

The jobs' steps run in this very process, so that a fault can be planted into them: each must turn the judges red.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pipeline.model.definition import Snapshot
from pipeline.streaming import commit, match
from pipeline.streaming.acknowledge import parts_of
from pipeline.worker import Worker
from tests.support.changing import expected_of, with_new_metric, without_first_metric
from tests.support.engine_worlds import Record, Worlds, define, with_epochs
from tests.support.engine_worlds_job import WorldsOnEngine
from tests.support.generate_definitions import parse
from tests.support.planted import PLANTED
from tests.support.prism import BEAMS_THREADS
from tests.support.seeds import replay, seeds
from tests.support.stored import Numbers, differences, stored_numbers

TOGETHER, FEW, TRIALS = 30, 6, 3
LONG_S = 3600.0

pytestmark = pytest.mark.filterwarnings(*(f"ignore:Exception in thread {name}" for name in BEAMS_THREADS))

OpenJob = Callable[[Worlds], WorldsOnEngine]


@pytest.fixture
def job_of(redis_url: str, tmp_path: Path) -> Iterator[OpenJob]:
    """Makes a test's job, over an empty store."""
    opened: list[WorldsOnEngine] = []

    def job_of(worlds: Worlds) -> WorldsOnEngine:
        opened.append(WorldsOnEngine(worlds, redis_url, f"sqlite:///{tmp_path}/numbers.db", tmp_path))
        return opened[0]

    yield job_of
    for job in opened:
        job.feed.close()


def many(seed: int, together: int = TOGETHER) -> range:
    return range(seed * together, (seed + 1) * together)


@pytest.mark.parametrize("seed", seeds(1))
def test_random_worlds_come_out_as_the_oracles_say(seed: int, job_of: OpenJob) -> None:
    job = job_of(Worlds(many(seed), TRIALS))
    job.here(job.flow)
    assert job.wrong() == [], replay(seed)


@pytest.mark.parametrize("seed", seeds(1))
def test_of_metrics_that_are_pushed_and_deleted_meanwhile_each_counts_what_was_judged_under_it(
    seed: int, job_of: OpenJob
) -> None:
    worlds = Worlds(many(seed, FEW), again=True)
    job = job_of(worlds)
    after = [without_first_metric(with_new_metric(world.snapshot, Random(seed))) for world in worlds.worlds]

    def numbers(store: Any) -> Numbers:
        return stored_numbers(store, [*(world.snapshot for world in worlds.worlds), *after])

    def meanwhile() -> None:
        job.flow(5)
        define(job.feed.client, [account for snapshot in after for account in snapshot.accounts.values()])
        job.until(sent_again, "the new metrics to be complete")
        assert sent_again()

    def sent_again() -> bool:
        job.flow(3)
        return differences(job.seen(numbers), expected) == []

    expected: Numbers = {}
    for world, snapshot in zip(worlds.worlds, after, strict=True):
        expected |= expected_of(world, [(world.snapshot, world.events), (snapshot, world.events)])
    job.here(meanwhile)


def open_an_epoch(job: WorldsOnEngine) -> None:
    """Experiments get their second epoch while the job runs, and then its events."""
    trials = job.worlds.trials
    probe = parse("a-probe", {}, [{"id": "seen", "where": {}, "measures": {"n": {"aggregate": "count"}}}])
    define(job.feed.client, [with_epochs(one.account, 1) for one in trials])

    def send(epoch: int) -> None:
        records = [record for one in trials for record in one.records(one.in_epoch(epoch))]
        for _ in job.worlds.bursts(job.feed.client, records):
            job.until(job.done, "a burst to be counted")

    def is_seen() -> bool:
        """Whether what was defined together with the probe is in force."""
        event = b'{"messageId": "m", "event": "Any", "timestamp": "2024-05-01T10:00:00Z"}'
        for _ in job.worlds.bursts(job.feed.client, [Record("a-probe", event)]):
            job.until(job.done, "the probe to be judged")
        return bool(job.seen(lambda store: stored_numbers(store, [Snapshot.of([probe])])))

    def meanwhile() -> None:
        send(1)
        define(job.feed.client, [probe, *(with_epochs(one.account, 2) for one in trials)])
        job.until(is_seen, "the new epoch to be in force")
        send(2)

    job.here(meanwhile)


def experiments_wrong(job: WorldsOnEngine) -> list[str]:
    return job.seen(lambda store: [line for one in job.worlds.trials for line in one.wrong(store)])


def test_an_epoch_that_is_opened_meanwhile_has_the_events_of_its_time(job_of: OpenJob) -> None:
    job = job_of(Worlds([], TRIALS))
    open_an_epoch(job)
    assert experiments_wrong(job) == []


def test_definitions_that_are_not_read_again_are_noticed(job_of: OpenJob, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Worker, "forget_definitions", lambda worker: None)
    job = job_of(Worlds([], TRIALS))
    open_an_epoch(job)
    assert experiments_wrong(job)


def _lose_a_part(patch: pytest.MonkeyPatch) -> None:
    real = match.MatchRecords.process

    def process(self: Any, *given: Any) -> Iterator[Any]:
        for made in real(self, *given):
            if isinstance(made, tuple) and made[0] == 0:
                continue
            yield made

    patch.setattr(match.MatchRecords, "process", process)
    patch.setattr(match, "parts_of", lambda count, receipt: parts_of(0, receipt))


PLANTS = {"duplicates count": PLANTED["duplicates count"], "a part of a block is lost": _lose_a_part}


@pytest.mark.parametrize("fault", PLANTS)
def test_a_planted_fault_is_noticed(fault: str, job_of: OpenJob, monkeypatch: pytest.MonkeyPatch) -> None:
    PLANTS[fault](monkeypatch)
    job = job_of(Worlds(many(0, FEW)))
    job.here(job.flow)
    assert job.wrong()


@pytest.mark.parametrize("early", [False, True], ids=["acknowledged when counted", "acknowledged early"])
def test_what_an_engine_loses_comes_again_unless_it_was_acknowledged_early(
    early: bool, job_of: OpenJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = job_of(Worlds(many(0, FEW)))
    with monkeypatch.context() as patch:
        # What a shard gathers stays in the engine's hands, and is lost with it.
        patch.setattr(commit.CommitUnits.__init__, "__defaults__", (commit.UNIT_BYTES, LONG_S))
        if early:
            patch.setattr(match, "parts_of", lambda count, receipt: parts_of(0, receipt))

        def meanwhile() -> None:
            for _ in job.parts(3):
                job.until(job.all_taken, "the engine to take what was sent")
            if early:
                job.until(job.done, "everything to be acknowledged")

        job.here(meanwhile)
    job.here(partial(job.until, job.done, "everything to be acknowledged"))
    assert bool(job.wrong()) == early

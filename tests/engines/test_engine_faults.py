"""Jobs on Prism and Flink over random worlds, while the engine is killed and what it stands on fails; judged as on one
machine. Several faults follow each other in one job, as engines take long to begin.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from itertools import count
from pathlib import Path

import pytest

from pipeline.streaming.redis import IDLE_MS
from tests.conftest import HEAVY_TIMEOUT_S
from tests.support.emulators import BigtableEmulator
from tests.support.engine_jobs import as_words
from tests.support.engine_worlds import Worlds
from tests.support.engine_worlds_job import WorldsOnEngine
from tests.support.flink_cluster import FlinkCluster
from tests.support.live_run import PATIENCE_S, LiveRun
from tests.support.prism import Prism
from tests.support.redis_restarts import RestartedRedis
from tests.support.seeds import replay, seeds

TOGETHER, TRIALS, BROKEN = 12, 2, 100
STALL_S = 2.0
AGAIN_S = IDLE_MS / 1000 + PATIENCE_S  # what a consumer left that isn't there any more is claimed after a while
TIMEOUT_S = HEAVY_TIMEOUT_S + 2 * AGAIN_S

OpenJob = Callable[[int], WorldsOnEngine]


@pytest.fixture
def redis_here(tmp_path: Path) -> Iterator[RestartedRedis]:
    """A durable Redis of the test's own: stream, definitions and rejects are in it."""
    own = RestartedRedis(tmp_path / "redis")
    yield own
    own.stop()


@pytest.fixture
def job_of(redis_here: RestartedRedis, bigtable_url: str, tmp_path: Path) -> Iterator[OpenJob]:
    with ExitStack() as opened:

        def job_of(seed: int) -> WorldsOnEngine:
            worlds = Worlds(range(seed * TOGETHER, (seed + 1) * TOGETHER), TRIALS, broken=BROKEN)
            environment = {"BIGTABLE_EMULATOR_HOST": os.environ["BIGTABLE_EMULATOR_HOST"]}
            job = WorldsOnEngine(worlds, redis_here.url, bigtable_url, tmp_path, environment=environment)
            return opened.enter_context(job)

        yield job_of


@pytest.fixture
def prism(tmp_path: Path) -> Iterator[Callable[[], Prism]]:
    """Starts Prism servers, whose workers are processes of their own."""
    numbers = count()
    with ExitStack() as opened:

        def prism() -> Prism:
            folder = tmp_path / f"prism{next(numbers)}"
            folder.mkdir()
            return opened.enter_context(closing(Prism(folder)))

        yield prism


def fail_what_it_stands_on(
    job: WorldsOnEngine, run: LiveRun, parts: Iterator[int], emulator: BigtableEmulator, redis_here: RestartedRedis
) -> None:
    """The store stalls with records in work, then Redis ends and comes back."""
    with emulator.stalled():
        next(parts)
        run.until(lambda: job.taken() > 0)
        time.sleep(STALL_S)
    next(parts)
    run.until(lambda: job.taken() > 0)
    redis_here.stop()
    redis_here.start()
    next(parts)


@pytest.mark.timeout(TIMEOUT_S)
@pytest.mark.parametrize("seed", seeds(1))
def test_on_prism_worlds_are_exact_though_all_that_can_fail_does(
    seed: int,
    job_of: OpenJob,
    prism: Callable[[], Prism],
    bigtable_emulator: BigtableEmulator,
    redis_here: RestartedRedis,
) -> None:
    job = job_of(seed)
    parts, first = job.parts(8), prism()
    run = job.begin(*as_words(first.beam_options()))
    next(parts)
    run.until(lambda: job.acknowledged() > 0)
    fail_what_it_stands_on(job, run, parts, bigtable_emulator, redis_here)
    run.until(lambda: job.taken() > 0)
    first.close()
    run.kill()
    before = job.acknowledged()
    second, third = prism(), prism()
    runs = [job.begin(*as_words(engine.beam_options())) for engine in (second, third)]
    for _ in range(2):
        next(parts)
        runs[0].until(lambda: job.taken() > 0)
    runs[0].until(lambda: job.acknowledged() > before)  # what is in work at first is what the first engine left
    next(parts)
    second.close()
    runs[0].kill()
    next(parts)
    runs[1].until(job.done, AGAIN_S)
    assert job.wrong() == [], replay(seed)


def begun(flink: FlinkCluster, job: WorldsOnEngine, *words: str, parallelism: int = 4) -> tuple[LiveRun, str]:
    """A run of the job, and the name that Flink has given it."""
    before = set(flink.rest.jobs())
    run = job.begin(*as_words(flink.beam_options(parallelism=parallelism)), *words)
    run.until(lambda: len(set(flink.rest.jobs()) - before) > 0)
    [name] = set(flink.rest.jobs()) - before
    return run, name


@pytest.mark.timeout(TIMEOUT_S)
@pytest.mark.parametrize("seed", seeds(1))
def test_on_flink_worlds_are_exact_though_all_that_can_fail_does(
    seed: int,
    flink: FlinkCluster,
    job_of: OpenJob,
    bigtable_emulator: BigtableEmulator,
    redis_here: RestartedRedis,
) -> None:
    job = job_of(seed + 1)
    parts = job.parts(9)
    run, name = begun(flink, job)
    next(parts)
    run.until(lambda: job.acknowledged() > 0)
    next(parts)
    savepoint = flink.rest.savepoint(name)
    fail_what_it_stands_on(job, run, parts, bigtable_emulator, redis_here)
    run.until(lambda: job.taken() > 0)
    flink.replace_task_manager()
    next(parts)
    run.until(job.done, AGAIN_S)
    flink.rest.cancel(name)
    # All of this is counted and acknowledged, and the first of the two jobs knows nothing of most of it.
    resumed, resumed_name = begun(flink, job, "--savepoint_path", savepoint, parallelism=2)
    beside, beside_name = begun(flink, job, parallelism=2)
    for _ in range(2):
        next(parts)
        resumed.until(lambda: job.taken() > 0)
    flink.rest.cancel(resumed_name)
    next(parts)
    beside.until(job.done, AGAIN_S)
    flink.rest.cancel(beside_name)
    assert job.wrong() == [], replay(seed)

"""Jobs on a real Flink cluster: its task managers are killed, jobs are stopped, resumed and cancelled. Numbers are exact."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.streaming.redis import IDLE_MS
from tests.conftest import HEAVY_TIMEOUT_S
from tests.support.engine_jobs import MonthOnEngine, as_words
from tests.support.flink_cluster import FlinkCluster
from tests.support.live_run import PATIENCE_S

RUNNING = "RUNNING"
AGAIN_S = IDLE_MS / 1000 + PATIENCE_S  # what a consumer left that isn't there any more is claimed after a while
TIMEOUT_S = HEAVY_TIMEOUT_S + 2 * AGAIN_S


@pytest.fixture
def month(flink: FlinkCluster, redis_url: str, bigtable_url: str, tmp_path: Path) -> Iterator[MonthOnEngine]:
    environment = {"BIGTABLE_EMULATOR_HOST": os.environ["BIGTABLE_EMULATOR_HOST"]}
    with MonthOnEngine(redis_url, bigtable_url, tmp_path, as_words(flink.beam_options()), environment) as month:
        yield month


def running(flink: FlinkCluster) -> list[str]:
    return [job for job, state in flink.rest.jobs().items() if state == RUNNING]


def the_job(flink: FlinkCluster) -> str:
    """The one that runs; between a failure and the restart it doesn't."""
    flink.rest.wait(lambda: len(running(flink)) == 1, "the job to run")
    [job] = running(flink)
    return job


def cancel(flink: FlinkCluster) -> None:
    flink.rest.cancel(the_job(flink))


@pytest.mark.timeout(TIMEOUT_S)
def test_a_month_is_exact_though_a_task_manager_is_killed_and_the_job_stopped_with_a_savepoint_and_resumed(
    flink: FlinkCluster, month: MonthOnEngine
) -> None:
    run, parts = month.begin(), month.parts(4)
    next(parts)
    run.until(lambda: month.acknowledged() > 0)
    next(parts)
    run.until(lambda: month.taken() > 0)
    flink.replace_task_manager()
    run.until(month.done, AGAIN_S)
    job = the_job(flink)
    assert flink.rest.failures(job), "the job never noticed"
    next(parts)
    run.until(lambda: month.taken() > 0)
    savepoint = flink.rest.stop_with_savepoint(job)
    run.until_ended()
    next(parts)
    further = ("--input", month.feed.url.replace("stream=", "stream=further-"), "--refresh-s", "0.7", "--held-mb", "48")
    run = month.begin("--savepoint_path", savepoint, *further)  # more steps, and those there are told other things
    run.until(month.done, AGAIN_S)
    cancel(flink)
    run.until_ended()
    month.check()


@pytest.mark.timeout(TIMEOUT_S)
def test_a_job_that_is_cancelled_with_records_in_work_is_made_whole_by_the_next(
    flink: FlinkCluster, month: MonthOnEngine
) -> None:
    parts = month.parts(2)
    next(parts)
    run = month.begin()
    run.until(lambda: month.taken() > 0)
    cancel(flink)
    run.until_ended()
    next(parts)
    run = month.begin()
    run.until(month.done, AGAIN_S)
    run.end()  # the job goes on
    cancel(flink)
    month.check()

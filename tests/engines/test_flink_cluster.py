"""The cluster for tests does what tests of Daycount lean on: it runs jobs, loses task managers, stops and resumes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.engines_pipeline import gaps_in, numbers_in, submit
from tests.support.flink_cluster import FlinkCluster


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[FlinkCluster]:
    cluster = FlinkCluster(tmp_path)
    yield cluster
    cluster.close()


def test_a_job_outlives_a_task_manager_and_goes_on_from_a_savepoint_with_changed_code(cluster: FlinkCluster) -> None:
    rest, out = cluster.rest, cluster.folder / "out"
    submit(cluster.beam_options(), out, word="before")
    rest.wait(lambda: len(numbers_in(out)) > 0, "the first numbers")
    [job] = rest.jobs()
    cluster.kill_task_manager(0)
    cluster.start_task_manager()
    rest.wait(lambda: len(rest.failures(job)) > 0 and rest.runs(job), "the job to notice and begin again")
    seen = len(numbers_in(out))
    rest.wait(lambda: len(numbers_in(out)) > seen, "the job to go on")
    savepoint = rest.stop_with_savepoint(job)
    submit([*cluster.beam_options(), f"--savepoint_path={savepoint}"], out, word="after")
    rest.wait(lambda: len(numbers_in(out, "after")) > 0, "the job to be resumed")
    rest.wait(lambda: "RUNNING" in rest.jobs().values(), "the job to run")
    [resumed] = [job for job, state in rest.jobs().items() if state == "RUNNING"]
    rest.cancel(resumed)
    assert gaps_in(out) == set()
    assert min(numbers_in(out, "after")) > 0, "it began again instead of going on"

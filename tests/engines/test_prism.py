"""Prism runs streaming pipelines on this machine: as a server, and started by the pipeline itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from apache_beam.runners.runner import PipelineState

from tests.support.engines_pipeline import numbers_in, submit
from tests.support.prism import BEAMS_THREADS, Prism, local_prism_options, worker_here

TIMEOUT_S = 120.0
POLL_S = 0.1

pytestmark = pytest.mark.filterwarnings(*(f"ignore:Exception in thread {name}" for name in BEAMS_THREADS))


@pytest.fixture
def prism(tmp_path: Path) -> Iterator[Prism]:
    prism = Prism(tmp_path)
    yield prism
    prism.close()


def runs(options: list[str], out: Path) -> None:
    result = submit(options, out, numbers=25)
    wait_until(lambda: len(numbers_in(out)) >= 25, "all numbers, with nothing more coming")
    assert sorted(numbers_in(out)) == list(range(25))
    result.cancel()
    wait_until(lambda: result.state == PipelineState.CANCELLED, "the job to be cancelled")


def wait_until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not holds():
        assert time.monotonic() < deadline, f"waited for {what}"
        time.sleep(POLL_S)


def test_a_server_runs_jobs_in_worker_processes(prism: Prism, tmp_path: Path) -> None:
    runs(prism.beam_options(), tmp_path / "out")
    runs(prism.beam_options(), tmp_path / "out of the next")


def test_a_pipeline_starts_one_of_its_own(tmp_path: Path) -> None:
    with worker_here():
        runs(local_prism_options(), tmp_path / "out")

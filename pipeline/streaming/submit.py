"""Submits the job without end to an engine, and waits for its end where somebody does."""

from __future__ import annotations

import signal
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions

from pipeline.adopt import Adoption
from pipeline.model.definition import Snapshot
from pipeline.model.errors import RunError, UsageError
from pipeline.store import Store
from pipeline.streaming.graph import Job, build
from pipeline.streaming.sources import check_inputs

DATAFLOW = "DataflowRunner"
POLL_S = 0.5


def submit(runner: str, options: Sequence[str], job: Job, store: Store, *, shards: int, snapshot: Snapshot) -> None:
    """Hand the job to an engine. On Dataflow it goes on by itself; elsewhere this waits until it ends, and SIGINT or
    SIGTERM cancels it.

    Raises UsageError where an input or the engine can't be reached, or the engine refuses the job; RunError where it fails.
    **Retry:** two jobs over the same input into one store count each event once, and cost twice.
    """
    check_inputs(job.inputs)
    store.settle(range(shards))  # what another run left half-applied
    Adoption(store, stating=True).adopt(snapshot, datetime.now(UTC))
    given = PipelineOptions(list(options))
    given.view_as(StandardOptions).streaming = True
    root = beam.Pipeline(runner=runner, options=given)
    build(root, job)
    try:
        result = root.run()
    except Exception as e:  # whatever the engine's client raises
        raise UsageError(f"--runner {runner}: the job was not taken: {_first_line(e)}") from e
    if runner != DATAFLOW:
        _wait(result, runner)


def _wait(result: Any, runner: str) -> None:
    failures: list[Exception] = []

    def follow() -> None:
        try:
            result.wait_until_finish()
        except Exception as e:
            failures.append(e)

    asked: list[int] = []
    before = {s: signal.signal(s, lambda number, _: asked.append(number)) for s in (signal.SIGINT, signal.SIGTERM)}
    following = threading.Thread(target=follow, daemon=True)
    try:
        following.start()
        while following.is_alive() and not asked:
            following.join(POLL_S)
        if asked:
            result.cancel()  # what isn't counted isn't acknowledged, and comes again
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if failures and not asked:
        raise RunError(f"the job failed on {runner}: {_first_line(failures[0])}") from failures[0]


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:500]

"""Submits the job without end to an engine, and waits for its end where somebody does."""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import apache_beam as beam
from apache_beam.metrics import MetricsFilter
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions

from pipeline.adopt import Adoption
from pipeline.local import Summary
from pipeline.model.definition import Snapshot
from pipeline.model.errors import RunError, UsageError
from pipeline.store import Store
from pipeline.streaming.graph import Job, build
from pipeline.streaming.match import METRICS_NAMESPACE
from pipeline.streaming.sources import check_inputs

DATAFLOW = "DataflowRunner"
POLL_S = 0.5


def submit(runner: str, options: Sequence[str], job: Job, store: Store, *, shards: int, snapshot: Snapshot) -> Summary | None:
    """Hand the job to an engine. On Dataflow it goes on by itself: None; elsewhere this waits until it ends, and SIGINT or
    SIGTERM cancels it. The summary says what the steps counted, as far as the engine tells.

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
    return None if runner == DATAFLOW else _wait(result, runner)


def _wait(result: Any, runner: str) -> Summary:
    begun = time.monotonic()
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
        tally = _tally(result)
        if asked:
            result.cancel()  # what isn't counted isn't acknowledged, and comes again
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if failures and not asked:
        raise RunError(f"the job failed on {runner}: {_first_line(failures[0])}") from failures[0]
    return Summary(tally, seconds=time.monotonic() - begun, interrupted=bool(asked))


def _tally(result: Any) -> Counter[str]:
    try:
        found = result.metrics().query(MetricsFilter().with_namespace(METRICS_NAMESPACE))["counters"]
    except Exception:  # not all engines tell, and not at all times
        return Counter()
    return Counter({counter.key.metric.name: counter.result for counter in found})


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:500]

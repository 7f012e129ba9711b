"""Submits the job without end to an engine, and waits for its end where somebody does."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
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

DATAFLOW, PRISM = "DataflowRunner", "PrismRunner"
CANCELLED = ("CANCELLED", "JobCancellationException")  # at the engine, by somebody
POLL_S = 0.5


def submit(
    runner: str,
    options: Sequence[str],
    job: Job,
    store: Store,
    *,
    shards: int,
    snapshot: Snapshot,
    stopped: Callable[[], bool],
) -> Summary:
    """Hand the job to an engine, and wait until it ends, or until `stopped` says so; on Dataflow not at all. The summary
    says what the steps counted until then, as far as the engine tells.

    Prism ends with this process, and so does its job, which is interrupted then. Elsewhere the job goes on by itself: it is
    stopped at the engine, whose operator may want a savepoint (and Beam's job server hands no cancellation on to Flink).

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
    return Summary() if runner == DATAFLOW else _wait(result, runner, stopped)


def _wait(result: Any, runner: str, stopped: Callable[[], bool]) -> Summary:
    begun = time.monotonic()
    failures: list[Exception] = []

    def follow() -> None:
        try:
            result.wait_until_finish()
        except Exception as e:
            failures.append(e)

    following = threading.Thread(target=follow, daemon=True)
    following.start()
    while following.is_alive() and not stopped():
        following.join(POLL_S)
    tally, asked = _tally(result), following.is_alive()
    interrupted = asked and runner == PRISM
    if interrupted:
        result.cancel()  # what isn't counted isn't acknowledged, and comes again
    if failures and not asked and not any(word in str(failures[0]) for word in CANCELLED):
        raise RunError(f"the job failed on {runner}: {_first_line(failures[0])}") from failures[0]
    return Summary(tally, seconds=time.monotonic() - begun, interrupted=interrupted)


def _tally(result: Any) -> Counter[str]:
    try:
        found = result.metrics().query(MetricsFilter().with_namespace(METRICS_NAMESPACE))["counters"]
    except Exception:  # not all engines tell, and not at all times
        return Counter()
    return Counter({counter.key.metric.name: counter.result for counter in found})


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:500]

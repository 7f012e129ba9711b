"""Submits the job without end to an engine, and waits for its end where somebody does."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from apache_beam.metrics import MetricsFilter
from apache_beam.options.pipeline_options import DebugOptions, PipelineOptions, StandardOptions

from pipeline.adopt import Adoption
from pipeline.local import Summary
from pipeline.model.definition import Snapshot
from pipeline.model.errors import RunError, UsageError
from pipeline.runners import check_options, first_line, open_pipeline
from pipeline.store import Store
from pipeline.streaming import dataflow
from pipeline.streaming.definitions import refuse_what_is_lost
from pipeline.streaming.graph import Job, build
from pipeline.streaming.match import METRICS_NAMESPACE
from pipeline.streaming.sources import check_inputs

DATAFLOW, PRISM = "DataflowRunner", "PrismRunner"
CANCELLED = ("CANCELLED", "JobCancellationException")  # at the engine, by somebody
# Otherwise Flink's runner may hold back what a bundle gives that a checkpoint begins in, some readers' elements among it.
WHOLE_BUNDLES = "--finish_bundle_before_checkpointing"
FEW_WORDS = "--prism_log_level=error"  # it tells of each job's beginning; who wants that says so
PRISMS_WORDS = logging.getLogger("PrismJobServer")  # Beam hands on to it what Prism says
POLL_S = 0.5
# Prism 2.77 divides a slow bundle of a stateful step within a key and runs both parts at once: what one of them keeps is
# lost (beam#35771 has it for timers). Other engines don't know the word.
UNDIVIDED = "prism_disable_sdf_split"


def submit(
    runner: str,
    options: Sequence[str],
    job: Job,
    store: Store,
    *,
    shards: int,
    snapshot: Snapshot,
    stopped: Callable[[], bool],
) -> Summary | dataflow.Launched:
    """Hand the job to an engine, and wait until it ends, or until `stopped` says so; on Dataflow not at all. The summary
    says what the steps counted until then, as far as the engine tells.

    Prism ends with this process, and so does its job, which is interrupted then. Elsewhere the job goes on by itself: it is
    stopped at the engine, whose operator may want a savepoint (and Beam's job server hands no cancellation on to Flink).

    Raises UsageError where an input or the engine can't be reached, definitions are lost, or the engine refuses the job;
    RunError where it fails.
    **Retry:** two jobs over the same input into one store count each event once, and cost twice.
    """
    given = options_of(runner, options)
    if runner == DATAFLOW:
        dataflow.check(job, given)
    check_inputs(job.inputs)
    refuse_what_is_lost(snapshot, store)
    store.settle(range(shards))  # what another run left half-applied
    Adoption(store, stating=True).adopt(snapshot, datetime.now(UTC))
    with _silent(runner == DATAFLOW):
        root = open_pipeline(runner, given)
        try:
            build(root, job)
            with _own_interrupt():
                result = root.run()
        except UsageError:
            raise
        except Exception as e:  # whatever the engine's client raises, or who expands a source in Java
            raise UsageError(f"--runner {runner}: the job was not taken: {first_line(e)}") from e
    return dataflow.launched(result, given) if runner == DATAFLOW else _wait(result, runner, stopped)


def options_of(runner: str, options: Sequence[str]) -> PipelineOptions:
    """Options as Beam takes them, with those that a job needs. Raises UsageError for what nobody knows."""
    further = {DATAFLOW: [], PRISM: [FEW_WORDS]}.get(runner, [WHOLE_BUNDLES])
    given = PipelineOptions([*further, *options])
    # Flink's job server, and a template's launcher, have options that aren't known here.
    launched_by_template = any(option.startswith("--template_location") for option in options)
    check_options(options, all_known=runner == DATAFLOW and not launched_by_template)
    given.view_as(StandardOptions).streaming = True
    if runner != DATAFLOW:
        given.view_as(DebugOptions).add_experiment(UNDIVIDED)
    given.view_as(StandardOptions).runner = runner
    return given


@contextmanager
def _own_interrupt() -> Iterator[None]:
    """Ctrl-C is this command's to deal with. Beam would stop the server that it starts here, and the terminal tells that
    server too, unless it begins with the signal ignored; for those seconds nobody hears it.
    """
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _silent(wanted: bool) -> Iterator[None]:
    """Dataflow's client logs as an error, over several lines, what it raises then."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL if wanted else before)
    try:
        yield
    finally:
        logging.disable(before)


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
        PRISMS_WORDS.disabled = True  # of each bundle that the end finds in work Prism tells as of an error
        result.cancel()  # what isn't counted isn't acknowledged, and comes again
    if failures and not asked and not any(word in str(failures[0]) for word in CANCELLED):
        raise RunError(f"the job failed on {runner}: {first_line(failures[0])}") from failures[0]
    return Summary(tally, seconds=time.monotonic() - begun, interrupted=interrupted)


def _tally(result: Any) -> Counter[str]:
    try:
        found = result.metrics().query(MetricsFilter().with_namespace(METRICS_NAMESPACE))["counters"]
    except Exception:  # not all engines tell, and not at all times
        return Counter()
    return Counter({counter.key.metric.name: counter.result for counter in found})

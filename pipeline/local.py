"""Drives the graph on one machine: one bounded chunk of input after the other, each a run of its own.

Memory is bounded by a chunk, progress is seen, and an interrupted run goes on where it stopped. A chunk's input is
counted as taken only after the store has it.
"""

from __future__ import annotations

import argparse
import logging
import re
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from pipeline.adopt import Adoption
from pipeline.definitions.source import DefinitionsSource
from pipeline.hand_over import HandedOver, lend, ship
from pipeline.job import METRICS_NAMESPACE, WorkersHandle, build
from pipeline.model import layout
from pipeline.model.definition import Snapshot
from pipeline.model.errors import RunError, StoreError, UsageError
from pipeline.progress import Progress
from pipeline.sources.blocks import Block
from pipeline.store.contract import Store

CHUNK_BYTES = 256 * 1024 * 1024  # a run of the graph costs some 0.15 s, however small
CHUNK_DATA_BYTES = 64 * 1024 * 1024  # of blocks that carry their data, which waits here until its turn comes
CHUNK_BLOCKS = 512  # many small files
POLL_S = 0.2  # between looks at files that don't grow
PACE_S = 0.7  # between small chunks of files that do


@dataclass(slots=True)
class Summary:
    """What a run came to. `tally`: events, hits, duplicates, rejected.REASON, ..., as the steps count them."""

    tally: Counter[str] = field(default_factory=Counter)
    input_bytes: int = 0
    seconds: float = 0.0
    resumed: bool = False
    interrupted: bool = False


@dataclass(slots=True)
class LocalRun:
    """One run. `overlap`: chunks under way at once, 1 unless the workers are processes of their own.

    `stopped` says between chunks whether to end early; `progressed` sees each chunk.
    """

    store: Store
    definitions: DefinitionsSource
    workers: WorkersHandle
    shards: int
    rejects: str
    options: Sequence[str]
    overlap: int
    stopped: Callable[[], bool]
    progressed: Callable[[Summary], None]

    def run(self, blocks: Iterator[Block | None], progress: Progress) -> Summary:
        """Take all blocks; None among them says that there are no more just now.

        Raises what the steps raise; what was committed until then holds.
        """
        # What a step raises comes out of the run; Beam would print its traceback before that.
        logging.getLogger("apache_beam").setLevel(logging.CRITICAL)
        held = self.workers.acquire()  # keeps the workers from one chunk to the next
        summary = Summary()
        begun = time.monotonic()
        self.store.settle(range(self.shards))
        adoption = Adoption(self.store)
        try:
            for chunk, taken, tally in self._taken(blocks, adoption):
                if chunk:
                    summary.tally += tally
                    summary.input_bytes += sum(b.input_bytes for b in chunk)
                    progress.save(chunk)
                self._complete(taken)
                summary.seconds = time.monotonic() - begun
                self.progressed(summary)
            summary.interrupted = self.stopped()
            held.settle(self.shards)
        finally:
            held.close()
        if not summary.interrupted:
            progress.finish()
        summary.resumed = progress.resumed
        self.store.flush()
        summary.seconds = time.monotonic() - begun
        return summary

    def _taken(
        self, blocks: Iterator[Block | None], adoption: Adoption
    ) -> Iterator[tuple[list[Block], datetime, Counter[str]]]:
        """Each chunk once its run is through, in order. Up to `overlap` of them are under way, so that workers don't
        wait while Beam moves hits; a shard's units still come one after the other, from the worker that owns it.
        """
        under_way: deque[tuple[list[Block], datetime, Future[Counter[str]]]] = deque()
        with ThreadPoolExecutor(self.overlap) as threads:
            for chunk, taken in chunks(blocks):
                if chunk:
                    snapshot = self.definitions.read()
                    adoption.adopt(snapshot, datetime.now(UTC))
                    run = threads.submit(
                        run_graph, FnApiRunner(), self.options, lend(chunk), snapshot, self.workers, self.rejects
                    )
                    under_way.append((chunk, taken, run))
                else:
                    yield chunk, taken, Counter()
                if len(under_way) >= self.overlap:
                    yield _through(under_way.popleft())
                if self.stopped():
                    break
            while under_way:
                yield _through(under_way.popleft())

    def _complete(self, taken: datetime) -> None:
        until = taken.isoformat(timespec="milliseconds").replace("+00:00", "Z").encode()
        self.store.put_meta(layout.META_COMPLETE, {b"until": until})


def _through(
    under_way: tuple[list[Block], datetime, Future[Counter[str]]],
) -> tuple[list[Block], datetime, Counter[str]]:
    chunk, taken, run = under_way
    return chunk, taken, run.result()


def run_on(
    runner: str,
    options: Sequence[str],
    blocks: Iterable[Block],
    snapshot: Snapshot,
    workers: WorkersHandle,
    rejects: str,
    store: Store,
) -> Summary:
    """One run of the graph over all blocks on another runner, with the same promise."""
    begun = time.monotonic()
    Adoption(store).adopt(snapshot, datetime.now(UTC))
    whole = list(blocks)
    tally = run_graph(runner, options, ship(whole), snapshot, workers, rejects)
    store.flush()
    return Summary(tally, sum(b.input_bytes for b in whole), time.monotonic() - begun)


def check_options(options: Sequence[str]) -> None:
    """Refuse options that neither the command nor Beam knows."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for kind in PipelineOptions.__subclasses__():
        kind._add_argparse_args(parser)  # type: ignore[arg-type]
    try:
        _, unknown = parser.parse_known_args(list(options))
    except SystemExit:
        raise UsageError(f"Beam refuses these options: {' '.join(options)}") from None
    if unknown:
        raise UsageError(f"{unknown[0]}: neither an option of daycount run (see --help) nor one of Beam")


def run_graph(
    runner: Any, options: Sequence[str], blocks: HandedOver, snapshot: Snapshot, workers: WorkersHandle, rejects: str
) -> Counter[str]:
    """Run the graph over these blocks to its end; returns what its steps counted.

    Raises what a step raises, as a RunError where that is not one of our own errors but of the machine's making.
    """
    root = beam.Pipeline(runner=runner, options=PipelineOptions(list(options)))
    build(root, blocks, snapshot, workers, rejects)
    try:
        result = root.run()
        result.wait_until_finish()
    except (RunError, StoreError, UsageError) as e:
        raise type(e)(_without_step(e)) from e
    except BrokenProcessPool as e:
        raise RunError("a worker process was ended from outside, perhaps for want of memory; run it again") from e
    except OSError as e:
        raise RunError(f"{_without_step(e)}; mend it and run again") from e
    counters = result.metrics().query(beam.metrics.MetricsFilter().with_namespace(METRICS_NAMESPACE))["counters"]
    return Counter({c.key.metric.name: c.result for c in counters})


def _without_step(error: Exception) -> str:
    """The message without the step's name, which Beam puts behind it."""
    return re.sub(r" \[while running '[^']*'\]", "", str(error))


def chunks(blocks: Iterator[Block | None]) -> Iterator[tuple[list[Block], datetime]]:
    """Blocks in bounded groups, each with the time at which its first block was asked for.

    Where there is nothing new, an empty group after a short sleep.
    """
    chunk: list[Block] = []
    size, asked, begun = 0, datetime.now(UTC), time.monotonic()
    try:
        for block in blocks:
            if block is not None:
                chunk.append(block)
                size += block.length if block.data is None else block.length * CHUNK_BYTES // CHUNK_DATA_BYTES
                if size < CHUNK_BYTES and len(chunk) < CHUNK_BLOCKS:
                    continue
            else:
                time.sleep(POLL_S if not chunk else max(0.0, begun + PACE_S - time.monotonic()))
            yield chunk, asked
            chunk, size, asked, begun = [], 0, datetime.now(UTC), time.monotonic()
    except RunError:  # what stood before still counts
        if chunk:
            yield chunk, asked
        raise
    if chunk:
        yield chunk, asked

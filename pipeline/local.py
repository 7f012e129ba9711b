"""Drives the graph on one machine: one bounded chunk of input after the other, each a run of its own.

Memory is bounded by a chunk, progress is seen, and an interrupted run goes on where it stopped. A chunk's input is
acknowledged only after the store has it.
"""

from __future__ import annotations

import logging
import re
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple, TypeVar

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from pipeline.adopt import Adoption
from pipeline.definitions.refreshing import RefreshedDefinitions
from pipeline.hand_over import HandedOver, lend, ship
from pipeline.job import METRICS_NAMESPACE, WorkersHandle, build
from pipeline.memory import forget_cycles
from pipeline.model import layout
from pipeline.model.definition import Snapshot
from pipeline.model.errors import RunError, StoreError, TransientStoreError, UsageError
from pipeline.reject_limit import RejectLimit
from pipeline.runners import open_pipeline
from pipeline.sources.blocks import Block
from pipeline.sources.source import Backlog, Source
from pipeline.store.contract import Store

T = TypeVar("T")

CHUNK_BYTES = 256 * 1024 * 1024  # a run of the graph costs some 0.15 s, however small
CHUNK_BYTES_MAX = 1024 * 1024 * 1024  # where there are many accounts: a chunk reads and writes what it touches once,
CHUNK_BYTES_PER_ACCOUNT = 128 * 1024  # and what an account sends in it, some hundred events, should share that
CHUNK_DATA_BYTES = 64 * 1024 * 1024  # of blocks that carry their data, which waits here until its turn comes
CHUNK_BLOCKS = 512  # many small files
POLL_S = 0.1  # between looks where nothing was new
PACE_S = 0.7  # between the beginnings of live chunks that aren't full
GATHER_S = 0.3  # for so long a live chunk takes in what goes on coming
OUTAGE_S = 5.0  # between attempts while the store is away


@dataclass(slots=True)
class Summary:
    """What a run came to. `tally`: events, hits, duplicates, rejected.REASON, ..., as the steps count them.

    While it goes on: `backlog`, what waits at the source; `trouble`, what it is waiting for to pass.
    """

    tally: Counter[str] = field(default_factory=Counter)
    input_bytes: int = 0
    seconds: float = 0.0
    resumed: bool = False
    interrupted: bool = False
    backlog: Backlog | None = None
    trouble: str | None = None


class Chunk(NamedTuple):
    """Blocks that are counted together. `more`: others may be there already. `looked`: when the look at the source began
    that ends with this chunk; what stood there then is in it, or in one before.
    """

    blocks: list[Block]
    looked: datetime
    more: bool


@dataclass(slots=True)
class LocalRun:
    """One run. `overlap`: chunks under way at once, 1 unless the workers are processes of their own.

    `stopped` says between chunks whether to end early; `progressed` sees each chunk. `live`: the input goes on, so a
    chunk doesn't wait until it is large, and an outage of the store is waited out instead of ending the run.
    """

    store: Store
    definitions: RefreshedDefinitions[Snapshot]
    workers: WorkersHandle
    shards: int
    rejects: str
    options: Sequence[str]
    overlap: int
    stopped: Callable[[], bool]
    progressed: Callable[[Summary], None]
    reject_limit: RejectLimit
    live: bool = False
    _summary: Summary = field(default_factory=Summary)

    def run(self, source: Source) -> Summary:
        """Take all that the source gives.

        Raises what the steps raise; what was committed until then holds, what was not acknowledged comes again.
        """
        # What a step raises comes out of the run; Beam would print its traceback before that.
        logging.getLogger("apache_beam").setLevel(logging.CRITICAL)
        held = self.workers.acquire()  # keeps the workers from one chunk to the next
        summary = self._summary
        summary.resumed = source.resumed
        begun = time.monotonic()
        try:
            self._insist(lambda: self.store.settle(range(self.shards)))
            adoption = Adoption(self.store)
            for chunk, tally in self._counted(source.blocks(), adoption):
                summary.tally += tally
                summary.input_bytes += sum(b.input_bytes for b in chunk.blocks)
                self.reject_limit.check(tally)
                self._insist(partial(self._acknowledge, source, chunk))
                forget_cycles(sum(b.length for b in chunk.blocks))
                summary.seconds = time.monotonic() - begun
                summary.backlog = source.backlog()
                summary.trouble = source.trouble or self.definitions.stale_reason or adoption.refused
                self.progressed(summary)
            summary.interrupted = self.stopped()
            held.settle(self.shards)
        finally:
            held.close()
        if not summary.interrupted:
            source.finish()
        self.store.flush()
        summary.seconds = time.monotonic() - begun
        return summary

    def _counted(self, blocks: Iterator[Block | None], adoption: Adoption) -> Iterator[tuple[Chunk, Counter[str]]]:
        """Each chunk once its run is through, in order. Up to `overlap` of them are under way while there are more,
        so that workers don't wait while Beam moves hits; a shard's units still come one after the other, from the worker
        that owns it.
        """
        under_way: deque[tuple[Chunk, Future[Counter[str]]]] = deque()
        with ThreadPoolExecutor(self.overlap) as threads:
            for chunk in chunks(blocks, self.live, chunk_bytes(len(self.definitions.read().accounts))):
                if chunk.blocks:
                    under_way.append((chunk, threads.submit(self._count, chunk.blocks, self._adopt(adoption))))
                while under_way and len(under_way) >= (self.overlap if chunk.more else 1):
                    yield _through(under_way.popleft())
                if not chunk.blocks:
                    yield chunk, Counter()
                if self.stopped():
                    break
            while under_way:
                yield _through(under_way.popleft())

    def _adopt(self, adoption: Adoption) -> Snapshot:
        """The newest definitions, taken into force."""
        given, meanwhile = self.definitions.read(), adoption.latest is not None
        return self._insist(lambda: adoption.adopt(given, datetime.now(UTC), meanwhile=meanwhile))

    def _count(self, blocks: list[Block], snapshot: Snapshot) -> Counter[str]:
        lent = lend(blocks), lend([snapshot])
        return self._insist(lambda: run_graph(FnApiRunner(), self.options, *lent, self.workers, self.rejects))

    def _acknowledge(self, source: Source, chunk: Chunk) -> None:
        """The chunk is counted. **Retry:** harmless."""
        if chunk.blocks:
            if source.elsewhere:
                self.store.flush()
            source.acknowledge(chunk.blocks)
        if chunk.more or source.trouble:
            return  # what was sent before may still wait at the source
        until = chunk.looked.isoformat(timespec="milliseconds").replace("+00:00", "Z").encode()
        self.store.put_meta(layout.META_COMPLETE, {b"until": until})

    def _insist(self, call: Callable[[], T]) -> T:
        """What a call returns that may be repeated; again and again while the store is away, if the run is live."""
        while True:
            try:
                return call()
            except TransientStoreError as e:
                if not self.live or self.stopped():
                    raise
                self._summary.trouble = f"waiting: {e}"
                self.progressed(self._summary)
            until = time.monotonic() + OUTAGE_S
            while time.monotonic() < until and not self.stopped():
                time.sleep(POLL_S)


def _through(under_way: tuple[Chunk, Future[Counter[str]]]) -> tuple[Chunk, Counter[str]]:
    chunk, run = under_way
    return chunk, run.result()


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
    snapshot = Adoption(store).adopt(snapshot, datetime.now(UTC))
    whole = list(blocks)
    tally = run_graph(runner, options, ship(whole), ship([snapshot.to_bytes()], Snapshot.from_bytes), workers, rejects)
    store.flush()
    return Summary(tally, sum(b.input_bytes for b in whole), time.monotonic() - begun)


def run_graph(
    runner: Any, options: Sequence[str], blocks: HandedOver, definitions: HandedOver, workers: WorkersHandle, rejects: str
) -> Counter[str]:
    """Run the graph over these blocks to its end; returns what its steps counted.

    Raises what a step raises, as a RunError where that is not one of our own errors but of the machine's making.
    """
    root = open_pipeline(runner, PipelineOptions(list(options)))
    build(root, blocks, definitions, workers, rejects)
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


def chunk_bytes(accounts: int) -> int:
    """How much input makes a chunk."""
    return min(CHUNK_BYTES_MAX, max(CHUNK_BYTES, accounts * CHUNK_BYTES_PER_ACCOUNT))


def chunks(blocks: Iterator[Block | None], live: bool = False, bytes_max: int = CHUNK_BYTES) -> Iterator[Chunk]:
    """Blocks in bounded groups. Where there is nothing new, an empty group after a short sleep.

    live: what comes alone is counted at once; behind it more is gathered for a while, since each run has its price.
    """
    chunk, size, looked, since, begun = list[Block](), 0, datetime.now(UTC), time.monotonic(), -PACE_S
    try:
        for block in blocks:
            now = time.monotonic()
            if block is not None:
                chunk.append(block)
                size += block.length if block.data is None else block.length * bytes_max // CHUNK_DATA_BYTES
                late = live and now >= max(since + GATHER_S, begun + PACE_S)
                if size < bytes_max and len(chunk) < CHUNK_BLOCKS and not late:
                    continue
            elif chunk and now < begun + PACE_S:
                time.sleep(POLL_S)
                looked = datetime.now(UTC)
                continue
            elif not chunk:
                time.sleep(POLL_S)
            begun = now if chunk else begun
            yield Chunk(chunk, looked, block is not None)
            if block is None:  # else the same look goes on
                looked = datetime.now(UTC)
            chunk, size, since = [], 0, time.monotonic()
    except RunError:  # what stood before still counts
        if chunk:
            yield Chunk(chunk, looked, False)
        raise
    if chunk:
        yield Chunk(chunk, looked, False)

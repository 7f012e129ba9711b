"""The whole graph. Beam is a shell here: what a step does stands in `worker`, and works without it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing
from typing import Any

import apache_beam as beam
import orjson
from apache_beam.metrics import Metrics
from apache_beam.pvalue import AsSingleton, TaggedOutput
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.shared import Shared
from apache_beam.utils.windowed_value import WindowedValue

from pipeline.hand_over import HandedOver
from pipeline.match.block import Matched
from pipeline.model.definition import Snapshot
from pipeline.pool import InProcess, Processes, Workers
from pipeline.reject_places import open_rejects
from pipeline.sources.blocks import Block
from pipeline.worker import WorkerSetup

FindBlock = Callable[[Any], Block]
FindSnapshot = Callable[[Any], Snapshot]
METRICS_NAMESPACE = "daycount"
REJECTS = "rejects"


class WorkersHandle:
    """Names a process's workers wherever a step is run. count: processes, 1 = none of their own."""

    def __init__(self, setup: WorkerSetup, count: int) -> None:
        self._setup = setup
        self._count = count
        self._shared = Shared()

    def acquire(self) -> Workers:
        """The same workers for all steps in this process, for as long as one of them holds on."""
        return self._shared.acquire(self._make)

    def _make(self) -> Workers:
        return InProcess(self._setup) if self._count == 1 else Processes(self._setup, self._count)


def build(root: beam.Pipeline, blocks: HandedOver, snapshot: HandedOver, workers: WorkersHandle, rejects: str) -> None:
    """Read, match, group by shard, commit; rejects of every step flow to one place. snapshot: one, of the definitions."""
    definitions = root | "Read definitions" >> beam.Create(snapshot.names)
    matched = (
        root
        | "Name blocks" >> beam.Create(blocks.names)
        | "Match records"
        >> beam.ParDo(MatchRecords(workers, blocks.find, snapshot.find), AsSingleton(definitions)).with_outputs(
            REJECTS, main="hits"
        )
    )
    matched[REJECTS] | "Keep rejects" >> beam.ParDo(KeepRejects(rejects))
    (
        matched["hits"]
        | "Group by shard" >> beam.GroupByKey()
        | "Commit units" >> beam.ParDo(CommitUnits(workers, snapshot.find), AsSingleton(definitions))
    )


class MatchRecords(beam.DoFn):
    """A block's name -> (shard, hits as bytes), and rejects as JSON lines. **Retry:** harmless."""

    def __init__(self, workers: WorkersHandle, find: FindBlock, find_snapshot: FindSnapshot) -> None:
        self._handle = workers
        self._find = find
        self._find_snapshot = find_snapshot

    def setup(self) -> None:
        self._workers = self._handle.acquire()
        self._adopted = Adopted(self._workers, self._find_snapshot)

    def start_bundle(self) -> None:
        self._pending: deque[Future[Matched]] = deque()

    def process(self, name: Any, definitions: Any) -> Iterator[Any]:
        version = self._adopted.ensure(definitions)
        self._pending.append(self._workers.match(self._find(name).loaded(), version))
        while len(self._pending) > self._workers.outstanding_max:
            yield from self._outputs(self._pending.popleft())

    def finish_bundle(self) -> Iterator[Any]:
        while self._pending:
            for output in self._outputs(self._pending.popleft()):
                yield _in_global_window(output)

    def _outputs(self, done: Future[Matched]) -> Iterator[Any]:
        matched = done.result()
        for name, count in matched.tally.items():
            _count(name, count)
        yield from matched.hits
        for reject in matched.rejects:
            yield TaggedOutput(REJECTS, orjson.dumps(reject.to_record()))


class CommitUnits(beam.DoFn):
    """(shard, all its hits of the chunk) -> committed. **Retry:** harmless, what was committed is known."""

    def __init__(self, workers: WorkersHandle, find_snapshot: FindSnapshot) -> None:
        self._handle = workers
        self._find_snapshot = find_snapshot

    def setup(self) -> None:
        self._workers = self._handle.acquire()
        self._adopted = Adopted(self._workers, self._find_snapshot)

    def start_bundle(self) -> None:
        self._pending: list[Future[Any]] = []

    def process(self, unit: tuple[int, Any], definitions: Any) -> None:
        self._adopted.ensure(definitions)
        shard, messages = unit
        self._pending.append(self._workers.commit(shard, list(messages)))

    def finish_bundle(self) -> None:
        for done in self._pending:
            for name, count in done.result().items():
                _count(name, count)


class KeepRejects(beam.DoFn):
    """Rejects as JSON lines, kept for good when the bundle is through. place: see `open_rejects`.

    **Retry:** a record that is taken again is kept again.
    """

    def __init__(self, place: str) -> None:
        self._place = place

    def start_bundle(self) -> None:
        self._lines: list[bytes] = []

    def process(self, line: bytes) -> None:
        self._lines.append(line)

    def finish_bundle(self) -> None:
        if self._lines:
            with closing(open_rejects(self._place)) as place:
                place.keep(self._lines)


class Adopted:
    """The definitions that a step works under. Other steps of the process may be under others meanwhile."""

    def __init__(self, workers: Workers, find: FindSnapshot) -> None:
        self._workers = workers
        self._find = find
        self._last: Any = None
        self._snapshot: Snapshot | None = None

    def ensure(self, definitions: Any) -> str:
        """Make these known to the workers; returns their version."""
        if self._snapshot is None or definitions != self._last:
            self._last, self._snapshot = definitions, self._find(definitions)
        self._workers.adopt(self._snapshot)
        return self._snapshot.version


def _count(name: str, count: int) -> None:
    Metrics.counter(METRICS_NAMESPACE, name).inc(count)


def _in_global_window(output: Any) -> Any:
    if isinstance(output, TaggedOutput):
        return TaggedOutput(output.tag, _in_global_window(output.value))
    return WindowedValue(output, GlobalWindow().max_timestamp(), (GlobalWindow(),))

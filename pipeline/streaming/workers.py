"""The workers of one of an engine's processes. Its steps run in several threads; a worker is used by one at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from queue import Empty, LifoQueue
from threading import Lock

from apache_beam.utils.shared import Shared

from pipeline.definitions.refreshing import RefreshedDefinitions
from pipeline.match.block import Matched
from pipeline.memory import tune_memory
from pipeline.model.definition import Snapshot
from pipeline.sources.blocks import Block
from pipeline.streaming.definitions import InForce, Numbered
from pipeline.streaming.setup import EngineSetup
from pipeline.worker import Worker

KNOWN_MAX = 1_000  # definitions, all accounts' together, that changed meanwhile
KEEPERS = 4  # of shards, so many units can wait for the store at once


class EngineWorkers:
    """Judges in as many threads as ask; commits one unit of a shard after the other."""

    def __init__(self, given: EngineSetup) -> None:
        tune_memory()
        self._given = given
        self._setup = setup = given.worker_setup(KEEPERS)
        self._definitions: RefreshedDefinitions[Numbered] | None = None
        self._reading = Lock()
        self._matching: LifoQueue[Worker] = LifoQueue()
        self._keeping = [(Worker(setup), Lock()) for _ in range(KEEPERS)]
        self._judged_by: list[set[int]] = [set() for _ in range(KEEPERS)]

    def match(self, block: Block, snapshot: Snapshot) -> Matched:
        """See `Worker.match`."""
        with self._free() as worker:
            worker.adopt(snapshot)
            return worker.match(block, snapshot.version)

    def commit(self, shard: int, messages: Sequence[bytes], judged_by: Collection[int]) -> Counter[str]:
        """Commit hits for good; judged_by: stands for the definitions that they were judged under, all of which the store
        states by now. **Retry:** harmless, see `Worker.commit`.
        """
        at = shard % KEEPERS
        worker, lock = self._keeping[at]
        with lock:
            if not self._judged_by[at].issuperset(judged_by):
                worker.forget_definitions()
                known = self._judged_by[at] if len(self._judged_by[at]) < KNOWN_MAX else set()
                self._judged_by[at] = known | set(judged_by)
            tally = worker.commit(shard, messages)
            worker.flush()
            return tally

    def in_force(self) -> Numbered:
        """The definitions, read again and again in the background from now on.

        Raises what the first read raises, which may be tried again.
        """
        with self._reading:
            if self._definitions is None:
                with ExitStack() as opened:
                    read = opened.enter_context(closing(InForce(self._given.definitions_url, self._given.store_url)))
                    self._definitions = RefreshedDefinitions(read, read.read(), self._given.refresh_s)
                    opened.pop_all()  # it is read until the process ends
            return self._definitions.read()

    @contextmanager
    def _free(self) -> Iterator[Worker]:
        try:
            worker = self._matching.get_nowait()
        except Empty:
            worker = Worker(self._setup)
        try:
            yield worker
        finally:
            self._matching.put(worker)


class EngineWorkersHandle:
    """Names a process's workers wherever a step is run."""

    def __init__(self, setup: EngineSetup) -> None:
        self._setup = setup
        self._shared = Shared()

    def acquire(self) -> EngineWorkers:
        """The same for all steps in this process, for as long as one of them holds on."""
        return self._shared.acquire(lambda: EngineWorkers(self._setup))

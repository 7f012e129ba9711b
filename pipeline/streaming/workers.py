"""The workers of one of an engine's processes. Its steps run in several threads; a worker is used by one at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from queue import Empty, LifoQueue
from threading import Lock

from apache_beam.utils.shared import Shared

from pipeline.match.block import Matched
from pipeline.memory import tune_memory
from pipeline.model.definition import Snapshot
from pipeline.model.errors import UsageError
from pipeline.sources.blocks import Block
from pipeline.store import open_store
from pipeline.store.fixed import read_fixed, visitor_key_given
from pipeline.worker import Worker, WorkerSetup

KEEPERS = 4  # of shards, so many units can wait for the store at once


@dataclass(frozen=True, slots=True)
class EngineSetup:
    """What a job tells its processes. Shards and visitor key they get from the store (and their environment), so that
    no secret stands in a job's graph.
    """

    store_url: str
    account: str | None
    dedup_days: int
    held_bytes_max: int

    def worker_setup(self) -> WorkerSetup:
        """The whole of it. Raises UsageError where the store isn't the job's, or the key isn't the store's."""
        with closing(open_store(self.store_url, create=False)) as store:
            fixed = read_fixed(store, visitor_key_given())
        if fixed is None:
            raise UsageError(f"--store {self.store_url}: nothing was ever counted into it; submit the job again")
        held = self.held_bytes_max // KEEPERS
        return WorkerSetup(self.store_url, fixed.shards, fixed.visitor_key, self.account, self.dedup_days, held)


class EngineWorkers:
    """Judges in as many threads as ask; commits one unit of a shard after the other."""

    def __init__(self, setup: WorkerSetup) -> None:
        tune_memory()
        self._setup = setup
        self._matching: LifoQueue[Worker] = LifoQueue()
        self._keeping = [(Worker(setup), Lock()) for _ in range(KEEPERS)]
        self._as_of = [0] * KEEPERS

    def match(self, block: Block, snapshot: Snapshot) -> Matched:
        """See `Worker.match`."""
        with self._free() as worker:
            worker.adopt(snapshot)
            return worker.match(block, snapshot.version)

    def commit(self, shard: int, messages: Sequence[bytes], as_of: int) -> Counter[str]:
        """Commit hits for good; as_of: the number of the newest definitions that one of them was judged under, which the
        store then states. **Retry:** harmless, see `Worker.commit`.
        """
        at = shard % KEEPERS
        worker, lock = self._keeping[at]
        with lock:
            if as_of > self._as_of[at]:
                worker.forget_definitions()
                self._as_of[at] = as_of
            tally = worker.commit(shard, messages)
            worker.flush()
            return tally

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
        return self._shared.acquire(lambda: EngineWorkers(self._setup.worker_setup()))

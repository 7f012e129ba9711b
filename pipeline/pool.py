"""Workers, in this process or in several others. A shard always goes to the same worker, which holds its state."""

from __future__ import annotations

import multiprocessing
import os
import signal
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import cycle
from threading import Lock

from pipeline.match.block import Matched
from pipeline.memory import tune_memory
from pipeline.model.definition import Snapshot
from pipeline.model.errors import RunError
from pipeline.sources.blocks import Block
from pipeline.worker import SNAPSHOTS_KNOWN, Worker, WorkerSetup


class Workers(ABC):
    """Where the work of the graph's steps is done. Results are futures; errors come out of them."""

    outstanding_max: int  # blocks worth handing out before the first result is waited for

    @abstractmethod
    def adopt(self, snapshot: Snapshot) -> None:
        """Make definitions known to all workers, see `Worker.adopt`."""

    @abstractmethod
    def match(self, block: Block, version: str) -> Future[Matched]:
        """See `Worker.match`."""

    @abstractmethod
    def commit(self, shard: int, messages: Sequence[bytes]) -> Future[Counter[str]]:
        """See `Worker.commit`."""

    @abstractmethod
    def settle(self, shards: int) -> None:
        """Make sure that nothing committed to any shard is half-applied, see `Worker.settle`. **Retry:** harmless."""

    @abstractmethod
    def close(self) -> None:
        """End the workers once what they were handed is done."""


class InProcess(Workers):
    """One worker, here and now."""

    outstanding_max = 0

    def __init__(self, setup: WorkerSetup) -> None:
        self._worker = Worker(setup)

    def adopt(self, snapshot: Snapshot) -> None:
        self._worker.adopt(snapshot)

    def match(self, block: Block, version: str) -> Future[Matched]:
        done: Future[Matched] = Future()
        done.set_result(self._worker.match(block, version))
        return done

    def commit(self, shard: int, messages: Sequence[bytes]) -> Future[Counter[str]]:
        done: Future[Counter[str]] = Future()
        done.set_result(self._worker.commit(shard, messages))
        return done

    def settle(self, shards: int) -> None:
        for shard in range(shards):
            self._worker.settle(shard)

    def close(self) -> None:
        pass


class Processes(Workers):
    """Several workers, a process each, that die with this one. Made in the main thread, used from any.

    The processes are started here and now: Linux ends them together with the thread that started them.
    """

    def __init__(self, setup: WorkerSetup, count: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._pools = [
            ProcessPoolExecutor(1, mp_context=context, initializer=_start, initargs=(setup,)) for _ in range(count)
        ]
        with _telling_who_is_gone():
            for started in [pool.submit(_ready) for pool in self._pools]:
                started.result()
        self._turns = cycle(self._pools)
        self._known: list[str] = []  # versions, as every worker knows them
        self._adopting = Lock()
        self.outstanding_max = 2 * count

    def adopt(self, snapshot: Snapshot) -> None:
        with self._adopting:
            if snapshot.version not in self._known:
                for adopted in [pool.submit(_adopt, snapshot.to_bytes()) for pool in self._pools]:
                    adopted.result()
                self._known = [*self._known, snapshot.version][-SNAPSHOTS_KNOWN:]

    def match(self, block: Block, version: str) -> Future[Matched]:
        return next(self._turns).submit(_match, block, version)

    def commit(self, shard: int, messages: Sequence[bytes]) -> Future[Counter[str]]:
        return self._pools[shard % len(self._pools)].submit(_commit, shard, messages)

    def settle(self, shards: int) -> None:
        with _telling_who_is_gone():
            for settled in [self._pools[s % len(self._pools)].submit(_settle, s) for s in range(shards)]:
                settled.result()

    def close(self) -> None:
        for pool in self._pools:
            pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _telling_who_is_gone() -> Iterator[None]:
    """A process that is gone while the workers start or settle. What a step waits for, `local` tells in the same words."""
    try:
        yield
    except BrokenProcessPool as e:
        raise RunError("a worker process was ended from outside, perhaps for want of memory; run it again") from e


# In a worker process: the one worker, made by the pool's initializer before any task.
_worker: Worker


def _start(setup: WorkerSetup) -> None:
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the driver decides when to end
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _die_with_parent()
    tune_memory()
    _worker = Worker(setup)


def _die_with_parent() -> None:
    """Where the driver is killed, its workers must not go on: on Linux the kernel sees to it."""
    try:
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    except (OSError, AttributeError):
        pass  # elsewhere the pool's broken pipe ends them
    driver = multiprocessing.parent_process()
    if driver is not None and os.getppid() != driver.pid:
        os._exit(1)  # it was killed before the kernel had been told


def _ready() -> None:
    """Done when the initializer is."""


def _adopt(snapshot: bytes) -> None:
    _worker.adopt(Snapshot.from_bytes(snapshot))


def _match(block: Block, version: str) -> Matched:
    return _worker.match(block, version)


def _commit(shard: int, messages: Sequence[bytes]) -> Counter[str]:
    return _worker.commit(shard, messages)


def _settle(shard: int) -> None:
    _worker.settle(shard)

"""Owns the threads that read the store: one store object each, opened when it is first needed."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from pipeline.model.errors import StoreError, TransientStoreError, UsageError
from pipeline.store.contract import Store
from readers.problem import Overloaded

T = TypeVar("T")
THREADS = 8
ANSWER_WITHIN_S = 10.0  # waiting for a thread included; a call of a store gives up before
REST_S = 1.0
WAITING_MAX = 256  # at a few milliseconds a query that is about a second of waiting


class Stores:
    """Runs reads in a bounded pool of threads. A store that failed is closed and opened anew by the next read.

    When as many reads in a row had no answer as there are threads, the store rests: who waits is told at once.
    """

    def __init__(
        self,
        open_one: Callable[[], Store],
        threads: int = THREADS,
        waiting_max: int = WAITING_MAX,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._open_one = open_one
        self._clock_s = clock_s
        self._threads = threads
        self._unanswered = 0
        self._rests_until_s = 0.0
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="store")
        self._own = threading.local()
        self._lock = threading.Lock()
        self._opened: set[Store] = set()
        self._busy = 0
        self._busy_max = threads + waiting_max

    async def run(self, read: Callable[[Store], T], within_s: float = ANSWER_WITHIN_S) -> T:
        """What `read` gives, from one of the threads. Raises Problem (503) when too many are waiting, StoreError.

        Nobody waits longer than this, even where a store hangs: what has not begun by then never does.
        """
        if self._busy >= self._busy_max:
            raise Overloaded
        self._busy += 1
        try:
            async with asyncio.timeout(within_s):
                return await asyncio.get_running_loop().run_in_executor(self._pool, self._run_here, read)
        except TimeoutError:
            raise TransientStoreError(f"no answer within {within_s:g} s") from None
        finally:
            self._busy -= 1

    def close(self) -> None:
        """Wait for running reads and close all stores."""
        self._pool.shutdown(cancel_futures=True)
        for store in self._opened:
            store.close()
        self._opened.clear()

    def _run_here(self, read: Callable[[Store], T]) -> T:
        if self._unanswered >= self._threads and self._clock_s() < self._rests_until_s:
            raise TransientStoreError("the store rests: it has not answered lately")
        try:
            found = self._read(read)
        except TransientStoreError:
            with self._lock:
                self._unanswered += 1
                self._rests_until_s = self._clock_s() + REST_S
            raise
        self._unanswered = 0
        return found

    def _read(self, read: Callable[[Store], T]) -> T:
        store: Store | None = getattr(self._own, "store", None)
        if store is None:
            return self._try(self._open(), read)
        try:
            return self._try(store, read)
        except TransientStoreError:
            raise
        except StoreError:  # its file was put back, or replaced by a newer copy
            return self._try(self._open(), read)

    def _open(self) -> Store:
        try:
            store = self._own.store = self._open_one()
        except UsageError as error:  # it could be opened at the start
            raise TransientStoreError(str(error)) from error
        with self._lock:
            self._opened.add(store)
        return store

    def _try(self, store: Store, read: Callable[[Store], T]) -> T:
        try:
            return read(store)
        except StoreError:
            self._own.store = None
            with self._lock:
                self._opened.discard(store)
            store.close()
            raise

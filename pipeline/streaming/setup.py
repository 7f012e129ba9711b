"""What a job tells its processes, wherever the engine starts them."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

from pipeline.model.errors import UsageError
from pipeline.store import open_store
from pipeline.store.fixed import read_fixed, visitor_key_given
from pipeline.worker import WorkerSetup


@dataclass(frozen=True, slots=True)
class EngineSetup:
    """What is in a job's graph. Shards and visitor key the processes get from the store, and from their environment."""

    store_url: str
    definitions_url: str
    refresh_s: float
    account: str | None
    dedup_days: int
    held_bytes_max: int

    def worker_setup(self, keepers: int) -> WorkerSetup:
        """For one of so many workers of a process.

        Raises UsageError where the store was never counted into, or the visitor key isn't its own.
        """
        with closing(open_store(self.store_url, create=False)) as store:
            fixed = read_fixed(store, visitor_key_given())
        if fixed is None:
            raise UsageError(f"--store {self.store_url}: nothing was ever counted into it; submit the job again")
        held = self.held_bytes_max // keepers
        return WorkerSetup(self.store_url, fixed.shards, fixed.visitor_key, self.account, self.dedup_days, held)

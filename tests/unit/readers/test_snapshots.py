"""Refreshing: who has just changed something is given it, and many who wait share one read."""

from __future__ import annotations

import asyncio
import threading

from pipeline.definitions.source import DefinitionsSource
from pipeline.model.definition import AccountDefinitions, Settings, Snapshot
from readers.snapshots import Snapshots


class SlowSource(DefinitionsSource):
    """Each read sees the number of changes there were when it began, and ends when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.changes = self.reads = 0
        self.begun, self.may_end = threading.Semaphore(0), threading.Semaphore(1)

    def _fetch(self, last: Snapshot | None) -> Snapshot:
        self.reads += 1
        seen = AccountDefinitions.of(f"after-{self.changes}", Settings(), ())
        self.begun.release()
        assert self.may_end.acquire(timeout=60)
        return Snapshot.of([seen])


def test_a_change_is_seen_by_whoever_made_it_and_reads_are_shared() -> None:
    source = SlowSource()
    snapshots = Snapshots(source)
    source.begun.acquire()

    async def change() -> list[str]:
        source.changes += 1
        await snapshots.refresh()
        return list(snapshots.current.accounts)

    async def during_a_read() -> list[list[str]]:
        running = asyncio.create_task(snapshots.refresh())
        assert await asyncio.to_thread(source.begun.acquire, timeout=60)
        changes = [asyncio.create_task(change()) for _ in range(5)]
        await asyncio.sleep(0)
        source.may_end.release(2)
        await running
        return await asyncio.gather(*changes)

    assert asyncio.run(during_a_read()) == [["after-5"]] * 5
    assert source.reads == 3  # the first, the one that was running, and one for all changes

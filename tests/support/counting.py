"""A smallest user of the store: counts up in one slot of a shard, beginning again whenever the contract says so."""

from __future__ import annotations

import multiprocessing

from pipeline.model.errors import Fenced, TransientStoreError
from pipeline.store import Cell, Store, open_store

SLOT_ROW, SLOT = b"count", b"slot"


def count_up(url: str, shard: int, times: int) -> None:
    """Add one to the shard's slot so many times; for a process of its own."""
    store = open_store(url)
    done = 0
    while done < times:
        try:
            seq = store.take(shard)
            store.commit(shard, seq, [Cell("counters", SLOT_ROW, SLOT, str(counted(store) + 1).encode())])
        except Fenced:
            continue  # the other was first: what was read is out of date
        except TransientStoreError as e:
            raise AssertionError("no fault was planned here") from e
        done += 1
    store.close()


def counted(store: Store) -> int:
    return int(dict(store.read("counters", [SLOT_ROW]).get(SLOT_ROW, [])).get(SLOT, b"0"))


def count_in_processes(url: str, shard: int, times: int, processes: int) -> None:
    """The same from several processes at once. Spawned: gRPC does not survive a fork."""
    context = multiprocessing.get_context("spawn")
    running = [context.Process(target=count_up, args=(url, shard, times)) for _ in range(processes)]
    for process in running:
        process.start()
    for process in running:
        process.join()
    assert [process.exitcode for process in running] == [0] * processes

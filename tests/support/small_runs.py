"""Owns runs without Beam: the same worker, store and definitions as `daycount run`, in this process and at once.

For tests that ask for many runs; that the command does the same is held by tests that start it.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.adopt import Adoption
from pipeline.definitions.source import open_definitions
from pipeline.model.definition import Snapshot
from pipeline.model.rejects import Reject
from pipeline.sources.blocks import BLOCK_BYTES, Block
from pipeline.sources.files import blocks, find_files
from pipeline.store import Store, open_store
from pipeline.store.fixed import fix
from pipeline.worker import Worker, WorkerSetup
from readers.output import write_json
from readers.query import run_query
from readers.text_query import body_of_texts
from tests.support.daycount import exactly

SHARDS = 8


@dataclass(slots=True)
class SmallRun:
    """Counts into a store. `chunk_blocks`: so many blocks make one unit per shard."""

    store_url: str
    definitions: str
    account: str = "shop"
    block_bytes: int = BLOCK_BYTES
    chunk_blocks: int = 16
    dedup_days: int = 7
    held_bytes_max: int = 64 * 1024 * 1024
    rejects: list[Reject] = field(default_factory=list)

    def run(self, *inputs: str | Path) -> Counter[str]:
        """Take all inputs; the tally."""
        tally: Counter[str] = Counter()
        with self._opened() as (store, worker):
            found = blocks(find_files([str(i) for i in inputs]), {}, self.block_bytes)
            for chunk in grouped(found, self.chunk_blocks):
                tally += self._take(worker, chunk)
            store.flush()
        return tally

    def query(self, *metrics: str, **words: str) -> dict[str, Any]:
        """What `daycount query` would print as JSON; words as its options, `from_` for --from."""
        names = {"from_": "from"}
        body = body_of_texts({"metrics": metrics, **{names.get(k, k): [v] for k, v in words.items()}})
        store = open_store(self.store_url)
        out = io.StringIO()
        write_json(run_query(store, self._snapshot(), self.account, body, datetime.now(UTC)), out)
        store.close()
        return exactly(out.getvalue())

    @contextmanager
    def _opened(self) -> Iterator[tuple[Store, Worker]]:
        store = open_store(self.store_url, create=True)
        fixed = fix(store, shards=SHARDS, default_shards=SHARDS, visitor_key=None)
        store.settle(range(SHARDS))
        snapshot = self._snapshot()
        Adoption(store).adopt(snapshot, datetime.now(UTC))
        setup = WorkerSetup(self.store_url, SHARDS, fixed.visitor_key, self.account, self.dedup_days, self.held_bytes_max)
        worker = Worker(setup)
        worker.adopt(snapshot)
        yield store, worker
        store.settle(range(SHARDS))
        store.close()

    def _snapshot(self) -> Snapshot:
        source = open_definitions(self.definitions)
        try:
            return source.read()
        finally:
            source.close()

    def _take(self, worker: Worker, chunk: Sequence[Block]) -> Counter[str]:
        units: dict[int, list[bytes]] = {}
        tally: Counter[str] = Counter()
        for block in chunk:
            matched = worker.match(block)
            tally += matched.tally
            self.rejects += matched.rejects
            for shard, hits in matched.hits:
                units.setdefault(shard, []).append(hits)
        for shard, messages in units.items():
            tally += worker.commit(shard, messages)
        return tally


def grouped(found: Iterable[Block], size: int) -> Iterator[list[Block]]:
    """Blocks in groups of `size`."""
    group: list[Block] = []
    for block in found:
        group.append(block)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group

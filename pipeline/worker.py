"""What one worker does: judge blocks of records, commit units of hits. Knows no Beam; runs in any process."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.decode.odd import Span
from pipeline.match.block import BlockMatcher, Matched
from pipeline.model.definition import Snapshot
from pipeline.shard.keeper import DEDUP_DAYS, HELD_BYTES_MAX, ShardKeeper
from pipeline.sources.blocks import Block
from pipeline.store import open_store


@dataclass(frozen=True, slots=True)
class WorkerSetup:
    """All a worker must be told. `account`: the one the input is trusted to be of (None: each record says)."""

    store_url: str
    shards: int
    visitor_key: bytes
    account: str | None = None
    dedup_days: int = DEDUP_DAYS
    held_bytes_max: int = HELD_BYTES_MAX


class Worker:
    """Opens the store when it first commits. Not for two threads at a time."""

    def __init__(self, setup: WorkerSetup) -> None:
        self._setup = setup
        self._matcher: BlockMatcher | None = None
        self._keeper: ShardKeeper | None = None
        self._snapshots: list[Snapshot] = []

    def adopt(self, snapshot: Snapshot) -> None:
        """Judge by these definitions from now on."""
        if self._snapshots and self._snapshots[-1].version == snapshot.version:
            return
        self._matcher = BlockMatcher(snapshot, self._setup.shards, self._setup.visitor_key)
        self._snapshots = [*self._snapshots[-1:], snapshot]  # hits judged by the one before may still come
        if self._keeper is not None:
            self._keeper.adopt(snapshot)

    def match(self, block: Block) -> Matched:
        """Judge a block's records. **Retry:** harmless, nothing is written."""
        assert self._matcher is not None, "adopt comes first"
        span = Span(block.source, block.offset, self._setup.account)
        return self._matcher.match(block.read(), span, time.time_ns())

    def commit(self, shard: int, messages: Sequence[bytes]) -> Counter[str]:
        """Commit hits as units of the shard. **Retry:** harmless, see `ShardKeeper.commit`."""
        if self._keeper is None:
            store = open_store(self._setup.store_url, create=False)
            self._keeper = ShardKeeper(
                store, dedup_days=self._setup.dedup_days, held_bytes_max=self._setup.held_bytes_max
            )
            for snapshot in self._snapshots:
                self._keeper.adopt(snapshot)
        return self._keeper.commit(shard, messages)

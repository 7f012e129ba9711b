"""What one worker does: judge blocks of records, commit units of hits. Knows no Beam; runs in any process."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.decode.odd import Span
from pipeline.match.block import BlockMatcher, Matched
from pipeline.match.parsed import ParsedConditions
from pipeline.model.definition import Snapshot
from pipeline.model.errors import StoreAway, TransientStoreError
from pipeline.shard.keeper import DEDUP_DAYS, HELD_BYTES_MAX, ShardKeeper
from pipeline.sources.blocks import Block
from pipeline.store import Store, open_store

SNAPSHOTS_KNOWN = 3  # of definitions: two chunks may be under way, and a change between them


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
        self._matchers: dict[str, BlockMatcher] = {}  # by the version of the definitions, in the order of adoption
        self._parsed = ParsedConditions()
        self._keeper: ShardKeeper | None = None
        self._snapshots: dict[str, Snapshot] = {}

    def adopt(self, snapshot: Snapshot) -> None:
        """Know these definitions. The last few stay known, for what is still under way under them."""
        if snapshot.version in self._snapshots:
            return
        for known in list(self._snapshots)[: 1 - SNAPSHOTS_KNOWN]:
            del self._snapshots[known], self._matchers[known]
        self._snapshots[snapshot.version] = snapshot
        self._parsed.keep(
            m.revision for s in self._snapshots.values() for a in s.accounts.values() for m in a.metrics.values()
        )
        matcher = BlockMatcher(snapshot, self._setup.shards, self._setup.visitor_key, self._parsed)
        self._matchers[snapshot.version] = matcher
        if self._keeper is not None:
            self._keeper.adopt(snapshot)

    def match(self, block: Block, version: str | None = None) -> Matched:
        """Judge a block's records by definitions that are known (None: those adopted last).

        **Retry:** harmless, nothing is written.
        """
        matcher = self._matchers[version or next(reversed(self._matchers))]
        trusted, says = self._setup.account or block.account, block.account if self._setup.account else None
        span = Span(block.source, block.offset, trusted, says, block.places)
        return matcher.match(block.read(), span, time.time_ns())

    def commit(self, shard: int, messages: Sequence[bytes]) -> Counter[str]:
        """Commit hits as units of the shard. **Retry:** harmless, see `ShardKeeper.commit`."""
        return self._opened().commit(shard, messages)

    def forget_definitions(self) -> None:
        """Those that hits were judged under may have changed, and are stated in the store."""
        self._opened().forget_definitions()

    def flush(self) -> None:
        """Returns once what was committed survives a power cut. **Retry:** harmless."""
        self._opened().flush()

    def settle(self, shard: int) -> None:
        """Apply the shard's last unit again, unless it is this worker's own and applied. **Retry:** harmless."""
        self._opened().settle(shard)

    def _open(self) -> Store:
        try:
            return open_store(self._setup.store_url, create=False)
        except StoreAway as e:  # it was there when the run began
            raise TransientStoreError(str(e)) from e

    def _opened(self) -> ShardKeeper:
        if self._keeper is None:
            store = self._open()
            self._keeper = ShardKeeper(store, dedup_days=self._setup.dedup_days, held_bytes_max=self._setup.held_bytes_max)
            for snapshot in self._snapshots.values():
                self._keeper.adopt(snapshot)
        return self._keeper

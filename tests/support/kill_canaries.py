"""Rules of the protocol left out, to be planted into forked runs: what stories of kills must find out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.model.layout import head_row
from pipeline.sources.blocks import Block
from pipeline.store.bigtable import BigtableStore, unit
from pipeline.store.sqlite import SqliteStore
from tests.support.kill_points import sources
from tests.support.strikes import wrap


def acknowledge_first() -> None:
    """A source is acknowledged when its blocks are handed out, not when the store has them."""
    for source in sources():
        acknowledge = source.acknowledge

        def blocks(real: Any, self: Any, acknowledge: Any = acknowledge) -> Iterator[Block | None]:
            for block in real(self):
                if block is not None:
                    acknowledge(self, [block])
                yield block

        wrap(source, "blocks", blocks)
        wrap(source, "acknowledge", lambda *_: None)


def never_reapply() -> None:
    """A shard is taken over without finishing what its head says."""
    wrap(BigtableStore, "_finish", lambda _, store, shard: store._head(shard))


def never_fence() -> None:
    """A head moves whoever has moved it meanwhile."""

    def move_head(_: Any, store: Any, shard: int, seq: int, head: Any) -> None:
        store._write([("shards", [unit.Entry(row_key=head_row(shard), mutations=head)])])

    wrap(BigtableStore, "_move_head", move_head)
    wrap(SqliteStore, "commit", lambda real, store, shard, seq, cells: real(store, shard, store._seq(shard), cells))

"""A store that passes every call on; a test changes what it needs to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pipeline.store.contract import Cell, Ranges, Rows, Store


class ChangedStore(Store):
    """See the module."""

    def __init__(self, inner: Store) -> None:
        self.inner = inner

    def take(self, shard: int) -> int:
        return self.inner.take(shard)

    def commit(self, shard: int, seq: int, cells: Sequence[Cell]) -> int:
        return self.inner.commit(shard, seq, cells)

    def settle(self, shards: Iterable[int]) -> None:
        self.inner.settle(shards)

    def read(self, table: str, rows: Sequence[bytes], ranges: Ranges | None = None) -> Rows:
        return self.inner.read(table, rows, ranges)

    def scan(self, table: str, prefix: bytes) -> Rows:
        return self.inner.scan(table, prefix)

    def put_meta_rows(self, rows: Mapping[bytes, Mapping[bytes, bytes]]) -> None:
        self.inner.put_meta_rows(rows)

    def create_meta(self, row: bytes, qualifier: bytes, value: bytes) -> bytes:
        return self.inner.create_meta(row, qualifier, value)

    def flush(self) -> None:
        self.inner.flush()

    def close(self) -> None:
        self.inner.close()

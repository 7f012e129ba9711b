"""A store that passes every call on and notes what came of it, so that a test can say that it met what it is for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from pipeline.model.errors import Fenced, StoreError, TransientStoreError
from pipeline.store.contract import Cell, Store
from tests.support.changed_store import ChangedStore

T = TypeVar("T")


class WatchedStore(ChangedStore):
    """Counts into `happened`."""

    def __init__(self, inner: Store, happened: Counter[str]) -> None:
        super().__init__(inner)
        self._happened = happened

    def take(self, shard: int) -> int:
        return self._told(lambda: self.inner.take(shard))

    def settle(self, shards: Iterable[int]) -> None:
        self._told(lambda: self.inner.settle(shards))

    def commit(self, shard: int, seq: int, cells: Sequence[Cell]) -> int:
        committed = self._told(lambda: self.inner.commit(shard, seq, cells))
        self._happened["folded"] += any(cell.value is None for cell in cells)
        return committed

    def _told(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except Fenced:
            self._happened["fenced"] += 1
            raise
        except TransientStoreError:
            self._happened["outcome unknown"] += 1
            raise
        except StoreError:
            self._happened["refused for good"] += 1
            raise

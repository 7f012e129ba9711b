"""Wrong programs, each without one rule of the protocol: real code, changed by a patch or in what it is wrapped in.

Which rule each lacks, and where that must show, is `canaries`' business.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.counters.slots import Changes, Slots
from pipeline.model.counter import NO_MAX, NO_MIN
from pipeline.model.errors import StoreError, TransientStoreError
from pipeline.model.layout import head_row, unpack_totals
from pipeline.shard import plan
from pipeline.shard.keeper import ShardKeeper
from pipeline.store import Cell, Store
from pipeline.store.bigtable import BigtableStore, store, unit
from pipeline.store.bigtable.store import MICROS_PER_SEQ
from pipeline.store.bigtable.unit import Head
from pipeline.store.contract import UnitRows
from tests.support.changed_store import ChangedStore

BY_THE_SERVER = -1  # Bigtable's timestamp of a cell that is to get the server's clock

Patch = pytest.MonkeyPatch
Change = Callable[[Patch], None]


def nothing(patch: Patch) -> None:
    """Leaves all as it is."""


class ReadsTheHeadLast(ChangedStore):
    """Commits on whatever head there is by then, not on the one that was there before the rows were read."""

    def commit(self, shard: int, seq: int, cells: Sequence[Cell]) -> int:
        return super().commit(shard, super().take(shard), cells)


def never_fences(patch: Patch) -> None:
    """Moves the head whoever has moved it meanwhile."""

    def move(self: Any, shard: int, seq: int, head: list[Any]) -> None:
        self._write([("shards", [unit.Entry(row_key=head_row(shard), mutations=head)])])

    patch.setattr(BigtableStore, "_move_head", move)


def never_reapplies(patch: Patch) -> None:
    """Takes a shard over without finishing what its head says."""
    patch.setattr(BigtableStore, "_finish", BigtableStore._head)


def applies_in_doubt(patch: Patch) -> None:
    def move(self: Any, shard: int, seq: int, head: list[Any]) -> None:
        try:
            real(self, shard, seq, head)
        except TransientStoreError:
            return

    real = BigtableStore._move_head
    patch.setattr(BigtableStore, "_move_head", move)


def infers_success_from_the_seq(patch: Patch) -> None:
    """Takes a commit that failed in any way for done when the head has the seq it wanted, whoever wrote that."""

    def move(self: Any, shard: int, seq: int, head: list[Any]) -> None:
        try:
            real(self, shard, seq, head)
        except Exception:
            if self._head(shard).seq != seq + 1:
                raise

    real = BigtableStore._move_head
    patch.setattr(BigtableStore, "_move_head", move)


def infers_success_from_the_nonce(patch: Patch) -> None:
    def move(self: Any, shard: int, seq: int, head: list[Any]) -> None:
        try:
            real(self, shard, seq, head)
        except TransientStoreError:
            nonce = next(m.set_cell.value for m in head if m.set_cell.column_qualifier == unit.NONCE)
            if self._head(shard) != Head(seq + 1, nonce):
                raise

    real = BigtableStore._move_head
    patch.setattr(BigtableStore, "_move_head", move)


def one_nonce_per_worker(patch: Patch) -> None:
    def commit(self: Any, shard: int, seq: int, cells: Sequence[Cell]) -> int:
        worker.nonce = b"%016d" % (id(self) % 10**16)
        return real(self, shard, seq, cells)

    worker = threading.local()
    real = BigtableStore.commit
    patch.setattr(BigtableStore, "commit", commit)
    patch.setattr(store, "secrets", SimpleNamespace(token_bytes=lambda size: worker.nonce))


def infers_success_from_the_nonce_of_a_worker(patch: Patch) -> None:
    infers_success_from_the_nonce(patch)
    one_nonce_per_worker(patch)


class KeepsWhatItHolds(ShardKeeper):
    """After a doubt it looks at the head again and goes on with what it held before."""

    def __init__(self, store: Store, **options: Any) -> None:
        super().__init__(store, **options)
        self._held = _Keeping(store, though_it_moved=True)


class KeepsWhatHasNotMoved(ShardKeeper):
    """After a doubt it looks at the head again, and where that is still the same it goes on with what it held before."""

    def __init__(self, store: Store, **options: Any) -> None:
        super().__init__(store, **options)
        self._held = _Keeping(store, though_it_moved=False)


class _Keeping(dict[int, plan.Held]):
    def __init__(self, store: Store, though_it_moved: bool) -> None:
        super().__init__()
        self._store = store
        self._though_it_moved = though_it_moved

    def pop(self, shard: int, default: Any = None) -> Any:
        try:
            seq = self._store.take(shard) if shard in self else None
        except StoreError:
            seq = None
        if seq is None or (seq != self[shard].seq and not self._though_it_moved):
            return super().pop(shard, default)
        self[shard].seq = seq
        return None


def computes_in_place(patch: Patch) -> None:
    def in_place(planner: plan.Planner, held: plan.Held, unit: Any) -> plan.Plan:
        made = real(planner, held, unit)
        accept(made, held, held.seq)
        return made

    real, accept = plan.Planner.plan, plan.Plan.accept
    patch.setattr(plan.Planner, "plan", in_place)
    patch.setattr(plan.Plan, "accept", lambda made, held, seq: setattr(held, "seq", seq))


def some_rows_are_enough(patch: Patch) -> None:
    """Writes once, and takes any answer for a good one."""

    def once(self: Any, wanted: Any) -> None:
        for table, entries in wanted:
            self._calls.mutate_rows(table, entries, 30.0)()

    patch.setattr(BigtableStore, "_write", once)


def commits_before_the_last_apply(patch: Patch) -> None:
    """What a commit is to write waits until the next one has moved its head."""

    def commit(self: Any, shard: int, seq: int, cells: Sequence[Cell]) -> int:
        before = vars(self).pop("due", [])
        vars(self)["_apply"] = lambda rows, at: vars(self).setdefault("due", []).append((rows, at))
        try:
            return real_commit(self, shard, seq, cells)
        finally:
            del vars(self)["_apply"]
            for rows, at in before:
                self._apply(rows, at)

    def take(self: Any, shard: int) -> int:
        for rows, at in vars(self).pop("due", []):
            self._apply(rows, at)
        return real_take(self, shard)

    real_commit, real_take = BigtableStore.commit, BigtableStore.take
    patch.setattr(BigtableStore, "commit", commit)
    patch.setattr(BigtableStore, "take", take)


class SkipsEmptyUnits(ChangedStore):
    """Takes a unit without cells for committed."""

    def commit(self, shard: int, seq: int, cells: Sequence[Cell]) -> int:
        return self.inner.commit(shard, seq, cells) if cells else seq


class FactsFirst(ChangedStore):
    """Writes a unit's facts before its counters, as a Bigtable may."""

    def commit(self, shard: int, seq: int, cells: Sequence[Cell]) -> int:
        return self.inner.commit(shard, seq, cells[::-1])


def forgets_ids_a_day_early(patch: Patch) -> None:
    patch.setattr(plan.Planner, "_horizon", property(lambda planner: planner.today - planner.dedup_days + 1))


def nothing_new_is_nothing_to_write(patch: Patch) -> None:
    def without_duplicates(planner: plan.Planner, held: plan.Held, unit: Any) -> plan.Plan:
        made = real(planner, held, unit)
        made.cells = made.cells if made.new else []
        return made

    real = plan.Planner.plan
    patch.setattr(plan.Planner, "plan", without_duplicates)


def stamps_with_the_clock(patch: Patch) -> None:
    """The last write wins, not the last commit."""

    def apply(self: Any, rows: UnitRows, seq: int) -> None:
        wanted = list(unit.requests(rows, seq * MICROS_PER_SEQ))
        for mutation in (m for _, entries in wanted for entry in entries for m in entry.mutations):
            if mutation.HasField("set_cell"):
                mutation.set_cell.timestamp_micros = BY_THE_SERVER
        self._write(wanted)

    patch.setattr(BigtableStore, "_apply", apply)


def takes_zeros_away(patch: Patch) -> None:
    def cells(slots: Slots, changes: Changes) -> Any:
        for change in zip(*changes, strict=True):
            totals = unpack_totals(change[-1])
            zero = not ((totals != 0) & (totals != NO_MIN) & (totals != NO_MAX)).any()
            one = Changes(*([part] for part in change))
            yield from ((row, q, None if zero else value) for row, q, value in real(slots, one))

    def by_row(cells: Sequence[Cell]) -> UnitRows:
        rows: UnitRows = {}
        for table, row, qualifier, value in cells:
            rows.setdefault((table, row), {})[qualifier] = value
        return rows

    real = Slots.cells
    patch.setattr(Slots, "cells", cells)
    patch.setattr(store, "by_row", by_row)


class FixesNothing(ChangedStore):
    """What is fixed at the first use of a store is whatever the last one to ask wants it to be."""

    def create_meta(self, row: bytes, qualifier: bytes, value: bytes) -> bytes:
        self.inner.create_meta(row, qualifier, value)
        return value

"""The commit protocol on Bigtable: see "Exactly once" in the README for its steps.

`commit` moves a shard's head in one conditional write that carries the whole unit (the write-ahead log and the fence
in one), then writes the unit's cells. Whoever takes the shard next writes them again from the head. All cells of a unit
have its seq as their timestamp, so that a late writer's cell loses against its successor's.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pipeline.model.errors import Fenced, TransientStoreError
from pipeline.model.layout import head_row
from pipeline.store.bigtable import reading, unit
from pipeline.store.bigtable.connect import connect, emulator_host
from pipeline.store.bigtable.patience import Patience
from pipeline.store.bigtable.unit import Head
from pipeline.store.contract import Cell, Ranges, Rows, Store, UnitRows, by_row

MICROS_PER_SEQ = 1000  # Bigtable's timestamps are microseconds in steps of a millisecond
# No clock decides between two writes of a meta cell: what arrives later replaces the other. A put that is repeated
# because its answer was lost may so come back once more behind a later put, until the next one.
META_TIMESTAMP = 0
ROWS_PER_READ = 1000
ROWS_PER_PUT = 200  # a definition is at most 64 KiB, a request some MB
NONCE_BYTES = 16


class BigtableStore(Store):
    """See `contract.Store`. Needs an app profile with single-cluster routing that allows single-row transactions."""

    def __init__(
        self,
        project: str,
        instance: str,
        *,
        prefix: str = "",
        create: bool = False,
        create_tables: bool = False,
        app_profile: str | None = None,
        patience: Patience | None = None,
    ) -> None:
        """Raises UsageError when there is nobody to talk to or nothing to write to. `create`: make absent tables on an
        emulator; `create_tables`: anywhere.
        """
        self._patience = patience or Patience()
        make = create_tables or (create and bool(emulator_host()))
        self._calls = connect(project, instance, prefix, make_tables=make, app_profile=app_profile, patience=self._patience)
        self._held: dict[int, Head] = {}  # heads whose payload surely holds: this object has applied it itself

    def take(self, shard: int) -> int:
        held = self._held.pop(shard, None)
        if held is None or held != self._head(shard):
            held = self._finish(shard)
        self._held[shard] = held
        return held.seq

    def commit(self, shard: int, seq: int, cells: Sequence[Cell]) -> int:
        held = self._held.pop(shard, None)
        if held is None or held.seq != seq:
            raise Fenced(f"shard {shard} has to be taken again before a commit on seq {seq}")
        rows = by_row(cells)
        head = Head(seq + 1, secrets.token_bytes(NONCE_BYTES))
        self._move_head(shard, seq, unit.pack_head(head, unit.pack_payload(rows)))
        self._apply(rows, head.seq)
        self._held[shard] = head
        return head.seq

    def settle(self, shards: Iterable[int]) -> None:
        for shard in shards:
            self.take(shard)

    def read(self, table: str, rows: Sequence[bytes], ranges: Ranges | None = None) -> Rows:
        found: Rows = {}
        keys = sorted(set(rows))
        for row_filter in reading.column_filters(ranges):
            for at in range(0, len(keys), ROWS_PER_READ):
                part = reading.keys(keys[at : at + ROWS_PER_READ])
                for row, cells in self._read(table, part, row_filter).items():
                    found.setdefault(row, []).extend(cells)
        return found

    def scan(self, table: str, prefix: bytes) -> Rows:
        return self._read(table, reading.beginning_with(prefix), reading.LATEST)

    def put_meta_rows(self, rows: Mapping[bytes, Mapping[bytes, bytes]]) -> None:
        entries = [
            # Taken away first, in the same atomic entry: a unit may have written the cell under a larger timestamp.
            unit.Entry(row_key=row, mutations=[*unit.removals(cells), *unit.mutations(cells, META_TIMESTAMP)])
            for row, cells in rows.items()
            if cells
        ]
        self._write([("meta", entries[at : at + ROWS_PER_PUT]) for at in range(0, len(entries), ROWS_PER_PUT)])

    def create_meta(self, row: bytes, qualifier: bytes, value: bytes) -> bytes:
        (there,) = reading.column_filters([_only(qualifier)])
        cell = unit.mutations({qualifier: value}, META_TIMESTAMP)

        def create(left_s: Callable[[], float]) -> None:
            self._calls.check_and_mutate("meta", row, there, absent=cell, timeout_s=left_s())

        self._patience.repeat(create)
        return dict(self.read("meta", [row], [_only(qualifier)])[row])[qualifier]

    def flush(self) -> None:
        """Nothing to do: what Bigtable has answered to is durable."""

    def close(self) -> None:
        self._calls.close()

    def _head(self, shard: int) -> Head:
        row = head_row(shard)
        found = self.read("shards", [row], [_only(unit.SEQ), _only(unit.NONCE)])
        return unit.unpack_head(dict(found.get(row, [])))[0]

    def _finish(self, shard: int) -> Head:
        """Apply what was committed last, whoever committed it."""
        row = head_row(shard)
        head, parts = unit.unpack_head(dict(self.read("shards", [row]).get(row, [])))
        if head != unit.ABSENT:
            self._apply(unit.unpack_payload(parts), head.seq)
        return head

    def _move_head(self, shard: int, seq: int, head: list[Any]) -> None:
        """The commit point. Never repeated: after an error it may have come to pass, or may yet."""
        there = self._calls.check_and_mutate(
            "shards",
            head_row(shard),
            unit.head_is_at(seq),
            matched=head if seq else (),
            absent=() if seq else head,
            timeout_s=self._patience.deadline_s,
        )
        if there != bool(seq):
            raise Fenced(f"shard {shard} has moved past seq {seq}")

    def _apply(self, rows: UnitRows, seq: int) -> None:
        self._write(unit.requests(rows, seq * MICROS_PER_SEQ))

    def _read(self, table: str, selected: reading.Selection, row_filter: Any) -> Rows:
        return reading.read_rows(self._calls, self._patience, table, selected, row_filter)

    def _write(self, wanted: Iterable[tuple[str, list[Any]]]) -> None:
        """Returns once every entry is written. **Retry:** harmless, and done here until the deadline."""
        left = list(wanted)

        def go_on(left_s: Callable[[], float]) -> None:
            nonlocal left
            under_way = [(table, self._calls.mutate_rows(table, entries, left_s())) for table, entries in left]
            tried = [(table, *unwritten()) for table, unwritten in under_way]
            left = [(table, rest) for table, rest, _ in tried if rest]
            if left:
                reasons = [why for _, rest, why in tried if rest]
                raise TransientStoreError(f"{sum(len(rest) for _, rest in left)} rows are not written: {reasons[-1]}")

        self._patience.repeat(go_on)


def _only(qualifier: bytes) -> tuple[bytes, bytes]:
    return qualifier, qualifier + b"\x00"

"""What every store promises, and nothing of how. One suite (`tests/contract`) holds all of them to it.

A store is a set of wide rows of cells (see `model.layout`) with one commit protocol on top:

1. `take(shard)` reads the head; a payload that this very store object did not write itself is applied again first.
2. `read(...)` loads what the unit needs, after `take`.
3. `commit(shard, seq, cells)` moves the head from `seq` to `seq + 1` and applies the cells, all stamped with `seq + 1`.
   It returns only when every cell holds.

On any error of `commit` the caller drops all it holds of that shard and begins again at step 1.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from pipeline.model.errors import StoreError
from pipeline.model.layout import head_row

SEQ = b"seq"  # a head's cell that every store has
UNIT_TABLES = ("counters", "visitors", "meta")  # a unit's own head is the store's business
Ranges = Sequence[tuple[bytes, bytes]]  # half-open, of qualifiers
Rows = dict[bytes, list[tuple[bytes, bytes]]]  # row -> (qualifier, value), in the order of qualifiers
UnitRows = dict[tuple[str, bytes], dict[bytes, bytes | None]]  # (table, row) -> qualifier -> value; see `by_row`


class Cell(NamedTuple):
    """One cell to write. `value` None takes it away, which only facts allow (a revived fact changes nothing)."""

    table: str
    row: bytes
    qualifier: bytes
    value: bytes | None


class Store(ABC):
    """A place for counters, visitors' facts and heads. One object belongs to one process and is used by one thread.

    `at_hand`: a small read costs next to nothing, and a unit is seen as a whole or not at all.
    """

    at_hand = False

    @abstractmethod
    def take(self, shard: int) -> int:
        """The shard's seq (0: never committed), once the last committed payload surely holds.

        Raises TransientStoreError. **Retry:** harmless, applying a payload again changes nothing.
        """

    @abstractmethod
    def commit(self, shard: int, seq: int, cells: Sequence[Cell]) -> int:
        """Commit a unit on top of `seq`; returns the new seq once every cell holds.

        Raises Fenced (somebody else committed) and TransientStoreError (outcome unknown).
        **Retry:** never call it again with the same cells; begin at `take`, which finishes what was committed.
        """

    @abstractmethod
    def settle(self, shards: Iterable[int]) -> None:
        """Apply the payload of every head once more: nothing that was committed stays half-applied.

        **Retry:** harmless.
        """

    @abstractmethod
    def read(self, table: str, rows: Sequence[bytes], ranges: Ranges | None = None) -> Rows:
        """The cells of these rows (those in any of `ranges`; None: all). Absent rows are left out."""

    @abstractmethod
    def scan(self, table: str, prefix: bytes) -> Rows:
        """All rows whose key begins with `prefix`. For small tables and tools."""

    def seqs(self, shards: int) -> Rows:
        """How far the first `shards` shards have come: equal to what it was before if nothing was committed since."""
        return self.read("shards", [head_row(shard) for shard in range(shards)], [(SEQ, SEQ + b"\x00")])

    @abstractmethod
    def put_meta_rows(self, rows: Mapping[bytes, Mapping[bytes, bytes]]) -> None:
        """Write cells of the `meta` table, the last one wins. Rows are written in any order. **Retry:** harmless."""

    def put_meta(self, row: bytes, cells: Mapping[bytes, bytes]) -> None:
        """Write cells of one row of `meta`. **Retry:** harmless."""
        self.put_meta_rows({row: cells})

    @abstractmethod
    def create_meta(self, row: bytes, qualifier: bytes, value: bytes) -> bytes:
        """Write a cell of `meta` unless it is there; returns what is in force. **Retry:** harmless."""

    @abstractmethod
    def flush(self) -> None:
        """Returns once all that was committed survives a power cut. Before a source is acknowledged."""

    @abstractmethod
    def close(self) -> None:
        """Free connections and files."""


def by_row(cells: Iterable[Cell]) -> UnitRows:
    """A unit's cells row by row; of two for one cell the last counts. Raises StoreError for a cell no store takes."""
    rows: UnitRows = {}
    for table, of_table in by_table(cells).items():
        for _, row, qualifier, value in of_table:
            rows.setdefault((table, row), {})[qualifier] = value
    return rows


def by_table(cells: Iterable[Cell]) -> dict[str, list[Cell]]:
    """A unit's cells by table, as they came. Raises StoreError as `by_row` does."""
    tables: dict[str, list[Cell]] = {}
    for table, of_table in groupby(cells, itemgetter(0)):
        tables.setdefault(table, []).extend(of_table)
    for table, of in tables.items():
        if table not in UNIT_TABLES or (table != "visitors" and None in map(itemgetter(3), of)):
            _, row, _, value = min(of, key=lambda cell: cell.value is not None)
            raise StoreError(f"a unit can't {'write' if value is not None else 'take away'} a cell of {table}: {row!r}")
    return tables


def merged_ranges(ranges: Ranges) -> list[tuple[bytes, bytes]]:
    """The same qualifiers in ascending ranges that neither overlap nor touch, without empty ones."""
    merged: list[tuple[bytes, bytes]] = []
    for start, end in sorted((s, e) for s, e in ranges if s < e):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def prefix_end(prefix: bytes) -> bytes | None:
    """The first key behind all that begin with `prefix`; None: there is none."""
    body = prefix.rstrip(b"\xff")
    return body[:-1] + bytes([body[-1] + 1]) if body else None

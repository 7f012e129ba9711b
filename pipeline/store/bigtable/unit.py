"""The bytes of a unit on Bigtable: its payload in a shard's head, its mutations, and both cut to what a request holds.

A head is one row of `shards`: `seq`, `nonce` (of this very attempt) and the payload in parts `p0`, `p1` ... The payload
is every cell of the unit, so that whoever comes next can apply it again.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec
from google.cloud.bigtable_v2.types import bigtable, data

from pipeline.model.errors import StoreError
from pipeline.store.contract import UnitRows

FAMILY = "c"
SEQ, NONCE, PART = b"seq", b"nonce", b"p"
PAYLOAD_VERSION = b"\x01"
HEAD_TIMESTAMP = 0  # a head has one version only, so that nothing of an older one can show through

# Bigtable's limits, cloud.google.com/bigtable/quotas: key 4 KiB, qualifier 16 KiB, 100,000 mutations a request;
# a cell of 10 MB and a row of 100 MB are advised.
KEY_BYTES_MAX = 4 << 10
QUALIFIER_BYTES_MAX = 16 << 10
MUTATIONS_MAX = 100_000
REQUEST_BYTES_MAX = 4 << 20
PART_BYTES_MAX = 8 << 20
PARTS_MAX = 8
CELL_OVERHEAD_BYTES = 32  # of one mutation on the wire, beside qualifier and value

Entry = bigtable.MutateRowsRequest.Entry.pb()
Mutation = data.Mutation.pb()
PackedRows = list[tuple[str, bytes, list[tuple[bytes, bytes | None]]]]

_SEQ = struct.Struct(">Q")
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(PackedRows)


class Head(NamedTuple):
    """What a shard's head says. `seq` 0: the shard was never committed."""

    seq: int
    nonce: bytes


ABSENT = Head(0, b"")


def pack_payload(rows: UnitRows) -> list[bytes]:
    """A unit as parts of a head. Raises StoreError for what could not be applied after it was committed."""
    packed: PackedRows = [(table, row, list(cells.items())) for (table, row), cells in rows.items()]
    for table, row, cells in packed:
        widest = max(len(qualifier) for qualifier, _ in cells)
        if not 0 < len(row) <= KEY_BYTES_MAX or widest > QUALIFIER_BYTES_MAX or len(cells) > MUTATIONS_MAX:
            raise StoreError(
                f"row {row[:80]!r} of {table} is beyond Bigtable's limits: key {len(row)} bytes, "
                f"qualifier {widest} bytes, {len(cells)} cells; use fewer or shorter breakdown values"
            )
    payload = PAYLOAD_VERSION + _encoder.encode(packed)
    if len(payload) > PARTS_MAX * PART_BYTES_MAX:
        raise StoreError(f"a unit of {len(payload) >> 20} MB is more than a head holds; use smaller batches")
    return [payload[at : at + PART_BYTES_MAX] for at in range(0, len(payload), PART_BYTES_MAX)]


def unpack_payload(parts: list[bytes]) -> UnitRows:
    """The inverse of `pack_payload`."""
    payload = b"".join(parts)
    if payload[:1] != PAYLOAD_VERSION:
        raise StoreError(f"a head's payload has version {payload[:1]!r}: use the program version that wrote it")
    try:
        return {(table, row): dict(cells) for table, row, cells in _decoder.decode(memoryview(payload)[1:])}
    except msgspec.DecodeError as e:
        raise StoreError(f"a head's payload is damaged: {e}") from e


def pack_head(head: Head, parts: list[bytes]) -> Any:
    """The mutations that make a head: all in one request, with what a larger payload left behind taken away."""
    cells: dict[bytes, bytes | None] = {SEQ: _SEQ.pack(head.seq), NONCE: head.nonce}
    cells |= {_part(i): parts[i] if i < len(parts) else None for i in range(PARTS_MAX)}
    return mutations(cells, HEAD_TIMESTAMP)


def unpack_head(cells: Mapping[bytes, bytes]) -> tuple[Head, list[bytes]]:
    """A head and its payload's parts, from the cells of its row (none: `ABSENT`)."""
    if SEQ not in cells:
        return ABSENT, []
    parts = [cells[_part(i)] for i in range(PARTS_MAX) if _part(i) in cells]
    return Head(_SEQ.unpack(cells[SEQ])[0], cells[NONCE]), parts


def head_is_at(seq: int) -> Any:
    """The filter that lets a cell through if a head's seq is `seq`; for 0, if there is any seq at all."""
    of_column = data.RowFilter.pb()(
        column_range_filter=data.ColumnRange.pb()(family_name=FAMILY, start_qualifier_closed=SEQ, end_qualifier_closed=SEQ)
    )
    latest = data.RowFilter.pb()(cells_per_column_limit_filter=1)
    filters = [of_column, latest]
    if seq:
        wanted = _SEQ.pack(seq)
        exactly = data.ValueRange.pb()(start_value_closed=wanted, end_value_closed=wanted)
        filters.append(data.RowFilter.pb()(value_range_filter=exactly))
    return data.RowFilter.pb()(chain=data.RowFilter.Chain.pb()(filters=filters))


def mutations(cells: Mapping[bytes, bytes] | Mapping[bytes, bytes | None], timestamp_us: int) -> Any:
    """One row's cells as mutations with this cell timestamp; None takes away what is not younger."""
    return row_entry(b"", cells, timestamp_us).mutations


def row_entry(row: bytes, cells: Mapping[bytes, bytes] | Mapping[bytes, bytes | None], timestamp_us: int) -> Any:
    """The same as an entry of MutateRows, filled in place: a mutation made apart would be copied."""
    entry = Entry(row_key=row)
    for qualifier, value in cells.items():
        mutation = entry.mutations.add()
        if value is None:
            gone = mutation.delete_from_column
            gone.family_name, gone.column_qualifier = FAMILY, qualifier
            gone.time_range.end_timestamp_micros = timestamp_us + 1000  # exclusive, of whole milliseconds
        else:
            cell = mutation.set_cell
            cell.family_name, cell.column_qualifier = FAMILY, qualifier
            cell.timestamp_micros, cell.value = timestamp_us, value
    return entry


def removals(qualifiers: Iterable[bytes]) -> list[Any]:
    """Mutations that take away every version of these cells."""
    gone = data.Mutation.DeleteFromColumn.pb()
    return [Mutation(delete_from_column=gone(family_name=FAMILY, column_qualifier=q)) for q in qualifiers]


def requests(rows: UnitRows, timestamp_us: int) -> Iterator[tuple[str, list[Any]]]:
    """A unit as (table, entries) of MutateRows requests; a row is one entry, hence atomic."""
    open_ones: dict[str, _Request] = {}
    for (table, row), cells in rows.items():
        size = sum(CELL_OVERHEAD_BYTES + len(q) + len(v or b"") for q, v in cells.items())
        request = open_ones.setdefault(table, _Request())
        if request.is_full_for(len(cells), size):
            yield table, request.entries
            request = open_ones[table] = _Request()
        request.add(row_entry(row, cells, timestamp_us), len(cells), size)
    yield from ((table, request.entries) for table, request in open_ones.items())


@dataclass(slots=True)
class _Request:
    entries: list[Any] = field(default_factory=list)
    mutations: int = 0
    size: int = 0

    def is_full_for(self, mutations: int, size: int) -> bool:
        over = self.size + size > REQUEST_BYTES_MAX or self.mutations + mutations > MUTATIONS_MAX
        return bool(self.entries) and over

    def add(self, entry: Any, mutations: int, size: int) -> None:
        self.entries.append(entry)
        self.mutations += mutations
        self.size += size


def _part(i: int) -> bytes:
    return PART + str(i).encode()

"""A stream's entries as blocks, by account: a record a line, each known by its entry's id."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pipeline.sources.accounts import in_few_groups
from pipeline.sources.blocks import Block, block_of_records
from pipeline.sources.records import RECORD_MAX, RECORDS_MAX, Places, account_named
from pipeline.sources.redis_group import Entry

DATA, ACCOUNT = b"data", b"account"


class Made(NamedTuple):
    """A block and the ids of its entries, a line each."""

    block: Block
    ids: list[bytes]


class EntryPlaces(Places):
    """By the entries' ids."""

    def __init__(self, stream: str, ids: Sequence[bytes]) -> None:
        self._stream = stream
        self._ids = ids

    def __len__(self) -> int:
        return len(self._ids)

    def place_at(self, at: int) -> str:
        return f"{self._stream}@{self._ids[at].decode()}"


class Gathering:
    """Entries until they are worth a block. source: names the stream in its blocks; block_bytes: enough for one."""

    def __init__(self, stream: str, source: str, block_bytes: int) -> None:
        self._stream = stream
        self._source = source
        self._block_bytes = block_bytes
        self._number = 0
        self._empty()

    def _empty(self) -> None:
        self._by_account: dict[bytes, tuple[list[bytes], list[bytes]]] = {}  # ids, records
        self.bytes = 0
        self.records = 0

    def add(self, entries: Sequence[Entry]) -> Iterator[Made]:
        """Take these in; gives the blocks that are full. Runs once per entry: the common forms are told apart in place."""
        for entry_id, fields in entries:
            if len(fields) == 4 and fields[0] == DATA and fields[2] == ACCOUNT:
                record, account = fields[1], fields[3]
            elif len(fields) == 2 and fields[0] == DATA:
                record, account = fields[1], b""
            else:
                record, account = _found(fields)
            if len(record) > RECORD_MAX:
                record = record[:RECORD_MAX]
            known = self._by_account.get(account)
            if known is None:
                known = self._by_account[account] = ([], [])
            known[0].append(entry_id)
            known[1].append(record)
            self.bytes += len(record) + 1
            if self.bytes >= self._block_bytes:
                yield from self.take()
        self.records += len(entries)
        if self.records >= RECORDS_MAX:
            yield from self.take()

    def take(self) -> Iterator[Made]:
        """All there is, and nothing is left."""
        by_account: dict[str | None, list[tuple[bytes, bytes]]] = {}
        for account, (ids, records) in self._by_account.items():
            by_account.setdefault(account_named(account), []).extend(zip(ids, records, strict=True))
        self._empty()
        for name, entries in in_few_groups(by_account, _record):
            ids, records = [entry_id for entry_id, _ in entries], [record for _, record in entries]
            places = EntryPlaces(self._stream, ids)
            yield Made(block_of_records(self._source, self._number, records, places, name), ids)
            self._number += 1

    def ids(self) -> Iterator[bytes]:
        """Of what has not been taken."""
        for ids, _ in self._by_account.values():
            yield from ids


def _record(entry: tuple[bytes, bytes]) -> bytes:
    return entry[1]


def _found(fields: Sequence[bytes]) -> tuple[bytes, bytes]:
    """(record, account) of an entry with other fields too. One that hasn't exactly one record becomes a list of its
    fields: that is no event, so it is rejected, and kept.
    """
    named = list(zip(fields[::2], fields[1::2], strict=True))
    records = [value for name, value in named if name == DATA]
    accounts = {value for name, value in named if name == ACCOUNT}
    if len(records) == 1 and len(accounts) <= 1:
        return records[0], next(iter(accounts), b"")
    return json.dumps([field[:RECORD_MAX].decode(errors="backslashreplace") for field in fields]).encode(), b""

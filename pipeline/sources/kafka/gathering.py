"""A topic's records as blocks, by account: a record a line, each known by its topic, partition and offset.

A record's account is what its header `account` says, the last of several. A record without a value is an empty line, which
is rejected, and kept.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from pipeline.sources.accounts import in_few_groups
from pipeline.sources.blocks import Block, block_of_records
from pipeline.sources.kafka.offsets import Tenure, Tenures
from pipeline.sources.records import RECORD_MAX, RECORDS_MAX, Places, account_named

ACCOUNT = "account"  # the header

Item = tuple[bytes, Tenure, int]  # a record and its offset


class RecordPlaces(Places):
    """By partitions and offsets."""

    def __init__(self, topic: str, partitions: array[int], offsets: array[int]) -> None:
        self._topic = topic
        self._partitions = partitions
        self._offsets = offsets

    def __len__(self) -> int:
        return len(self._offsets)

    def place_at(self, at: int) -> str:
        return place(self._topic, self._partitions[at], self._offsets[at])


def place(topic: str, partition: int, offset: int) -> str:
    """What names a record, however it is read."""
    return f"{topic}/{partition}@{offset}"


class Gathering:
    """Records until they are worth a block. source: names the topic in its blocks; block_bytes: enough for one."""

    def __init__(self, topic: str, source: str, block_bytes: int, tenures: Tenures) -> None:
        self._topic = topic
        self._source = source
        self._block_bytes = block_bytes
        self._tenures = tenures
        self._number = 0
        self._empty()

    def _empty(self) -> None:
        self._by_account: dict[bytes | None, list[Item]] = {}
        self._bytes = 0
        self._records = 0

    @property
    def full(self) -> bool:
        """Whether there is enough for a block."""
        return self._bytes >= self._block_bytes or self._records >= RECORDS_MAX

    def add(self, messages: Sequence[Any]) -> None:
        """Take these in. Those of partitions that are not this run's any more are left to their owners."""
        size = 0
        for message in messages:
            offset = message.offset()
            tenure = self._tenures.at(message.partition(), offset)
            if tenure is None:
                continue
            tenure.seen = offset + 1
            record = message.value() or b""
            if len(record) > RECORD_MAX:
                record = record[:RECORD_MAX]
            headers = message.headers()
            account = _account(headers) if headers else None
            items = self._by_account.get(account)
            if items is None:
                items = self._by_account[account] = []
            items.append((record, tenure, offset))
            size += len(record)
        self._bytes += size
        self._records += len(messages)

    def take(self) -> list[Block]:
        """All there is, and nothing is left. They are in work from now on."""
        by_account: dict[str | None, list[Item]] = {}
        for account, items in self._by_account.items():
            by_account.setdefault(account_named(account), []).extend(items)
        self._empty()
        blocks, firsts = list[Block](), dict[int, dict[Tenure, int]]()
        for name, of_it in in_few_groups(by_account, itemgetter(0)):
            blocks.append(self._block(of_it, name))
            firsts[blocks[-1].offset] = _firsts(of_it)
        self._tenures.begin(firsts)
        return blocks

    def _block(self, items: Sequence[Item], account: str | None) -> Block:
        self._number += 1
        partitions = array("i", [tenure.partition for _, tenure, _ in items])
        places = RecordPlaces(self._topic, partitions, array("q", [offset for _, _, offset in items]))
        return block_of_records(self._source, self._number, [record for record, _, _ in items], places, account)


def _account(headers: Sequence[tuple[str, bytes | None]]) -> bytes | None:
    return next((value for name, value in reversed(headers) if name == ACCOUNT), None)


def _firsts(items: Sequence[Item]) -> dict[Tenure, int]:
    firsts: dict[Tenure, int] = {}
    for _, tenure, offset in items:
        if firsts.get(tenure, offset) >= offset:
            firsts[tenure] = offset
    return firsts

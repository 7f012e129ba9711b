"""Streams of many accounts in few blocks: a block costs as much as hundreds of records, so one per account is dear.

A block is of one account that its stream vouches for. An event that itself says the same account needs nobody to vouch
for it, and may share a block with those of others: it is judged by what it says, which comes to the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

import msgspec

from pipeline.model.limits import EVENT_BYTES_MAX

T = TypeVar("T")

WORTH_A_BLOCK = 500  # records: fewer cost less to look into than a block of their own


class _Said(msgspec.Struct, gc=False):
    """A plain event's account. Batches and rejects records hold other records: for these the stream goes on vouching."""

    account: str
    batch: msgspec.UnsetType = msgspec.UNSET
    raw: msgspec.UnsetType = msgspec.UNSET
    raw_base64: msgspec.UnsetType = msgspec.UNSET


_decode = msgspec.json.Decoder(_Said).decode


def in_few_groups(
    by_account: Mapping[str | None, Sequence[T]], record_of: Callable[[T], bytes]
) -> Iterator[tuple[str | None, Sequence[T]]]:
    """The same items in few groups. In that of None each record says its account, or nobody vouches for it."""
    if len(by_account) <= 1:
        yield from by_account.items()
        return
    shared = list(by_account.get(None, ()))
    for account, items in by_account.items():
        if account is None:
            continue
        own = items
        if len(items) < WORTH_A_BLOCK:
            own = []
            for item in items:
                (shared if said_account(record_of(item)) == account else own).append(item)
        if own:
            yield account, own
    if shared:
        yield None, shared


def said_account(record: bytes) -> str | None:
    """The account that a record says it is of, if it is surely one event and nothing else."""
    if len(record) > EVENT_BYTES_MAX:
        return None
    try:
        record.decode()  # the struct decoder doesn't look into what it skips
        return _decode(record).account
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None

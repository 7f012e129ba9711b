"""Messages as far as they are needed, ids, record and the account that the publisher vouches for, and as blocks of these."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from pipeline.sources.accounts import in_few_groups
from pipeline.sources.blocks import Block, block_of_records
from pipeline.sources.records import RECORD_MAX

ACCOUNT = "account"  # the attribute


class Message(NamedTuple):
    """`id` is the message's own, `ack_id` that of its delivery. `account`: None where none is named."""

    id: str
    ack_id: str
    record: bytes
    account: str | None

    @classmethod
    def of(cls, received: Any) -> Message:
        message = received.message
        account = message.attributes.get(ACCOUNT) or None
        return cls(message.message_id, received.ack_id, message.data[:RECORD_MAX], account)


def place(message_id: str) -> str:
    """What names a record, in every delivery and every subscription of the topic."""
    return f"pubsub@{message_id}"


def blocks_of(messages: Sequence[Message], source: str, number: int = 0) -> Iterator[tuple[Block, Sequence[Message]]]:
    """Messages as blocks, by account, each with what is in it. number: the first block's."""
    by_account: dict[str | None, list[Message]] = {}
    for message in messages:
        by_account.setdefault(message.account, []).append(message)
    for at, (account, of_it) in enumerate(in_few_groups(by_account, attrgetter("record")), number):
        yield block_of_records(source, at, [m.record for m in of_it], [place(m.id) for m in of_it], account), of_it

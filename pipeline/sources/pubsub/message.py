"""A message as far as it is needed: its ids, the record, and the account that its publisher vouches for."""

from __future__ import annotations

from typing import Any, NamedTuple

from pipeline.model.limits import EVENT_BYTES_MAX

ACCOUNT = "account"  # the attribute
RECORD_MAX = 4 * EVENT_BYTES_MAX  # of a record, what is kept: enough to see that it is too large


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

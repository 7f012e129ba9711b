"""A request's body as records, one per event, with what the collector knows: account, receivedAt, sentAt, type.

Events are opened one level deep; values are passed on byte by byte as they came, so huge numbers and odd texts survive.
What the pipeline is to reject (no object, another account, text that is not JSON) goes to it in a batch of its own, under
our account: it is counted and kept there, and the other events of the request are not lost with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import msgspec
from msgspec import Raw

from pipeline.collect.lenient import split_list, split_object
from pipeline.collect.refusal import bad, too_large
from pipeline.model.event import ACCOUNT, BATCH, RECEIVED_AT, SENT_AT
from pipeline.model.limits import EVENT_BYTES_MAX

EVENTS_MAX = 5_000  # of one request; Segment's own bound is 2,500
TYPE, WRITE_KEY = "type", "writeKey"
_SENT_AT_BYTES_MAX = 64
_NULL = b"null"
_BOM = b"\xef\xbb\xbf"
_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_LIST = msgspec.json.Decoder(list[Raw])
_TEXT = msgspec.json.Decoder(str)
_NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

Value = Raw | bytes


class Batch(NamedTuple):
    """Records of one account, each one line of JSON."""

    account: str
    records: list[bytes]


@dataclass(frozen=True, slots=True)
class Message:
    """What a request says. type_: of events that name none. single: it is one event and not a batch."""

    events: list[Value]
    sent_at: Value | None
    write_key: str | None
    type_: str | None
    single: bool

    def batch(self, account: str, now: datetime) -> Batch:
        """The records. Raises Refusal (413) for a single event that no pipeline would take."""
        stamp = Stamp.of(account, now, self.sent_at, self.type_)
        records = [stamp.record(event) for event in self.events]
        if self.single and len(records[0]) > EVENT_BYTES_MAX:
            raise too_large(f"the event is larger than {EVENT_BYTES_MAX} bytes")
        return Batch(account, records)


def read_message(body: bytes, type_: str | None) -> Message:
    """Takes a body apart. type_: the type of the one event it is, None for a batch. Raises Refusal (400, 413)."""
    body = body.removeprefix(_BOM)
    fields = _fields(body)
    write_key = _text(fields.get(WRITE_KEY))
    if type_ is not None:
        return Message([body], None, write_key, type_, single=True)
    if BATCH not in fields:
        raise bad('a batch is wanted: {"batch": [event, …]}')
    events = _events(fields[BATCH])
    if not events:
        raise bad("there are no events in the batch")
    if len(events) > EVENTS_MAX:
        raise too_large(f"{len(events)} events in one batch; send at most {EVENTS_MAX}")
    return Message(events, _short_text(fields.get(SENT_AT)), write_key, None, single=False)


class Stamp(NamedTuple):
    """What is written into the events of a request, as JSON."""

    account_name: str
    account: Raw
    received_at: Raw
    sent_at: Raw | None
    type_: Raw | None

    @classmethod
    def of(cls, account: str, now: datetime, sent_at: Value | None, type_: str | None) -> Stamp:
        received = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        sent = None if sent_at is None else Raw(bytes(sent_at))
        kind = None if type_ is None else Raw(msgspec.json.encode(type_))
        return cls(account, Raw(msgspec.json.encode(account)), Raw(msgspec.json.encode(received)), sent, kind)

    def record(self, event: Value) -> bytes:
        """One event as one line."""
        try:
            fields = _OBJECT.decode(event)
        except _NOT_JSON:
            return self._alone(bytes(event))
        fields.pop(WRITE_KEY, None)  # it is a secret, and not the event's
        foreign = not _absent(fields.get(ACCOUNT)) and _text(fields[ACCOUNT]) != self.account_name
        if not foreign:
            fields[ACCOUNT] = self.account
        fields[RECEIVED_AT] = self.received_at
        if self.sent_at is not None and _absent(fields.get(SENT_AT)):
            fields[SENT_AT] = self.sent_at
        if self.type_ is not None and _absent(fields.get(TYPE)):
            fields[TYPE] = self.type_
        record = msgspec.json.encode(fields)
        # An event with a field `batch` of its own would be read as a batch.
        return self._alone(record) if foreign or BATCH in fields else _line(record)

    def _alone(self, event: bytes) -> bytes:
        head = b'{"account":%s,"receivedAt":%s,"batch":[' % (bytes(self.account), bytes(self.received_at))
        return _line(head + event + b"]}")


def _fields(body: bytes) -> Mapping[str, Value]:
    try:
        return _OBJECT.decode(body)
    except _NOT_JSON as error:
        try:
            return split_object(body)
        except RecursionError:
            raise bad("the body is nested too deep") from None
        except ValueError:
            raise bad(_why(body, error)) from None


def _events(batch: Value) -> list[Value]:
    try:
        return list(_LIST.decode(batch))
    except _NOT_JSON:
        try:
            return list(split_list(bytes(batch)))
        except (ValueError, RecursionError):
            raise bad('"batch" is wanted as a list of events') from None


def _why(body: bytes, error: Exception) -> str:
    if not body.strip():
        return "the body is empty: a JSON object is wanted"
    return f"the body is wanted as a JSON object: {error}"


def _absent(value: Value | None) -> bool:
    return value is None or bytes(value) == _NULL


def _text(value: Value | None) -> str | None:
    try:
        return None if value is None else _TEXT.decode(value)
    except _NOT_JSON:
        return None


def _short_text(value: Value | None) -> Value | None:
    """A time is short; anything else would only be written into every event."""
    return value if value is not None and len(bytes(value)) <= _SENT_AT_BYTES_MAX and _text(value) is not None else None


def _line(record: bytes) -> bytes:
    """Line ends can only stand between JSON's tokens, where a blank is as good."""
    return record.replace(b"\n", b" ") if b"\n" in record else record

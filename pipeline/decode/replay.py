"""A line that is a rejects record: what was rejected comes again, now that its cause is gone.

The record in it keeps the place it first stood at (so an event without an id of its own is the same event), the account
its source vouched for and its time of arrival. Only one level is taken off: what is in it is a record like any other.
"""

from __future__ import annotations

import base64
import binascii
from typing import NamedTuple

import msgspec

_UNREADABLE = (msgspec.MsgspecError, UnicodeError, RecursionError, ValueError)
_EMPTY = (b"", b"null")


class BrokenReject(ValueError):
    """It looks like a rejects record, and what was rejected can't be read out of it."""


class Replay(NamedTuple):
    """What a rejects record tells of the record in it. `arrived`: RFC 3339, None where it was not noted."""

    raw: bytes
    place: str
    account: str | None
    arrived: str | None


class _Record(msgspec.Struct, gc=False):
    """Only texts are decoded, so that whatever else a line holds costs no memory."""

    stage: str
    reason: str
    source: str
    account: msgspec.Raw = msgspec.Raw()
    arrived: msgspec.Raw = msgspec.Raw()
    raw: msgspec.Raw = msgspec.Raw()
    raw_base64: msgspec.Raw = msgspec.Raw()


_decode = msgspec.json.Decoder(_Record).decode
_text = msgspec.json.Decoder(str).decode


def replay_of(line: bytes) -> Replay | None:
    """What a rejects record holds, see `Reject.to_record`; None for any other line. Raises BrokenReject."""
    if b'"raw' not in line or b'"stage"' not in line:
        return None
    try:
        record = _decode(line)
    except _UNREADABLE:
        return None
    if bytes(record.raw) in _EMPTY and bytes(record.raw_base64) in _EMPTY:
        return None
    try:
        return Replay(_bytes(record), record.source, _maybe(record.account), _maybe(record.arrived))
    except _UNREADABLE:
        raise BrokenReject("a rejects record that does not hold the record that was rejected") from None


def _bytes(record: _Record) -> bytes:
    if bytes(record.raw) not in _EMPTY:
        return _text(record.raw).encode()
    try:
        return base64.b64decode(_text(record.raw_base64), validate=True)
    except binascii.Error as e:
        raise ValueError(str(e)) from e


def _maybe(text: msgspec.Raw) -> str | None:
    return None if bytes(text) in _EMPTY else _text(text)

"""A line that is a rejects record: what was rejected comes again, now that its cause is gone.

The record in it keeps the place it first stood at (so an event without an id of its own is the same event), the account
its source vouched for and its time of arrival. Only one level is taken off: what is in it is a record like any other.
"""

from __future__ import annotations

import base64
import binascii
from typing import NamedTuple

import msgspec

from pipeline.decode.timestamp import TIMESTAMP_CHARS_MAX
from pipeline.model.definition_check import ACCOUNT, named

# What stands in each reject of a batch again: a forged record of 1 MB could become gigabytes of them.
PLACE_CHARS_MAX = 2_000
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
        line.decode()  # what is passed over isn't looked into
        return Replay(_bytes(record), _place(record), _account(record), _arrived(record))
    except _UNREADABLE:
        raise BrokenReject("a rejects record that does not hold the record that was rejected") from None


def _bytes(record: _Record) -> bytes:
    if bytes(record.raw) not in _EMPTY:
        return _text(record.raw).encode()
    try:
        return base64.b64decode(_text(record.raw_base64), validate=True)
    except binascii.Error as e:
        raise ValueError(str(e)) from e


def _place(record: _Record) -> str:
    if len(record.source) > PLACE_CHARS_MAX:
        raise ValueError("too long a place")
    return record.source


def _account(record: _Record) -> str | None:
    account = _maybe(record.account)
    if account is not None and not named(ACCOUNT, account):
        raise ValueError("not an account's name")
    return account


def _arrived(record: _Record) -> str | None:
    arrived = _maybe(record.arrived)
    if arrived is not None and len(arrived) > TIMESTAMP_CHARS_MAX:
        raise ValueError("not a time")
    return arrived


def _maybe(text: msgspec.Raw) -> str | None:
    return None if bytes(text) in _EMPTY else _text(text)

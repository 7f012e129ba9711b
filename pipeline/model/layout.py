"""The bytes of the store: row keys, qualifiers and cell values. The only module that knows them; both sides use it.

Tables: `counters` (day totals and hours, a slot per shard), `visitors` (facts), `shards` (heads), `meta` (small facts
about the store itself). Every cell value begins with a version byte. `LAYOUT_VERSION` changes whenever a key or a value
changes its form; a store with another one is refused.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import numpy as np

LAYOUT_VERSION = 1
TABLES = ("counters", "visitors", "shards", "meta")
VALUE_VERSION = b"\x01"

DAY = b"d"  # a day's totals
HOUR = b"h"  # the same day by hours
HOURS_PER_DAY = 48  # 0..23 at the day's first UTC offset, 24..47 at its second one (a day with a clock change)

BUCKETS_PER_SHARD = 256  # rows an account's visitors spread over within a shard: about 50 visitors each at 100,000
MICRO = 1_000_000  # sums are integers of millionths

_QUALIFIER = struct.Struct(">cBBH")
_QUALIFIERS = np.dtype([("kind", "S1"), ("breakdown", "u1"), ("day", "u1"), ("slot", ">u2")])  # the same, of many
_SLOT = struct.Struct(">BBH")  # behind the kind
_HOURS = struct.Struct(">BB")
_HOURS_AT = 1 + _HOURS.size  # where the flags of a day by hours begin


class CounterKey(NamedTuple):
    """What one counter cell is about: a `kind` (DAY or HOUR), breakdown (0: none, 1..n: the n-th), day, slot, value."""

    kind: bytes
    breakdown: int
    day: int  # of the month, 1..31
    slot: int  # the shard that writes it
    value: str  # of the breakdown; "" without one


def counter_row(account: str, metric_id: str, revision: str, year: int, month: int) -> bytes:
    """Key of the row that holds one month of one metric revision."""
    return counter_rows(account) + counter_month(metric_id, revision, year, month)


def counter_rows(account: str) -> bytes:
    """What the keys of all counter rows of an account begin with."""
    return f"{account}#".encode()


def counter_month(metric_id: str, revision: str, year: int, month: int) -> bytes:
    """What follows it in a row's key."""
    return f"{metric_id}@{revision}#{year:04d}-{month:02d}".encode()


def counter_qualifier(key: CounterKey) -> bytes:
    """Qualifier of a counter cell; those of one kind, breakdown and span of days are neighbours."""
    return _QUALIFIER.pack(key.kind, key.breakdown, key.day, key.slot) + key.value.encode("utf-8", "surrogatepass")


def parse_counter_qualifier(qualifier: bytes) -> CounterKey:
    """The inverse of `counter_qualifier`."""
    kind, breakdown, day, slot = _QUALIFIER.unpack_from(qualifier)
    return CounterKey(kind, breakdown, day, slot, counter_value(qualifier[_QUALIFIER.size :]))


def parse_counter_qualifiers(qualifiers: Sequence[bytes]) -> tuple[np.ndarray, list[bytes]]:
    """Of many at once: the days of the month (int64), and the values as bytes."""
    heads = np.frombuffer(b"".join([qualifier[: _QUALIFIER.size] for qualifier in qualifiers]), dtype=_QUALIFIERS)
    return heads["day"].astype(np.int64), [qualifier[_QUALIFIER.size :] for qualifier in qualifiers]


def counter_value(text: bytes) -> str:
    """A breakdown's value from its bytes in a qualifier."""
    return text.decode("utf-8", "surrogatepass")


def day_range(kind: bytes, breakdown: int, first_day: int, last_day: int) -> tuple[bytes, bytes]:
    """Half-open range of the qualifiers of a span of days (both inclusive), all slots and values."""
    return struct.pack(">cBB", kind, breakdown, first_day), struct.pack(">cBB", kind, breakdown, last_day + 1)


def slot_range(kind: bytes, breakdown: int, day: int, slot: int) -> tuple[bytes, bytes]:
    """Half-open range of the qualifiers of one slot on one day, all values."""
    return _QUALIFIER.pack(kind, breakdown, day, slot), _QUALIFIER.pack(kind, breakdown, day, slot + 1)


def slot_head(breakdown: int, day: int, slot: int) -> bytes:
    """What the qualifiers of one slot on one day have behind their kind."""
    return _SLOT.pack(breakdown, day, slot)


def slot_range_of(head: bytes) -> tuple[bytes, bytes]:
    """As `slot_range`, of the hours."""
    breakdown, day, slot = _SLOT.unpack(head)
    return slot_range(HOUR, breakdown, day, slot)


def split_qualifier(qualifier: bytes) -> tuple[bytes, bytes]:
    """(head, value) of a slot's cell, see `slot_head`; its qualifier is the kind, the head and the value."""
    return qualifier[1 : _QUALIFIER.size], qualifier[_QUALIFIER.size :]


def counter_text(value: str) -> bytes:
    """The inverse of `counter_value`."""
    return value.encode("utf-8", "surrogatepass")


def pack_totals(totals: np.ndarray) -> bytes:
    """A day's columns (int64, see `counter.columns`) as a cell value."""
    return VALUE_VERSION + totals.astype("<i8", copy=False).tobytes()


def pack_days(dense: np.ndarray, touched: np.ndarray, totals: np.ndarray) -> tuple[list[bytes], list[bytes]]:
    """Many days at once, as `pack_hours` and `pack_totals`. Shapes: dense (n, hours, columns), touched (n, hours; one at
    least of each day), totals (n, columns).
    """
    days, hours, columns = dense.shape
    body, flags, sums = dense.astype("<i8", copy=False).tobytes(), touched.tobytes(), totals.astype("<i8").tobytes()
    size, begins = columns * 8, range(0, days * hours, hours)
    firsts = touched.argmax(axis=1).tolist()
    lasts = (hours - touched[:, ::-1].argmax(axis=1)).tolist()
    head = [[VALUE_VERSION + _HOURS.pack(first, last) for last in range(hours + 1)] for first in range(hours)]
    by_hour = [
        head[first][last] + flags[at + first : at + last] + body[(at + first) * size : (at + last) * size]
        for at, first, last in zip(begins, firsts, lasts, strict=True)
    ]
    return by_hour, [VALUE_VERSION + sums[at : at + size] for at in range(0, days * size, size)]


def unpack_totals(value: bytes) -> np.ndarray:
    """The inverse of `pack_totals`: int64, shape (columns,)."""
    _check_version(value)
    return np.frombuffer(value, dtype="<i8", offset=1)


def unpack_all_totals(values: Sequence[bytes], width: int) -> np.ndarray:
    """Of many cells at once: int64, shape (cells, width). Raises ValueError where one has another width."""
    size = 1 + width * 8
    for value in values:
        if len(value) != size or value[0] != VALUE_VERSION[0]:
            raise ValueError(f"{len(unpack_totals(value))} columns instead of {width}")
    raw = np.frombuffer(b"".join(values), dtype=np.uint8).reshape(len(values), size)
    return raw[:, 1:].copy().view("<i8").reshape(len(values), width)


def pack_hours(hours: np.ndarray, touched: np.ndarray) -> bytes:
    """A day by hours (int64, shape (HOURS_PER_DAY, columns)) as a cell value: only the span that was ever touched."""
    rows = np.flatnonzero(touched)
    first, last = int(rows[0]), int(rows[-1]) + 1
    return pack_span(first, touched[first:last], hours[first:last])


def pack_span(first: int, touched: np.ndarray, hours: np.ndarray) -> bytes:
    """The same of the span itself: `hours` (int64, shape (n, columns)) from hour `first` on."""
    body = hours.astype("<i8", copy=False).tobytes()
    return VALUE_VERSION + _HOURS.pack(first, first + len(touched)) + touched.tobytes() + body


def unpack_hours(value: bytes) -> tuple[int, np.ndarray, np.ndarray]:
    """The inverse of `pack_hours`: first hour, touched (bool, shape (hours,)), columns (int64, shape (hours, columns))."""
    _check_version(value)
    first, last = _HOURS.unpack_from(value, 1)
    if not first < last <= HOURS_PER_DAY:
        raise ValueError(f"hours {first} to {last}")
    at = _HOURS_AT
    touched = np.frombuffer(value, dtype=bool, count=last - first, offset=at)
    body = np.frombuffer(value, dtype="<i8", offset=at + last - first)
    return first, touched, body.reshape(last - first, -1)


def unpack_all_hours(values: Sequence[bytes], columns: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Of many cells at once: which cell, hour, touched and columns (int64, shape (n, columns)) of all hours they hold.

    Raises ValueError where one can't be read or has another width.
    """
    heads = np.frombuffer(b"".join([value[:_HOURS_AT] for value in values]), dtype=np.uint8).reshape(-1, _HOURS_AT)
    first, last = heads[:, 1].astype(np.int64), heads[:, 2].astype(np.int64)
    count = last - first
    lengths = np.fromiter(map(len, values), dtype=np.int64, count=len(values))
    sound = (heads[:, 0] == VALUE_VERSION[0]) & (count > 0) & (last <= HOURS_PER_DAY)
    if len(heads) != len(values) or not (sound & (lengths == _HOURS_AT + count * (1 + columns * 8))).all():
        raise ValueError(f"hours of another form than {columns} columns")
    ends = (_HOURS_AT + count).tolist()
    touched = np.frombuffer(b"".join([v[_HOURS_AT:end] for v, end in zip(values, ends, strict=True)]), dtype=bool)
    body = np.frombuffer(b"".join([v[end:] for v, end in zip(values, ends, strict=True)]), dtype="<i8")
    which = np.repeat(np.arange(len(values)), count)
    hour = np.arange(len(which)) - np.repeat(np.cumsum(count) - count - first, count)
    return which, hour, touched, body.reshape(-1, columns)


def _check_version(value: bytes) -> None:
    if value[:1] != VALUE_VERSION:
        raise ValueError(f"a value of version {value[:1]!r}")


def visitors_row(account: str, shard: int, bucket: int) -> bytes:
    """Key of the row that holds the facts of one bucket of an account's visitors, all of one shard."""
    return f"{account}#".encode() + struct.pack(">HB", shard, bucket)


def facts_qualifier(seq: int, part: int = 0) -> bytes:
    """Facts that one unit learnt stand under its seq, so that a row's cells come in the order of commits. part: of facts
    too large for one cell, 0 .. 65,535.
    """
    return struct.pack(">Q", seq) + (struct.pack(">H", part) if part else b"")


def head_row(shard: int) -> bytes:
    """Key of a shard's head."""
    return b"head#" + struct.pack(">H", shard)


@dataclass(frozen=True, slots=True)
class MonthDay:
    """A calendar day cut into the row (month) and the column (day of the month) it is counted in."""

    year: int
    month: int
    day: int

    @classmethod
    def of(cls, epoch_day: int) -> MonthDay:
        """From days since 1970-01-01."""
        d = date.fromordinal(epoch_day + EPOCH_ORDINAL)
        return cls(d.year, d.month, d.day)


EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


# --- rows of `meta`: qualifier and value are JSON or text, see who writes them


META_LAYOUT = b"layout"  # version, shards, check of the visitor key


META_ACCOUNT_PREFIX = b"account#"


def meta_account_row(account: str) -> bytes:
    """What an account has fixed at its first use: its fanout."""
    return META_ACCOUNT_PREFIX + account.encode()


def meta_revision_row(account: str, metric_id: str, revision: str) -> bytes:
    """`definition`: the metric as JSON, so that an old revision stays readable; `since`: RFC 3339, when first in force."""
    return f"revision#{account}#{metric_id}@{revision}".encode()


def meta_history_row(account: str, metric_id: str) -> bytes:
    """Which revision was in force from when: qualifier = RFC 3339 time, value = revision or empty (none)."""
    return f"history#{account}#{metric_id}".encode()


META_JUDGED_PREFIX = b"judged#"


def meta_judged_row(digest: int) -> bytes:
    """`names`: the `metric@revision`s that a definitions digest (64 bits) stands for; ids are remembered under it."""
    return META_JUDGED_PREFIX + f"{digest:016x}".encode()


META_STATED_PREFIX = b"stated#"


def meta_stated_row(digest: int) -> bytes:
    """Row of the account's definitions that a digest stands for; the last of its cells holds them as they are in force."""
    return META_STATED_PREFIX + f"{digest:016x}".encode()


def stated_qualifier(epochs: int) -> bytes:
    """epochs: of all the account's experiments that count. They only ever become more, so that whoever takes earlier
    definitions into force late hides nothing.
    """
    return f"definitions#{epochs:08d}".encode()


META_COMPLETE = b"complete"  # `until`: RFC 3339; what was acknowledged before it is in the numbers


def meta_progress_row(run: str) -> bytes:
    """How far an unfinished run over files has come."""
    return f"progress#{run}".encode()

"""What is known of visitors, and its bytes: facts that add up by union and minimum, so that their order can't matter.

- ids: this event was seen, judged under that digest (until the horizon of `dedup_days`);
- firsts: the earliest event time for a key (visitor, series, `once_per` scope) and where it is counted;
- valued firsts: the same with the messageId (ties) and the amounts that were counted, which a take-back undoes;
- trials: the exposures and goal events of a visitor in an experiment.

A cell of the visitors table holds the facts that one unit learnt about one bucket of visitors, or several such folded.
Kinds to come (causes) are further parts of the same cell.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec
import numpy as np

_VALUED_BYTES = 200  # of a valued first, packed, with a messageId of ordinary length
FIRST = np.dtype([("key", "<u8"), ("time", "<i8"), ("spot", "<i4")])  # spot: when * 2 + (counted under `(other)`)

_TOP = np.uint64(0xFF << 56)
_M1, _M2, _M3 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


class Firsts(NamedTuple):
    """Firsts whose amounts are not counted, as parallel arrays: one row per key, sorted by key where that is said."""

    key: np.ndarray  # uint64
    time: np.ndarray  # int64, ns
    spot: np.ndarray  # int32

    @classmethod
    def from_bytes(cls, raw: bytes) -> Firsts:
        """From a cell's part."""
        rows = np.frombuffer(raw, dtype=FIRST)
        return cls(rows["key"], rows["time"], rows["spot"])

    def rows(self) -> np.ndarray:
        """As dtype FIRST, whose bytes are a cell's part."""
        rows = np.empty(len(self.key), dtype=FIRST)
        rows["key"], rows["time"], rows["spot"] = self
        return rows

    def take(self, at: np.ndarray) -> Firsts:
        """The rows at these places, or where a mask is true."""
        return Firsts(self.key[at], self.time[at], self.spot[at])


NO_FIRSTS = Firsts(np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int32))


class ValuedFirst(NamedTuple):
    """The first of a key whose amounts are counted: ordered by (time, message_id). `values` as the metric's fields."""

    time: int
    message_id: str
    spot: int
    values: tuple[int, ...]


EXPOSED = -1  # the goal of an exposure


class TrialEvent(NamedTuple):
    """An exposure or a goal event of a visitor in an experiment, as it was judged when it was first seen; in the order of
    time. id: hash of the messageId; goal: its number in the experiment, or EXPOSED; when: local day and hour; value: of a
    goal event, in micro-units or NO_NUMBER; shown: of an exposure, the variation and the values of the breakdowns.
    """

    time: int
    id: int
    goal: int
    epoch: int
    when: int
    value: int
    shown: tuple[str, ...]


class SeenIds(NamedTuple):
    """Ids of events judged under one digest, and the day (since 1970) they were processed."""

    digest: int
    day: int
    ids: bytes  # uint64, little-endian


class Facts(NamedTuple):
    """The content of one cell."""

    seen: list[SeenIds]
    firsts: bytes  # of FIRST
    valued: dict[int, ValuedFirst]
    trials: dict[int, list[TrialEvent]] = {}  # noqa: RUF012 (never changed; by key of visitor and experiment)


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Facts)
_VERSION = b"\x01"


def pack_facts(facts: Facts) -> bytes:
    """A cell's value."""
    return _VERSION + _ENCODER.encode(facts)


def unpack_facts(value: bytes) -> Facts:
    """The inverse of `pack_facts`."""
    if value[:1] != _VERSION:
        raise ValueError(f"facts of version {value[:1]!r}")
    return _DECODER.decode(memoryview(value)[1:])


def check_facts(value: bytes) -> None:
    """Raises what can't be read of a cell, whichever part it is."""
    facts = unpack_facts(value)
    Firsts.from_bytes(facts.firsts)
    for part in facts.seen:
        np.frombuffer(part.ids, dtype="<u8")


def split_facts(facts: Facts, bytes_max: int) -> list[Facts]:
    """The same in several, each of about `bytes_max` packed bytes at the most."""
    ids, firsts = bytes_max // 8 * 8, bytes_max // FIRST.itemsize * FIRST.itemsize
    valued = list(facts.valued.items())
    trials = [(key, event) for key, events in facts.trials.items() for event in events]
    step = max(1, bytes_max // _VALUED_BYTES)
    return [
        *(
            Facts([SeenIds(part.digest, part.day, part.ids[at : at + ids])], b"", {})
            for part in facts.seen
            for at in range(0, len(part.ids), ids)
        ),
        *(Facts([], facts.firsts[at : at + firsts], {}) for at in range(0, len(facts.firsts), firsts)),
        *(Facts([], b"", dict(valued[at : at + step])) for at in range(0, len(valued), step)),
        *(Facts([], b"", {}, _by_key(trials[at : at + step])) for at in range(0, len(trials), step)),
    ]


def _by_key(trials: Iterable[tuple[int, TrialEvent]]) -> dict[int, list[TrialEvent]]:
    found: dict[int, list[TrialEvent]] = {}
    for key, event in trials:
        found.setdefault(key, []).append(event)
    return found


def fold_facts(cells: list[bytes], horizon_day: int) -> bytes:
    """The union of several cells, without ids processed before `horizon_day`. **Retry:** folding again changes nothing."""
    facts = [unpack_facts(c) for c in cells]
    seen: dict[tuple[int, int], list[np.ndarray]] = {}
    valued: dict[int, ValuedFirst] = {}
    for cell in facts:
        for part in cell.seen:
            if part.day >= horizon_day:
                seen.setdefault((part.digest, part.day), []).append(np.frombuffer(part.ids, dtype="<u8"))
        for key, first in cell.valued.items():
            valued[key] = min(first, valued.get(key, first))
    firsts = earliest(join_firsts([Firsts.from_bytes(c.firsts) for c in facts])).rows()
    parts = [SeenIds(d, day, np.unique(np.concatenate(ids)).tobytes()) for (d, day), ids in sorted(seen.items())]
    trials = _by_key((key, event) for cell in facts for key, events in cell.trials.items() for event in events)
    return pack_facts(Facts(parts, firsts.tobytes(), valued, {key: sorted(set(of)) for key, of in trials.items()}))


def join_firsts(parts: list[Firsts]) -> Firsts:
    """Several one after the other."""
    return Firsts(*(np.concatenate(column) for column in zip(NO_FIRSTS, *parts, strict=True)))


def earliest(firsts: Firsts) -> Firsts:
    """One row per key, one of the earliest; sorted by key."""
    return firsts.take(earliest_rows(firsts.key, firsts.time))


def earliest_rows(key: np.ndarray, time: np.ndarray) -> np.ndarray:
    """The place of one of the earliest rows of each key, in the order of keys."""
    if not len(key):
        return np.zeros(0, dtype=np.int64)
    order = np.argsort(key)  # not stable, and much faster than what is: the time decides below
    begins = run_starts(key[order])
    time = time[order]
    lengths = np.diff(np.append(begins, len(order)))
    is_min = np.flatnonzero(time == np.repeat(np.minimum.reduceat(time, begins), lengths))
    first_min = is_min[np.searchsorted(is_min, begins)]
    chosen: np.ndarray = order[first_min]
    return chosen


def run_starts(ordered: np.ndarray) -> np.ndarray:
    """Where each run of equal elements begins."""
    if not len(ordered):
        return np.zeros(0, dtype=np.int64)
    return np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))


def mix(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """A 64-bit hash of two (splitmix64's finalizer). a, b: uint64 arrays."""
    x = a ^ (b * _M1)
    x = (x ^ (x >> np.uint64(30))) * _M2
    x = (x ^ (x >> np.uint64(27))) * _M3
    return x ^ (x >> np.uint64(31))


def placed(visitor: np.ndarray, hashed: np.ndarray) -> np.ndarray:
    """Let a hash of something of a visitor begin with the visitor's bucket, so that rows hold neighbours."""
    return (visitor & _TOP) | (hashed >> np.uint64(8))


def bucket_of(visitor: np.ndarray) -> np.ndarray:
    """The bucket a visitor's facts lie in, within its account and shard: 0..255."""
    return (visitor >> np.uint64(56)).astype(np.int64)

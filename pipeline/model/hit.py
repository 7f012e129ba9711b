"""Hits: events that match one or more metrics, as flat arrays on their way from match to the visitors of one shard.

What an event matched is a *combo*: its account, and as its kind the series (metric, breakdown, value) it counts in and
the fields whose values it carries. Combos are interned per block, so that a hit is a row of numbers. `HitBlock.to_bytes`
is what the shuffle moves: one element per (block of input, shard).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
import numpy as np

NO_VISITOR = 1  # flag: no visitor is known, the event is in no `once_per` measure
LATE = 2  # flag: its day had ended more than 24 hours before it arrived


class Series(NamedTuple):
    """Where a hit counts: metric (index in `Judged.metrics`), breakdown (0: none; below: see `goal_series`), its value."""

    metric: int
    breakdown: int
    value: str


def goal_series(metric: int, goal: int) -> Series:
    """Says that an event is one of goal number `goal` of the experiment whose exposures `metric` shows."""
    return Series(metric, -1 - goal, "")


def goal_of(series: Series) -> int | None:
    """The inverse: the number of the goal, None for any other series."""
    return -1 - series.breakdown if series.breakdown < 0 else None


class Kind(NamedTuple):
    """What an event matched. `valued`: hits carry their messageId, since a first's amount is counted."""

    fields: tuple[int, ...]  # indices in `Judged.fields` of the values carried, in order
    valued: bool
    series: tuple[Series, ...]


class Combo(NamedTuple):
    """What hits have in common: their account, and a kind, which accounts with equal definitions share."""

    account: int  # index in `HitBlock.accounts`
    kind: Kind

    @property
    def fields(self) -> tuple[int, ...]:
        return self.kind.fields

    @property
    def valued(self) -> bool:
        return self.kind.valued

    @property
    def series(self) -> tuple[Series, ...]:
        return self.kind.series


class AccountKey(NamedTuple):
    """An account and the digest (`Judged.digest`) its events were judged under."""

    account: str
    digest: int


@dataclass(slots=True)
class HitBlock:
    """n hits. Every array has n rows but `values`, which has as many per hit as its combo has fields."""

    accounts: Sequence[AccountKey]
    combos: Sequence[Combo]
    visitor: np.ndarray  # uint64, keyed hash of (account, visitor); of (account, messageId) where there is no visitor
    message: np.ndarray  # uint64, hash of the messageId
    time: np.ndarray  # int64, ns
    when: np.ndarray  # int32, local day and hour (see `calendar`)
    flags: np.ndarray  # uint8
    combo: np.ndarray  # uint32, index in `combos`
    values: np.ndarray  # int64, micro-units or NO_NUMBER
    message_ids: Sequence[str]  # of the hits whose combo is `valued`, in order

    def __len__(self) -> int:
        return len(self.combo)

    def to_bytes(self) -> bytes:
        """One self-contained message."""
        arrays = [getattr(self, name).tobytes() for name in _ARRAYS]
        kinds = {id(c.kind): c.kind for c in self.combos}
        number = {of: i for i, of in enumerate(kinds)}
        combos = np.array([(c.account, number[id(c.kind)]) for c in self.combos], dtype=np.uint32).tobytes()
        return _ENCODER.encode((self.accounts, list(kinds.values()), combos, arrays, self.message_ids))

    @classmethod
    def from_bytes(cls, data: bytes) -> HitBlock:
        """The inverse of `to_bytes`."""
        accounts, kinds, pairs, arrays, message_ids = _DECODER.decode(data)
        combos = [Combo(a, kinds[k]) for a, k in np.frombuffer(pairs, dtype=np.uint32).reshape(-1, 2).tolist()]
        named = {name: np.frombuffer(raw, dtype=kind) for (name, kind), raw in zip(_ARRAYS.items(), arrays, strict=True)}
        return cls(accounts, combos, message_ids=message_ids, **named)


_ARRAYS = {
    "visitor": np.uint64,
    "message": np.uint64,
    "time": np.int64,
    "when": np.int32,
    "flags": np.uint8,
    "combo": np.uint32,
    "values": np.int64,
}
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(tuple[list[AccountKey], list[Kind], bytes, list[bytes], list[str]])


def split_by(shards: np.ndarray, block: HitBlock) -> dict[int, HitBlock]:
    """Cut a block into one per shard. shards: the shard of each hit."""
    order = np.argsort(shards, kind="stable")
    lengths = np.array([len(c.kind.fields) for c in block.combos], dtype=np.int64)
    valued = np.array([c.kind.valued for c in block.combos], dtype=bool)
    starts = starts_of(lengths[block.combo])
    ids = np.array(block.message_ids, dtype=object)
    id_at = np.cumsum(valued[block.combo]) - 1
    numbers, firsts = np.unique(shards[order], return_index=True)
    parts: dict[int, HitBlock] = {}
    for number, rows in zip(numbers, np.split(order, firsts[1:]), strict=True):
        used, combo = np.unique(block.combo[rows], return_inverse=True)
        combos = [block.combos[c] for c in used]
        accounts = sorted({c.account for c in combos})
        place = {account: i for i, account in enumerate(accounts)}
        parts[int(number)] = HitBlock(
            accounts=[block.accounts[a] for a in accounts],
            combos=[Combo(place[c.account], c.kind) for c in combos],
            visitor=block.visitor[rows],
            message=block.message[rows],
            time=block.time[rows],
            when=block.when[rows],
            flags=block.flags[rows],
            combo=combo.astype(np.uint32),
            values=block.values[spans(starts[rows], lengths[block.combo[rows]])],
            message_ids=ids[id_at[rows[valued[block.combo[rows]]]]].tolist(),
        )
    return parts


def starts_of(lengths: np.ndarray) -> np.ndarray:
    """Where each span begins when spans of these lengths follow one another."""
    return np.cumsum(lengths) - lengths


def spans(starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """The indices of all spans one after the other: starts[0], starts[0]+1, ..., starts[1], ..."""
    total = int(lengths.sum())
    return np.repeat(starts - starts_of(lengths), lengths) + np.arange(total)

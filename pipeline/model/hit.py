"""Hits: events that match one or more metrics, as flat arrays on their way from match to the visitors of one shard.

What an event matched is a *combo*: its account, and as its kind the series (metric, breakdown, value) it counts in and
the fields whose values it carries. Combos are interned per block, so that a hit is a row of numbers. `HitBlock.to_bytes`
is what the shuffle moves: one element per (block of input, shard).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, overload

import msgspec
import numpy as np

from pipeline.model.group import group

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


class Combos(Sequence[Combo]):
    """Combos as columns, since there may be nearly as many as hits: the kind (index in `kinds`) and account of each."""

    def __init__(self, kinds: Sequence[Kind], account: np.ndarray, kind: np.ndarray) -> None:
        self.kinds = kinds
        self.account = account
        self.kind = kind

    def __len__(self) -> int:
        return len(self.kind)

    @overload
    def __getitem__(self, at: int) -> Combo: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Combo]: ...
    def __getitem__(self, at: int | slice) -> Combo | Sequence[Combo]:
        if isinstance(at, slice):
            return Combos(self.kinds, self.account[at], self.kind[at])
        return Combo(int(self.account[at]), self.kinds[int(self.kind[at])])

    def lengths(self) -> np.ndarray:
        """How many values a hit of each carries."""
        return np.array([len(kind.fields) for kind in self.kinds], dtype=np.int64)[self.kind]

    def valued(self) -> np.ndarray:
        """Whether a hit of each carries its messageId."""
        return np.array([kind.valued for kind in self.kinds], dtype=bool)[self.kind]


@dataclass(slots=True)
class HitBlock:
    """n hits. Every array has n rows but `values`, which has as many per hit as its combo has fields."""

    accounts: Sequence[AccountKey]
    combos: Combos
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
        columns = [column.astype(np.uint32).tobytes() for column in (self.combos.account, self.combos.kind)]
        return _ENCODER.encode((self.accounts, self.combos.kinds, columns, arrays, self.message_ids))

    @classmethod
    def from_bytes(cls, data: bytes) -> HitBlock:
        """The inverse of `to_bytes`."""
        accounts, kinds, columns, arrays, message_ids = _DECODER.decode(data)
        combos = Combos(kinds, *(np.frombuffer(column, dtype=np.uint32) for column in columns))
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
_DECODER = msgspec.msgpack.Decoder(tuple[list[AccountKey], list[Kind], list[bytes], list[bytes], list[str]])


def split_by(shards: np.ndarray, block: HitBlock) -> dict[int, HitBlock]:
    """Cut a block into one per shard. shards: the shard of each hit."""
    order = np.argsort(shards, kind="stable")
    lengths, valued = block.combos.lengths()[block.combo], block.combos.valued()[block.combo]
    starts = starts_of(lengths)
    ids = np.array(block.message_ids, dtype=object)
    id_at = np.cumsum(valued) - 1
    numbers, firsts = np.unique(shards[order], return_index=True)
    parts: dict[int, HitBlock] = {}
    for number, rows in zip(numbers, np.split(order, firsts[1:]), strict=True):
        used, combo = group(block.combo[rows].astype(np.int64))
        accounts, account = group(block.combos.account[used].astype(np.int64))
        kinds, kind = group(block.combos.kind[used].astype(np.int64))
        parts[int(number)] = HitBlock(
            accounts=[block.accounts[a] for a in accounts.tolist()],
            combos=Combos([block.combos.kinds[k] for k in kinds.tolist()], account, kind),
            visitor=block.visitor[rows],
            message=block.message[rows],
            time=block.time[rows],
            when=block.when[rows],
            flags=block.flags[rows],
            combo=combo.astype(np.uint32),
            values=block.values[spans(starts[rows], lengths[rows])],
            message_ids=ids[id_at[rows[valued[rows]]]].tolist(),
        )
    return parts


def starts_of(lengths: np.ndarray) -> np.ndarray:
    """Where each span begins when spans of these lengths follow one another."""
    return np.cumsum(lengths) - lengths


def spans(starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """The indices of all spans one after the other: starts[0], starts[0]+1, ..., starts[1], ..."""
    total = int(lengths.sum())
    return np.repeat(starts - starts_of(lengths), lengths) + np.arange(total)

"""What travels from a source to the steps: records with what to acknowledge once they are counted. Owns its bytes.

Bytes of our own, so that a job's elements are read by the next version of the job too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import orjson

from pipeline.sources.blocks import Block

_END = b"\n"


class Receipt(NamedTuple):
    """What to acknowledge: `to` is the input's number among those of the job, `ids` are the stream's own.

    No ids: the engine acknowledges by itself.
    """

    to: int
    ids: Sequence[str] = ()

    def to_bytes(self) -> bytes:
        return orjson.dumps([self.to, list(self.ids)])

    @classmethod
    def from_bytes(cls, data: bytes) -> Receipt:
        return cls(*orjson.loads(data))


class Taken(NamedTuple):
    """A block of records, and what to acknowledge once they are counted."""

    block: Block
    receipt: Receipt

    def to_bytes(self) -> bytes:
        block = self.block
        assert block.data is not None, "a stream's blocks carry their records"
        places = list(block.places) if block.places is not None else None
        said = [block.source, block.account, places, *self.receipt]
        return orjson.dumps(said) + _END + block.data

    @classmethod
    def from_bytes(cls, data: bytes) -> Taken:
        end = data.index(_END)
        source, account, places, to, ids = orjson.loads(data[:end])
        records = data[end + 1 :]
        block = Block(source, 0, len(records), len(records), data=records, account=account, places=places)
        return cls(block, Receipt(to, ids))


def taken(block: Block, to: int, ids: Iterable[str] = ()) -> Taken:
    """A block that was just taken from input `to`. ids: what to acknowledge there once it is counted."""
    return Taken(block, Receipt(to, list(ids)))

"""Blocks are acknowledged at their source once all that became of them is kept: hits in the store, rejects in their place.

So a job can be cancelled or lost with all it holds: what was not counted was not acknowledged, and comes again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any

import apache_beam as beam
from apache_beam.coders import BytesCoder
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import BagStateSpec, TimerSpec, on_timer
from apache_beam.utils.timestamp import Duration, Timestamp

from pipeline.streaming.sources import Acknowledger, open_acknowledger, scheme_of
from pipeline.streaming.taken import Receipt

FORGET_S = 3600  # a block that isn't done by then has come again

_PART, _PARTS = b"p", b"r"
_NUMBER_BYTES = 4

Told = tuple[tuple[int, int], str]  # ((input, partition), offsets that are done)

_log = logging.getLogger(__name__)


def part_done(number: int) -> bytes:
    """A block's note: this part of it is kept for good."""
    return _PART + number.to_bytes(_NUMBER_BYTES, "big")


def parts_of(count: int, receipt: Receipt) -> bytes:
    """A block's note: so many parts it has, and what to acknowledge then."""
    return _PARTS + count.to_bytes(_NUMBER_BYTES, "big") + receipt.to_bytes()


def receipt_if_done(notes: Sequence[bytes]) -> Receipt | None:
    """What to acknowledge, if that much is known and done. Notes may come in any order, and again."""
    count, receipt = 0, None
    done = set()
    for note in notes:
        if note.startswith(_PARTS):
            count = int.from_bytes(note[1 : 1 + _NUMBER_BYTES], "big")
            receipt = Receipt.from_bytes(note[1 + _NUMBER_BYTES :])
        else:
            done.add(note)
    return receipt if receipt is not None and len(done) >= count else None


class Acknowledge(beam.DoFn):
    """(block, note) -> the source is told; or of a source that is told in order, what there is to tell: see `TellOffsets`.

    **Retry:** harmless, as is not doing it: the records come again.
    """

    NOTES = BagStateSpec("notes", BytesCoder())
    FORGET = TimerSpec("forget", TimeDomain.REAL_TIME)

    def __init__(self, inputs: Sequence[str]) -> None:
        self._inputs = inputs

    def setup(self) -> None:
        self._opened: dict[int, Acknowledger] = {}

    def process(
        self,
        element: tuple[bytes, bytes],
        notes: Any = beam.DoFn.StateParam(NOTES),
        forget: Any = beam.DoFn.TimerParam(FORGET),
    ) -> Iterator[Told]:
        known = [*notes.read(), element[1]]
        receipt = receipt_if_done(known)
        if receipt is None:
            notes.add(element[1])
            forget.set(Timestamp.now() + Duration(FORGET_S))
        else:
            notes.clear()
            forget.clear()
            yield from self._acknowledge(receipt)

    @on_timer(FORGET)
    def forget(self, notes: Any = beam.DoFn.StateParam(NOTES)) -> None:
        notes.clear()

    def _acknowledge(self, receipt: Receipt) -> Iterator[Told]:
        if scheme_of(self._inputs[receipt.to]) == "kafka":
            from pipeline.streaming.kafka_offsets import told

            yield from told(receipt.to, receipt.ids)
            return
        acknowledger = self._opened.get(receipt.to)
        if acknowledger is None:
            acknowledger = self._opened[receipt.to] = open_acknowledger(self._inputs[receipt.to])
        trouble = acknowledger.acknowledge(receipt.ids)
        if trouble:
            _log.warning("%d records are counted and not acknowledged, they come again: %s", len(receipt.ids), trouble)

    def teardown(self) -> None:
        for acknowledger in self._opened.values():
            acknowledger.close()

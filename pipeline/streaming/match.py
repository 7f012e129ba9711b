"""Blocks to hits by shard and to rejects. What of a block must be done before it is acknowledged travels as its parts."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import apache_beam as beam
import orjson
from apache_beam.metrics import Metrics
from apache_beam.pvalue import TaggedOutput

from pipeline.model.errors import RejectsUnavailable
from pipeline.reject_places import open_rejects
from pipeline.streaming.acknowledge import part_done, parts_of
from pipeline.streaming.definitions import Newest
from pipeline.streaming.insist import insist
from pipeline.streaming.taken import Taken
from pipeline.streaming.workers import EngineWorkersHandle

METRICS_NAMESPACE = "daycount"
REJECTS, RECEIPTS = "rejects", "receipts"

NOBODYS = bytes(16)  # of what the engine acknowledges by itself

_HEAD = struct.Struct(">16sIQ")


class Part(NamedTuple):
    """A piece of what a block came to: an id, the piece's number, and what stands for the definitions it was judged under.

    An engine may have a block judged again and come to other pieces, as definitions and time have gone on: so the id is
    of this one time. `body`: a `HitBlock`, or rejects as JSON lines.
    """

    block: bytes
    number: int
    judged_by: int
    body: bytes

    def done(self) -> Iterator[tuple[bytes, bytes]]:
        """The note that it is kept for good, if somebody waits for it."""
        if self.block != NOBODYS:
            yield self.block, part_done(self.number)

    def to_bytes(self) -> bytes:
        return _HEAD.pack(self.block, self.number, self.judged_by) + self.body

    @classmethod
    def from_bytes(cls, data: bytes) -> Part:
        block, number, judged_by = _HEAD.unpack_from(data)
        return cls(block, number, judged_by, data[_HEAD.size :])


class MatchRecords(beam.DoFn):
    """`Taken` -> (shard, `Part` of hits), parts of rejects, and what is to be acknowledged. **Retry:** harmless.

    Definitions come in from the side; without that, and as long as nothing came, the process reads them itself.
    """

    def __init__(self, workers: EngineWorkersHandle) -> None:
        self._handle = workers

    def setup(self) -> None:
        self._workers = self._handle.acquire()
        self._newest = Newest()

    def process(self, element: bytes, definitions: Iterable[bytes] = ()) -> Iterator[Any]:
        _, snapshot = self._newest.of(definitions) or self._workers.in_force()
        judged_by = int(snapshot.version, 16)
        taken = Taken.from_bytes(element)
        matched = self._workers.match(taken.block, snapshot)
        for name, count in matched.tally.items():
            count_up(name, count)
        block = uuid.uuid4().bytes if taken.receipt.ids else NOBODYS
        number = 0
        for number, (shard, hits) in enumerate(matched.hits, 1):
            yield shard, Part(block, number, judged_by, hits).to_bytes()
        if matched.rejects:
            number += 1
            lines = b"\n".join(orjson.dumps(reject.to_record()) for reject in matched.rejects)
            yield TaggedOutput(REJECTS, Part(block, number, judged_by, lines).to_bytes())
        if taken.receipt.ids:
            yield TaggedOutput(RECEIPTS, (block, parts_of(number, taken.receipt)))


class KeepRejects(beam.DoFn):
    """A `Part` of rejects -> what is done of its block, once they are kept for good. place: see `open_rejects`.

    **Retry:** a record that is taken again is kept again.
    """

    def __init__(self, place: str) -> None:
        self._place = place

    def setup(self) -> None:
        self._rejects = open_rejects(self._place)

    def process(self, element: bytes) -> Iterator[tuple[bytes, bytes]]:
        part = Part.from_bytes(element)
        insist(lambda: self._rejects.keep(part.body.split(b"\n")), RejectsUnavailable)
        yield from part.done()

    def teardown(self) -> None:
        self._rejects.close()


def count_up(name: str, count: int) -> None:
    """Add to a counter that the engine shows."""
    Metrics.counter(METRICS_NAMESPACE, name).inc(count)

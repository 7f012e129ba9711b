"""Hits of a shard, gathered by state and timer into units of a useful size, and committed.

Units cost by the counters they touch, so few large ones are cheaper; a timer bounds how long hits wait for others. An
engine that fires it early, twice or late changes the size of units and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import apache_beam as beam
from apache_beam.coders import BytesCoder, VarIntCoder
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import BagStateSpec, ReadModifyWriteStateSpec, TimerSpec, on_timer
from apache_beam.utils.timestamp import Duration, Timestamp

from pipeline.model.errors import TransientStoreError
from pipeline.streaming.insist import insist
from pipeline.streaming.match import Part, count_up
from pipeline.streaming.workers import EngineWorkersHandle

UNIT_BYTES = 2 * 1024 * 1024  # some 40,000 hits
GATHER_S = 0.5


class CommitUnits(beam.DoFn):
    """(shard, `Part` of hits) -> (block, what is done of it), once they are committed for good.

    **Retry:** harmless, what was committed is known.
    """

    HITS = BagStateSpec("hits", BytesCoder())
    SIZE = ReadModifyWriteStateSpec("size", VarIntCoder())
    FLUSH = TimerSpec("flush", TimeDomain.REAL_TIME)

    def __init__(self, workers: EngineWorkersHandle, unit_bytes: int = UNIT_BYTES, gather_s: float = GATHER_S) -> None:
        self._handle = workers
        self._unit_bytes = unit_bytes
        self._gather_s = gather_s

    def setup(self) -> None:
        self._workers = self._handle.acquire()

    def process(
        self,
        element: tuple[int, bytes],
        hits: Any = beam.DoFn.StateParam(HITS),
        size: Any = beam.DoFn.StateParam(SIZE),
        flush: Any = beam.DoFn.TimerParam(FLUSH),
    ) -> Iterator[tuple[bytes, bytes]]:
        shard, part = element
        before = size.read() or 0
        hits.add(part)
        size.write(before + len(part))
        if before + len(part) >= self._unit_bytes:
            flush.clear()
            yield from self._commit(shard, hits, size)
        elif not before:
            flush.set(Timestamp.now() + Duration(micros=round(self._gather_s * 1e6)))

    @on_timer(FLUSH)
    def gathered(
        self,
        shard: Any = beam.DoFn.KeyParam,
        hits: Any = beam.DoFn.StateParam(HITS),
        size: Any = beam.DoFn.StateParam(SIZE),
    ) -> Iterator[tuple[bytes, bytes]]:
        yield from self._commit(shard, hits, size)

    def _commit(self, shard: int, hits: Any, size: Any) -> Iterator[tuple[bytes, bytes]]:
        parts = [Part.from_bytes(data) for data in hits.read()]
        hits.clear()
        size.clear()
        if not parts:
            return
        bodies, judged_by = [part.body for part in parts], {part.judged_by for part in parts}
        tally = insist(lambda: self._workers.commit(shard, bodies, judged_by), TransientStoreError)
        for name, count in tally.items():
            count_up(name, count)
        for part in parts:
            yield from part.done()

"""Tells a Kafka group how far each partition is counted, from blocks that are done in any order and by any worker.

A group's offset may go up to the first record that isn't counted. What is done behind that waits, as runs of offsets. Where
offsets are missing, since a transaction ended there or the topic was compacted, Kafka itself is asked for the next record.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.coders import BytesCoder, VarIntCoder
from apache_beam.transforms.userstate import BagStateSpec, ReadModifyWriteStateSpec

from pipeline.model.errors import RunError
from pipeline.sources.kafka.group import Away, Group
from pipeline.sources.kafka.url import KafkaUrl

STUCK_S = 10.0  # behind something that isn't done: perhaps there is nothing

Run = tuple[int, int]  # the first offset, and the one behind the last

_log = logging.getLogger(__name__)


class Runs(NamedTuple):
    """Offsets by partition, as runs in order."""

    by_partition: dict[int, list[Run]]

    @classmethod
    def of(cls, offsets: Iterable[tuple[int, int]]) -> Runs:
        """Of (partition, offset) in any order."""
        found: dict[int, list[int]] = {}
        for partition, offset in offsets:
            found.setdefault(partition, []).append(offset)
        return cls({partition: merged((o, o + 1) for o in of_it) for partition, of_it in found.items()})

    def to_ids(self) -> list[str]:
        """As a receipt carries them: `partition:first-end,...`."""
        return [f"{partition}:{to_text(runs)}" for partition, runs in self.by_partition.items()]


def to_text(runs: Iterable[Run]) -> str:
    return ",".join(f"{first}-{end}" for first, end in runs)


def from_text(text: str) -> list[Run]:
    found = (run.partition("-") for run in text.split(",") if run)
    return [(int(first), int(end)) for first, _, end in found]


def merged(runs: Iterable[Run]) -> list[Run]:
    """The same offsets in as few runs as there can be, in order."""
    found: list[Run] = []
    for first, end in sorted(runs):
        if found and first <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((first, end))
    return found


def advanced(done: int, runs: Sequence[Run]) -> tuple[int, list[Run]]:
    """(how far everything is done, the runs that are left). runs: merged; done: how far it was before."""
    left = [run for run in runs if run[1] > done]
    if left and left[0][0] <= done:
        return left[0][1], left[1:]
    return done, left


class TellOffsets(beam.DoFn):
    """((input, partition), runs as text) -> nothing; the input's group is told. **Retry:** harmless, as is not doing it:
    the records come again. clock: seconds, monotonic.
    """

    RUNS = BagStateSpec("runs", BytesCoder())
    DONE = ReadModifyWriteStateSpec("done", VarIntCoder())

    def __init__(self, inputs: Sequence[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._inputs = inputs
        self._clock = clock

    def setup(self) -> None:
        self._groups: dict[int, Group] = {}
        self._stuck: dict[tuple[int, int], tuple[int, float]] = {}  # where, and since when

    def process(
        self,
        element: tuple[tuple[int, int], str],
        runs: Any = beam.DoFn.StateParam(RUNS),
        done: Any = beam.DoFn.StateParam(DONE),
    ) -> None:
        key, text = element
        waiting = merged([*from_text(text), *(run for part in runs.read() for run in from_text(part.decode()))])
        try:
            before = done.read()
            start = self._counted(*key) if before is None else before
            now, waiting = self._advanced(key, start, waiting)
            if now > start or before is None:
                self._group(key[0]).commit(key[1], now)
                done.write(now)
        except (Away, RunError) as e:
            _log.warning("offsets are not told, records may come again: %s", e)
        runs.clear()
        runs.add(to_text(waiting).encode())

    def _advanced(self, key: tuple[int, int], done: int, waiting: list[Run]) -> tuple[int, list[Run]]:
        now, left = advanced(done, waiting)
        since = self._stuck.get(key, (-1, 0.0))
        if not left or since[0] != now:
            self._stuck[key] = (now, self._clock())
        elif self._clock() - since[1] > STUCK_S:
            self._stuck[key] = (now, self._clock())
            following = self._group(key[0]).first_from(key[1], now)
            if following is not None and following > now:
                return advanced(following, left)
        return now, left

    def _counted(self, number: int, partition: int) -> int:
        """Where the group stands: there, or at the beginning, the source began to read."""
        group = self._group(number)
        return max(group.committed([partition]).get(partition, 0), group.beginnings([partition])[partition])

    def _group(self, number: int) -> Group:
        if number not in self._groups:
            self._groups[number] = Group(KafkaUrl.parse(self._inputs[number]))
        return self._groups[number]

    def teardown(self) -> None:
        for group in self._groups.values():
            group.close()


def told(number: int, ids: Iterable[str]) -> Iterator[tuple[tuple[int, int], str]]:
    """What `TellOffsets` is given for a block of input `number` that is done."""
    for one in ids:
        partition, _, runs = one.partition(":")
        yield (number, int(partition)), runs

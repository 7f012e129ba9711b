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
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import BagStateSpec, ReadModifyWriteStateSpec, TimerSpec, on_timer
from apache_beam.utils.timestamp import Timestamp

from pipeline.model.errors import RunError
from pipeline.sources.kafka.group import Away, Group
from pipeline.sources.kafka.url import KafkaUrl

AGAIN_S = 10  # so often it is looked whether more can be told, where nothing comes
STUCK_S = 60.0  # so long a block is hardly in work
STUCK = (
    "%s: partition %d has been told up to offset %d only, for %d s, though later records are counted. Those from there on "
    "are in work still; or this job has not read them, then start it anew without a savepoint"
)

Key = tuple[int, int]  # the input's number, and the partition's
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
    """((input, partition), runs as text) -> nothing; the input's group is told.

    **Retry:** harmless, as is not doing it: the records come again. What could not be told is told a little later, as long
    as the job has it. clock: seconds since 1970.
    """

    RUNS = BagStateSpec("runs", BytesCoder())
    DONE = ReadModifyWriteStateSpec("done", VarIntCoder())
    AGAIN = TimerSpec("again", TimeDomain.REAL_TIME)

    def __init__(self, inputs: Sequence[str], clock: Callable[[], float] = time.time) -> None:
        self._inputs = inputs
        self._clock = clock

    def setup(self) -> None:
        self._groups: dict[int, Group] = {}
        self._stuck: dict[Key, tuple[int, float]] = {}  # where, and since when

    def process(
        self,
        element: tuple[Key, str],
        runs: Any = beam.DoFn.StateParam(RUNS),
        done: Any = beam.DoFn.StateParam(DONE),
        again: Any = beam.DoFn.TimerParam(AGAIN),
    ) -> None:
        key, text = element
        self._tell(key, from_text(text), runs, done, again)

    @on_timer(AGAIN)
    def tell_again(
        self,
        key: Any = beam.DoFn.KeyParam,
        runs: Any = beam.DoFn.StateParam(RUNS),
        done: Any = beam.DoFn.StateParam(DONE),
        again: Any = beam.DoFn.TimerParam(AGAIN),
    ) -> None:
        self._tell(key, [], runs, done, again, over_gaps=True)

    def _tell(self, key: Key, more: Sequence[Run], runs: Any, done: Any, again: Any, over_gaps: bool = False) -> None:
        waiting = merged([*more, *(run for part in runs.read() for run in from_text(part.decode()))])
        try:
            waiting = self._told(key, waiting, done, over_gaps)
        except (Away, RunError) as e:
            _log.warning("offsets are not told, records may come again: %s", e)
        runs.clear()
        if waiting:
            runs.add(to_text(waiting).encode())
            again.set(Timestamp.of((self._clock() // AGAIN_S + 1) * AGAIN_S))  # the same time, whoever sets it

    def _told(self, key: Key, waiting: list[Run], done: Any, over_gaps: bool) -> list[Run]:
        """What is left."""
        before = done.read()
        start = self._counted(*key) if before is None else before
        now, left = advanced(start, waiting)
        if left and over_gaps:
            now, left = self._over_gap(key, now, left)
        if now > start or before is None:
            self._group(key[0]).commit(key[1], now)
            done.write(now)
        return left

    def _over_gap(self, key: Key, now: int, left: list[Run]) -> tuple[int, list[Run]]:
        """How far it is done if there is nothing before the next run. What is behind has been read, so nothing comes."""
        following = self._group(key[0]).first_from(key[1], now)
        if following is not None and following > now:
            return advanced(following, left)
        where, since = self._stuck.setdefault(key, (now, self._clock()))
        if where != now:
            self._stuck[key] = (now, self._clock())
        elif self._clock() - since >= STUCK_S:
            _log.warning(STUCK, self._inputs[key[0]], key[1], now, self._clock() - since)
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


def told(number: int, ids: Iterable[str]) -> Iterator[tuple[Key, str]]:
    """What `TellOffsets` is given for a block of input `number` that is done."""
    for one in ids:
        partition, _, runs = one.partition(":")
        yield (number, int(partition)), runs

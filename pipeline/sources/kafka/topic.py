"""A Kafka topic as a source: the partitions that a consumer group gives this run, counted before their offsets are told.

Several runs of one group share the partitions. Where these change hands, what is in work comes again to their new owner and
is counted once, since an event is known by its id. A group belongs to one store: two stores take two.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Sequence

from pipeline.model.errors import RunError, UsageError
from pipeline.sources.blocks import BLOCK_BYTES, Block
from pipeline.sources.kafka.gathering import Gathering
from pipeline.sources.kafka.group import START_S, Away, Group
from pipeline.sources.kafka.offsets import Tenures
from pipeline.sources.kafka.url import KafkaUrl
from pipeline.sources.outage import Outage
from pipeline.sources.source import Backlog, Source

MESSAGES_MAX = 10_000  # taken from the client at once
WAIT_S = 0.05  # for more of them, where there are more
STALLED_S = 1.0  # so long more was there, and nothing came
OTHERS_S = 1.0  # between looks at how far the group's other members are
PAUSE_S = 0.2  # between looks at the start
SETTLING_MAX_S = 5.0  # at the start; with a question that isn't answered it is still told within ten seconds


class KafkaTopic(Source):
    """url: see `KafkaUrl`. follow: wait for more; else it ends when all that was there at its start has been taken by it,
    or counted by others of its group. Raises UsageError where the topic can't be read.
    """

    elsewhere = True

    def __init__(
        self,
        url: str,
        *,
        follow: bool = False,
        block_bytes: int = BLOCK_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = KafkaUrl.parse(url)
        self._follow = follow
        self._clock = clock
        self._tenures = Tenures()
        self._gathering = Gathering(self._url.topic, f"{self._url}:{uuid.uuid4()}", block_bytes, self._tenures)
        self._group = Group(self._url)
        self._outage = Outage(follow, clock)
        self._others_at = self._since = clock()
        try:
            self._insist(self._look_at_start)
        except (Away, RunError) as e:
            self._group.close()
            raise UsageError(f"--input {e}") from e

    def _insist(self, look: Callable[[], None]) -> None:
        """Look again while the cluster says that it isn't ready, for a while."""
        until = self._clock() + SETTLING_MAX_S
        while True:
            try:
                return look()
            except Away as e:
                if not e.settling or self._clock() > until:
                    raise
            time.sleep(PAUSE_S)

    def _look_at_start(self) -> None:
        partitions = self._group.partitions()
        try:
            self._counted = self._group.committed(partitions, START_S)
        except Away as e:  # a cluster's first group has it make a topic first, which may take seconds
            raise Away(str(e), settling=True) from e
        self.resumed = bool(self._counted)
        self._ends = self._group.ends(partitions)
        for partition, offset in self._group.beginnings(partitions).items():
            self._counted[partition] = max(offset, self._counted.get(partition, 0))
        self._goal = self._ends  # of a run that doesn't follow

    def blocks(self) -> Iterator[Block | None]:
        self._group.join(self._tenures)
        while True:
            self._take()
            if self._gathering.full:
                yield from self._gathering.take()
            if self._more and not self._stalled:
                continue
            yield from self._gathering.take()
            self._tell()
            if self._look() and not self._follow and self._at_goal():
                return
            if self._stalled or not self._more:
                yield None

    def acknowledge(self, blocks: Sequence[Block]) -> None:
        for block in blocks:
            self._tenures.end(block.offset)
        self._tell()

    def backlog(self) -> Backlog | None:
        done = {tenure.partition: tenure.done for tenure in self._tenures}
        behind = [end - (done.get(p) or self._counted.get(p, 0)) for p, end in self._ends.items()]
        return Backlog(sum(amount for amount in behind if amount > 0), "records")

    def close(self) -> None:
        self._group.close()

    def _take(self) -> None:
        came = self._group.take(MESSAGES_MAX, WAIT_S if self._more else 0.0)
        self._gathering.add(came.messages)
        for partition, offset in came.ends:
            self._tenures.reach(partition, offset)
        if came.messages or came.ends or not self._more:
            self._since = self._clock()

    @property
    def _more(self) -> bool:
        """Whether something is to come that was there when the cluster was asked last."""
        ends = self._ends
        return not self._tenures.given or any(
            tenure.seen is None or tenure.seen < ends.get(tenure.partition, 0) for tenure in self._tenures
        )

    @property
    def _stalled(self) -> bool:
        """Whether it hasn't come for a while."""
        return self._more and self._clock() - self._since > STALLED_S

    def _tell(self) -> None:
        for tenure, offset in self._tenures.untold():
            self._group.tell(tenure.partition, offset)
            tenure.told = offset

    def _look(self) -> bool:
        """Ask how far the topic goes by now; whether there was an answer."""
        if self._outage.resting:
            return False
        try:
            self._ends = self._group.ends({*self._goal, *(tenure.partition for tenure in self._tenures)})
            self._look_at_others()
        except Away as e:
            self.trouble = self._outage.go_on(e)
            return False
        self._outage.end()
        self.trouble = None
        if self._stalled:
            what = (
                "nothing comes" if self._tenures.given else f"the group {self._url.group} gives this run no partitions yet"
            )
            self.trouble = f"waiting for the input: {self._url}: {what}"
        return True

    def _look_at_others(self) -> None:
        """How far the group's other members have counted."""
        theirs = [partition for partition in self._goal if self._tenures.of(partition) is None]
        if theirs and self._clock() >= self._others_at:
            self._others_at = self._clock() + OTHERS_S
            self._counted.update(self._group.committed(theirs))

    def _at_goal(self) -> bool:
        """Whether all that was there at the start has been taken, or counted by others."""
        seen = {tenure.partition: tenure.seen for tenure in self._tenures}
        return all((seen.get(p) or self._counted.get(p, 0)) >= goal for p, goal in self._goal.items())

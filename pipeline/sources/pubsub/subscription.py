"""A Pub/Sub subscription as a source: its messages as blocks, acknowledged once they are counted.

A message's data is one record, its attribute `account` the account that its publisher vouches for. The record's place is
the message's id, which is the same in every subscription of the topic. What is pulled and not acknowledged when a run is
killed comes again when its lease is over. A subscription belongs to one store: two stores take two.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from pipeline.model.errors import RunError, UsageError
from pipeline.sources.blocks import BLOCK_BYTES, Block
from pipeline.sources.pubsub.calls import Away, Calls, cure_of_silence, named
from pipeline.sources.pubsub.leases import HELD_MESSAGES_MAX, Leases
from pipeline.sources.pubsub.message import Message, blocks_of
from pipeline.sources.pubsub.pulling import Pulling
from pipeline.sources.source import Source

QUIET_S = 5.0  # without --follow: nothing has come for so long, so that was all


class PubSubSubscription(Source):
    """url: `pubsub://PROJECT/SUBSCRIPTION`. follow: wait for more; else it ends when nothing has come for quiet_s.
    held_max: messages taken and not counted, give or take one answer to each pull under way. Raises UsageError where it
    can't be pulled from.

    There is no backlog to tell of: the service tells only its monitoring, minutes late, how much waits.
    """

    elsewhere = True

    def __init__(
        self,
        url: str,
        *,
        follow: bool = False,
        block_bytes: int = BLOCK_BYTES,
        quiet_s: float = QUIET_S,
        held_max: int = HELD_MESSAGES_MAX,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        project, name = named(url, "--input", "SUBSCRIPTION")
        subscription = f"projects/{project}/subscriptions/{name}"
        self._url = url
        self._follow = follow
        self._block_bytes = block_bytes
        self._quiet_s = quiet_s
        self._clock = clock
        self._number = 0
        self._in_work: dict[int, list[str]] = {}  # ids by the block's number
        self._calls = Calls.at(f"--input {url}")
        self._leases = Leases(self._calls, subscription, clock, messages_max=held_max)
        self._pulling = Pulling(self._calls, subscription, self._leases, clock)
        self._acknowledged_at = clock()
        try:
            self._pulling.look()
        except (Away, RunError, UsageError) as e:
            self._calls.close()
            raise UsageError(f"{e}; {cure_of_silence()}" if isinstance(e, Away) else str(e)) from e

    @property
    def trouble(self) -> str | None:  # type: ignore[override]
        return self._pulling.trouble

    def blocks(self) -> Iterator[Block | None]:
        self._pulling.start()
        while True:
            messages = self._pulling.take(self._block_bytes)
            if messages:
                yield from self._blocks_of(messages)
            elif self._pulling.failure is not None:
                raise RunError(f"{self._pulling.failure}; what was counted before holds") from self._pulling.failure
            elif self._is_at_end():
                return
            else:
                yield None

    def acknowledge(self, blocks: Sequence[Block]) -> None:
        self._leases.acknowledge([id_ for block in blocks for id_ in self._in_work.pop(block.offset, ())])
        self._acknowledged_at = self._clock()  # from now on more of an ordering key may come

    def close(self) -> None:
        self._pulling.stop()
        self._leases.give_back()
        self._calls.close()

    def _blocks_of(self, messages: Sequence[Message]) -> Iterator[Block]:
        for block, of_it in blocks_of(messages, self._url, self._number + 1):
            self._number = block.offset
            self._in_work[self._number] = [m.id for m in of_it]
            yield block

    def _is_at_end(self) -> bool:
        """Without --follow: whether nothing has come for a while, and the service says that nothing is there."""
        since = max(self._pulling.last_at, self._acknowledged_at)
        if self._follow or self._clock() - since < self._quiet_s:
            return False
        try:
            return not self._pulling.look() and self._pulling.last_at <= since  # nor has a pull brought something meanwhile
        except Away as e:
            raise RunError(f"{e}; what was counted before holds, run it again") from e

"""A Redis Stream as a source: a consumer group's entries, acknowledged once they are counted.

The consumer has the same name in every run, so that a run takes up at once what a killed one left pending. Two pipelines
that share the name may each be given what the other has in work; it is counted once, since an event is known by its id.
What a consumer of another name leaves is claimed after a minute. A group belongs to one store: two stores take two.
An entry's field `data` is one record, `account` the account that its producer vouches for.
"""

from __future__ import annotations

import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import chain, islice

from pipeline.model.errors import RunError, UsageError
from pipeline.sources.blocks import BLOCK_BYTES, Block
from pipeline.sources.outage import Outage
from pipeline.sources.redis_entries import Gathering
from pipeline.sources.redis_group import IDS_MAX, Away, Entry, Group, in_order
from pipeline.sources.redis_taking import IDLE_MS, Taking
from pipeline.sources.redis_url import StreamUrl
from pipeline.sources.source import Backlog, Source

BACKLOG_S = 1.0  # between looks at the backlog while nothing is acknowledged
ACKNOWLEDGEMENTS_MAX = 1_000_000  # kept while Redis is away; what is forgotten comes again


class RedisStream(Source):
    """url: see `StreamUrl`. follow: wait for more at the stream's end. Raises UsageError where it can't be read."""

    elsewhere = True

    def __init__(
        self,
        url: str,
        *,
        follow: bool = False,
        block_bytes: int = BLOCK_BYTES,
        idle_ms: int = IDLE_MS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = StreamUrl.parse(url)
        self._follow = follow
        self._clock = clock
        self._group = Group(self._url)
        self._gathering = Gathering(self._url.stream, f"{self._url}:{uuid.uuid4()}", block_bytes)
        self._taking = Taking(self._group, self._in_hand, clock, idle_ms)
        self._in_work: dict[int, list[bytes]] = {}  # by the block's number
        self._acknowledged: deque[bytes] = deque(maxlen=ACKNOWLEDGEMENTS_MAX)  # which Redis may not know yet
        self._outage = Outage(follow, clock)
        self._backlog_at = clock()
        self._backlog: int | None = None
        try:
            self.resumed = not self._group.make()
            self._group.check()
            self._end = self._group.newest()
        except (Away, RunError) as e:
            self._group.close()
            raise UsageError(f"--input: {e}") from e

    def blocks(self) -> Iterator[Block | None]:
        for entries in self._entries():
            for block, ids in self._gathering.take() if entries is None else self._gathering.add(entries):
                self._in_work[block.offset] = ids
                yield block
            if entries is None:
                yield None

    def acknowledge(self, blocks: Sequence[Block]) -> None:
        for block in blocks:
            self._acknowledged.extend(self._in_work.pop(block.offset, ()))
        self._backlog_at = self._clock()
        self._if_there(self._send_acknowledgements)

    def backlog(self) -> Backlog | None:
        if self._clock() >= self._backlog_at:
            self._backlog_at = self._clock() + BACKLOG_S
            self._if_there(self._look_at_backlog)
        return None if self._backlog is None else Backlog(self._backlog, "records")

    def close(self) -> None:
        with suppress(RunError):
            self._if_there(self._send_acknowledgements, self._release)
        self._group.close()

    def _entries(self) -> Iterator[Sequence[Entry] | None]:
        """Entries as they come; None where there are no more at the moment, or Redis is away."""
        while True:
            try:
                yield from self._entries_until_away()
                yield None
                return
            except Away as e:
                self.trouble = self._outage.go_on(e)
            while self._outage.resting:
                yield None

    def _entries_until_away(self) -> Iterator[Sequence[Entry] | None]:
        self._group.make()  # it may have come back without
        self._send_acknowledgements()  # before what is pending is read
        self._outage.end()
        self.trouble = None
        yield from self._taking.pending()
        while True:
            self._send_acknowledgements()
            if self._taking.claiming:
                yield self._taking.claim()
            entries, more = self._taking.new()
            yield entries
            if self._follow:
                if not more:
                    yield None
            elif not self._taking.claiming and (not more or in_order(entries[-1][0]) >= self._end):
                return

    def _if_there(self, *calls: Callable[[], None]) -> None:
        """Unless Redis is away; what can't be done now is tried again, or is not needed."""
        if not self._outage.resting:
            with suppress(Away):
                for call in calls:
                    call()

    def _send_acknowledgements(self) -> None:
        while self._acknowledged:
            ids = list(islice(self._acknowledged, IDS_MAX))
            self._group.acknowledge(ids)
            for _ in ids:
                self._acknowledged.popleft()

    def _release(self) -> None:
        ids = list(self._in_hand())
        for at in range(0, len(ids), IDS_MAX):
            self._group.release(ids[at : at + IDS_MAX])

    def _look_at_backlog(self) -> None:
        self._backlog = self._group.behind()

    def _in_hand(self) -> frozenset[bytes]:
        return frozenset(chain(self._gathering.ids(), *self._in_work.values()))

"""What a consumer takes from its group, in small answers: its own pending entries, what others left, what is new."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from itertools import chain

from pipeline.sources.redis_group import START, Entry, Group

IDLE_MS = 60_000  # pending for longer: its consumer is taken for gone
CLAIM_S = 15.0  # between looks for such
ANSWER_BYTES = 4 * 1024 * 1024  # aimed at
COUNT_FIRST = 32
COUNT_MAX = 1_000  # entries in an answer: the next may be far larger than those before, and the server sends all of them

_log = logging.getLogger(__name__)


class Taking:
    """in_work: the ids of what has been taken and is not acknowledged, which is not taken a second time."""

    def __init__(
        self, group: Group, in_work: Callable[[], frozenset[bytes]], clock: Callable[[], float], idle_ms: int = IDLE_MS
    ) -> None:
        self._group = group
        self._in_work = in_work
        self._clock = clock
        self._idle_ms = idle_ms
        self._count = COUNT_FIRST
        self._cursor = START
        self._claim_at = clock()

    @property
    def claiming(self) -> bool:
        """Whether a look for what others left is under way, or due."""
        return self._cursor != START or self._clock() >= self._claim_at

    def pending(self) -> Iterator[list[Entry]]:
        """All that an earlier run of this consumer left."""
        in_work, after = self._in_work(), START
        while entries := self._group.pending(after, self._count):
            after = entries[-1][0]
            yield self._fresh(entries, in_work)

    def claim(self) -> list[Entry]:
        """Some of what was left by others, while `claiming`."""
        self._cursor, entries = self._group.claim(self._idle_ms, self._cursor, self._count)
        if self._cursor == START:
            self._claim_at = self._clock() + CLAIM_S
        return self._fresh(entries, self._in_work()) if entries else []

    def new(self) -> tuple[list[Entry], bool]:
        """(entries that nobody has been given; whether there may be more at this moment)."""
        asked = self._count
        entries = self._group.new(asked)
        self._fit(entries)
        return entries, len(entries) >= asked

    def _fresh(self, entries: list[Entry], in_work: frozenset[bytes]) -> list[Entry]:
        gone = [entry_id for entry_id, fields in entries if fields is None]
        if gone:
            _log.error("%s: %d entries were deleted before they were acknowledged", self._group, len(gone))
            self._group.acknowledge(gone)
        there = [entry for entry in entries if entry[1] is not None]
        self._fit(there)
        return [entry for entry in there if entry[0] not in in_work]

    def _fit(self, entries: Sequence[Entry]) -> None:
        """Ask for more where answers are small, for less as soon as one was large."""
        size = sum(map(len, chain.from_iterable(fields for _, fields in entries)))
        if size > ANSWER_BYTES:
            self._count = max(1, len(entries) * ANSWER_BYTES // size)
        elif len(entries) >= self._count and 2 * size <= ANSWER_BYTES:
            self._count = min(COUNT_MAX, 2 * self._count)

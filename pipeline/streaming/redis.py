"""A Redis Stream on an engine: a consumer group's entries, taken by several consumers, acknowledged by whoever is done.

Each consumer takes up what it left pending when it begins, or when the engine went back; what a consumer left that isn't
there any more is claimed after some minutes. Entries that are given out again though they are in work are known as
duplicates.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import apache_beam as beam

from pipeline.model.errors import RunError, UsageError
from pipeline.sources.redis_entries import Gathering
from pipeline.sources.redis_group import IDS_MAX, Away, Entry, Group
from pipeline.sources.redis_taking import Taking
from pipeline.sources.redis_url import StreamUrl
from pipeline.streaming.gathering import BLOCK_BYTES
from pipeline.streaming.reading import IDLE_S, take_side_by_side
from pipeline.streaming.taken import Taken, taken

CONSUMERS = 4
IDLE_MS = 300_000  # pending for longer: in no job's work any more
AWAY_S = 2.0

_log = logging.getLogger(__name__)


def check(url: str) -> None:
    """Make the group where absent. Raises UsageError where the stream can't be read. **Retry:** harmless."""
    group = Group(StreamUrl.parse(url))
    try:
        group.make()
        group.check()
    except (Away, RunError) as e:
        raise UsageError(f"--input: {e}") from e
    finally:
        group.close()


def take_entries(root: beam.Pipeline, number: int, url: str) -> beam.PCollection:
    """The entries of a stream, as `Taken` in bytes."""
    return take_side_by_side(root, f"of input {number}", partial(Consumer, url, number), CONSUMERS)


class Consumer:
    """One of the group's consumers, as a taker."""

    def __init__(self, url: str, input_number: int, number: int) -> None:
        named = StreamUrl.parse(url)
        self._url = replace(named, consumer=f"{named.consumer}-{number}")
        self._input = input_number
        self._group = Group(self._url)
        self._gathering = Gathering(self._url.stream, str(self._url), BLOCK_BYTES)
        self.begin_again()

    def begin_again(self) -> None:
        self._taking = Taking(self._group, frozenset, time.monotonic, IDLE_MS)
        self._pending: Iterator[Sequence[Entry]] | None = self._taking.pending()

    def take(self) -> tuple[list[Taken], float]:
        try:
            entries, more = self._entries()
        except Away as e:
            _log.warning("waiting for the input: %s", e)
            self.begin_again()
            return [], AWAY_S
        made = [*self._gathering.add(entries), *self._gathering.take()]
        return [taken(m.block, self._input, map(bytes.decode, m.ids)) for m in made], 0.0 if more else IDLE_S

    def _entries(self) -> tuple[Sequence[Entry], bool]:
        """(Some entries; whether there may be more at this moment)."""
        if self._pending is not None:
            self._group.make()  # the stream's Redis may have come back without
            for entries in self._pending:
                return entries, True
            self._pending = None
        if self._taking.claiming:
            return self._taking.claim(), True
        return self._taking.new()


class EntryAcknowledger:
    """Acknowledges entries, whichever consumer took them."""

    def __init__(self, url: str) -> None:
        self._group = Group(StreamUrl.parse(url))

    def acknowledge(self, ids: Sequence[str]) -> str | None:
        try:
            for at in range(0, len(ids), IDS_MAX):
                self._group.acknowledge([entry_id.encode() for entry_id in ids[at : at + IDS_MAX]])
        except (Away, RunError) as e:
            return str(e)
        return None

    def close(self) -> None:
        self._group.close()

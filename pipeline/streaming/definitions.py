"""Definitions as a side input that changes while a job goes on: read again and again, in force in the store first.

A view of a window without end is given values again and again, and engines differ in how many of them a step sees. So
each has a number, and whoever looks takes the newest.
"""

from __future__ import annotations

import logging
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.pvalue import AsIter
from apache_beam.transforms.periodicsequence import PeriodicImpulse
from apache_beam.transforms.trigger import AccumulationMode, AfterCount, Repeatedly
from apache_beam.transforms.window import GlobalWindows
from apache_beam.utils.timestamp import Timestamp

from pipeline.adopt import Adoption
from pipeline.definitions.source import open_definitions
from pipeline.model import layout
from pipeline.model.definition import Snapshot
from pipeline.model.errors import StoreError, UsageError
from pipeline.store import Store, open_store
from pipeline.streaming.setup import EngineSetup

NUMBER_BYTES = 8

_log = logging.getLogger(__name__)


class Numbered(NamedTuple):
    """A snapshot and its number, which grows."""

    number: int
    snapshot: Snapshot


class Newest:
    """The newest definitions among those that a side input shows, taken apart once."""

    def __init__(self) -> None:
        self._known: Numbered | None = None

    def of(self, shown: Iterable[bytes]) -> Numbered | None:
        """None where there were none yet."""
        newest = max(shown, default=None)  # numbers stand in front
        if newest is not None and (self._known is None or _number(newest) > self._known.number):
            self._known = Numbered(_number(newest), Snapshot.from_bytes(zlib.decompress(newest[NUMBER_BYTES:])))
        return self._known


def _number(numbered: bytes) -> int:
    return int.from_bytes(numbered[:NUMBER_BYTES], "big")


def ticks(root: beam.Pipeline, every_s: float) -> beam.PCollection:
    """Something to work on every so often, from now on."""
    # The transform's own default for its start was worked out when its module was imported.
    ticking = PeriodicImpulse(start_timestamp=Timestamp.now(), fire_interval=every_s)
    return root | "Tick" >> ticking.with_output_types(float)


def side_input(read: beam.PCollection) -> AsIter:
    """What `ReadDefinitions` read, for steps whose input has no end either."""
    return AsIter(
        read
        | "Newest definitions"
        >> beam.WindowInto(GlobalWindows(), trigger=Repeatedly(AfterCount(1)), accumulation_mode=AccumulationMode.DISCARDING)
    )


class InForce:
    """Definitions as they are now, in force in the store before anybody sees them. In any number of processes at once.

    Where they can't be read, or not be taken into force, the last ones go on.
    """

    def __init__(self, definitions_url: str, store_url: str) -> None:
        self._source = open_definitions(definitions_url)
        self._store = open_store(store_url, create=False)
        self._adoption: Adoption | None = None
        self._latest: Numbered | None = None
        self.stale_reason: str | None = None

    def read(self) -> Numbered:
        """The very same object while nothing has changed.

        Raises UsageError, or StoreError, if there is nothing yet to go on with. **Retry:** harmless.
        """
        try:
            given = self._source.read()
            if self._latest is None:
                refuse_what_is_lost(given, self._store)
            self._adoption = self._adoption or Adoption(self._store, stating=True)
            snapshot = self._adoption.adopt(given, datetime.now(UTC), meanwhile=True)
            if self._latest is None or snapshot.version != self._latest.snapshot.version:
                number = max(time.time_ns(), self._latest.number + 1 if self._latest else 0)
                self._latest = Numbered(number, snapshot)
            stale = self._source.stale_reason or self._adoption.refused
        except (StoreError, UsageError) as e:
            if self._latest is None:
                raise
            stale = str(e)
        if stale and stale != self.stale_reason:
            _log.warning("not all definitions are in force: %s", stale)
        self.stale_reason = stale
        return self._latest

    def close(self) -> None:
        self._source.close()
        self._store.close()


def refuse_what_is_lost(snapshot: Snapshot, store: Store) -> None:
    """Who begins when Redis has lost everything must not take that for an end of all accounts. Raises UsageError."""
    if not snapshot.accounts and store.scan("meta", layout.META_STATED_PREFIX):
        raise UsageError("there are no definitions, and there were: push them again; nothing is counted until then")


class ReadDefinitions(beam.DoFn):
    """A tick -> the definitions, numbered, as bytes, if they are others than before. **Retry:** harmless."""

    def __init__(self, given: EngineSetup) -> None:
        self._given = given

    def setup(self) -> None:
        self._in_force = InForce(self._given.definitions_url, self._given.store_url)
        self._told: Numbered | None = None
        self._paused = Paused(self._given.refresh_s)

    def process(self, tick: Any) -> Iterator[bytes]:
        if self._paused():
            return
        read = self._in_force.read()
        if read is not self._told:
            self._told = read
            yield read.number.to_bytes(NUMBER_BYTES, "big") + zlib.compress(read.snapshot.to_bytes(), 1)

    def teardown(self) -> None:
        self._in_force.close()


class Paused:
    """Whether it is too soon after the last time: a job that goes on after hours is given all ticks it missed at once."""

    def __init__(self, every_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._every_s = every_s
        self._clock = clock
        self._since = float("-inf")

    def __call__(self) -> bool:
        now = self._clock()
        if now - self._since < self._every_s / 2:
            return True
        self._since = now
        return False

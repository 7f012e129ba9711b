"""Owns how far the numbers are complete, where a source can tell what of it is acknowledged, and so counted."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import apache_beam as beam

from pipeline.model import layout
from pipeline.model.errors import RunError, TransientStoreError
from pipeline.sources.redis_group import Away, Group
from pipeline.sources.redis_url import StreamUrl
from pipeline.store import open_store
from pipeline.streaming.definitions import Paused
from pipeline.streaming.setup import EngineSetup


class TellComplete(beam.DoFn):
    """A tick -> nothing; the store says until when everything is in the numbers. inputs: streams of Redis, all of the job.

    **Retry:** harmless.
    """

    def __init__(self, inputs: Sequence[str], given: EngineSetup) -> None:
        self._inputs = inputs
        self._given = given

    def setup(self) -> None:
        self._groups = [Group(StreamUrl.parse(url)) for url in self._inputs]
        self._store = open_store(self._given.store_url, create=False)
        self._paused = Paused(self._given.refresh_s)

    def process(self, tick: Any) -> None:
        if self._paused():
            return
        with suppress(Away, RunError, TransientStoreError):  # at the next tick, then
            until = datetime.fromtimestamp(min(group.acknowledged_until() for group in self._groups), UTC)
            said = until.isoformat(timespec="milliseconds").replace("+00:00", "Z").encode()
            self._store.put_meta(layout.META_COMPLETE, {b"until": said})

    def teardown(self) -> None:
        for group in self._groups:
            group.close()
        self._store.close()

"""Owns jobs over random worlds on engines: in processes that can be killed, and in this one, whose steps can be changed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import orjson
import pytest

from pipeline.definitions.refreshing import RefreshedDefinitions
from pipeline.definitions.source import open_definitions
from pipeline.store import Store, open_store
from pipeline.store.fixed import fix
from pipeline.streaming import workers
from pipeline.streaming.definitions import InForce, Numbered
from pipeline.streaming.graph import Job
from pipeline.streaming.setup import EngineSetup
from pipeline.streaming.submit import PRISM, submit
from tests.support.engine_jobs import SHARDS, JobOnEngine
from tests.support.engine_worlds import BROKEN, Worlds, define
from tests.support.prism import local_prism_options, worker_here

T = TypeVar("T")

PATIENCE_S = 240.0
POLL_S = 0.02
REFRESH_S = 0.2
HELD_BYTES = 8 * 1024 * 1024


@contextmanager
def read_only_here() -> Iterator[None]:
    """What reads definitions again and again is closed after the block: an engine's process has it go on until its end."""
    with ExitStack() as opened, pytest.MonkeyPatch.context() as patch:

        def refreshed(source: InForce, *given: Any) -> RefreshedDefinitions[Numbered]:
            opened.callback(source.close)
            return opened.enter_context(closing(RefreshedDefinitions(source, *given)))

        patch.setattr(workers, "RefreshedDefinitions", refreshed)
        yield


class WorldsOnEngine(JobOnEngine):
    """Random worlds. words: more for the command."""

    def __init__(
        self,
        worlds: Worlds,
        redis_url: str,
        store: str,
        folder: Path,
        words: Sequence[str] = (),
        environment: dict[str, str] | None = None,
    ) -> None:
        super().__init__(redis_url, store, folder, words, environment, account=None)
        self.worlds = worlds
        self._given_up = threading.Event()
        define(self.feed.client, worlds.definitions())

    def parts(self, count: int) -> Iterator[int]:
        """Send everything in so many parts, one whenever the next is asked for."""
        records = self.worlds.random.sample(self.worlds.records, len(self.worlds.records))
        for part in range(count):
            for _ in self.worlds.bursts(self.feed.client, records[part::count]):
                pass
            yield part

    def wrong(self) -> list[str]:
        """What of the store isn't as the oracles say; and what is left of the records, or was rejected."""
        wrong = self.seen(self.worlds.wrong)
        if not self.done():
            wrong.append(f"{self.taken()} records are pending")
        rejected = {orjson.loads(fields[b"data"])["raw"] for _, fields in self.feed.client.xrange("rejects")}
        if len(rejected) != self.worlds.broken or not all(raw.startswith(BROKEN.decode()) for raw in rejected):
            wrong.append(f"{len(rejected)} records are rejected instead of {self.worlds.broken}")
        return wrong

    def seen(self, look: Callable[[Store], T]) -> T:
        """What a look into the store gives."""
        with closing(open_store(self.shop.store, create=False)) as store:
            return look(store)

    def here(self, meanwhile: Callable[[], None]) -> None:
        """A job on Prism in this very process, for as long as something takes. Then Prism is stopped with all it holds."""
        failures: list[BaseException] = []

        def run() -> None:
            try:
                meanwhile()
            except BaseException as e:
                failures.append(e)

        thread = threading.Thread(target=run)  # Beam wants the main thread
        thread.start()
        try:
            with read_only_here(), worker_here() as begun:
                self._submit(lambda: not thread.is_alive() and begun())
        finally:
            self._given_up.set()
            thread.join()
            self._given_up.clear()
        if failures:
            raise failures[0]

    def _submit(self, stopped: Callable[[], bool]) -> None:
        url, definitions_url = self.shop.store, self.shop.definitions
        with (
            closing(open_store(url, create=True, create_tables=True)) as store,
            closing(open_definitions(definitions_url)) as definitions,
        ):
            fixed = fix(store, shards=int(SHARDS), default_shards=int(SHARDS), visitor_key=None)
            setup = EngineSetup(url, definitions_url, REFRESH_S, None, 7, HELD_BYTES)
            job = Job([self.feed.url], f"{definitions_url}?stream=rejects", setup)
            given = definitions.read()
            submit(PRISM, local_prism_options(), job, store, shards=fixed.shards, snapshot=given, stopped=stopped)

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Look again and again."""
        deadline = time.monotonic() + PATIENCE_S
        while not holds():
            assert not self._given_up.is_set() and time.monotonic() < deadline, f"waited for {what}"
            time.sleep(POLL_S)

    def flow(self, parts: int = 20) -> None:
        """Send everything, part by part as the engine takes them, and wait until it is acknowledged."""
        for _ in self.parts(parts):
            self.until(self.all_taken, "the engine to take what was sent")
        self.until(self.done, "everything to be acknowledged")

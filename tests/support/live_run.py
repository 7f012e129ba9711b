"""Owns runs of the command that go on until they are told to end, or are killed, and a look at what they have committed."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from pipeline.model.errors import UsageError
from pipeline.store import open_store
from tests.support.daycount import Shop, command, environment_of

PATIENCE_S = 240.0  # an engine takes half a minute to begin, and several times that where other tests run beside it
POLL_S = 0.05


class LiveRun:
    """`daycount run --follow`, in a process of its own. said: where its stderr goes, and its summary beside it."""

    def __init__(self, shop: Shop, said: Path, *inputs: str, words: tuple[str, ...] = ()) -> None:
        self._told, self._said = said.with_suffix(".out"), said
        with self._told.open("wb") as out, said.open("wb") as err:
            self._process = subprocess.Popen(
                command(*shop.run_words(*inputs), "--follow", *words),
                stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                env=environment_of(shop.environment), start_new_session=True,
            )  # fmt: skip

    def until(self, condition: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
        """Go on until something is so."""
        deadline = time.monotonic() + patience_s
        while not condition():
            assert self._process.poll() is None, f"the run ended too soon: {self.said()}"
            assert time.monotonic() < deadline, f"still not so: {self.said()}"
            time.sleep(POLL_S)

    def until_ended(self) -> None:
        """Wait until it has ended well by itself."""
        assert self._process.wait(PATIENCE_S) == 0, self.said()

    def end(self) -> dict[str, Any]:
        """Tell it to end; its summary."""
        self._process.terminate()
        assert self._process.wait(PATIENCE_S) == 0, self.said()
        summary: dict[str, Any] = json.loads(self._told.read_text())
        return summary

    def kill(self) -> None:
        """-9, if it still runs."""
        self._process.kill()
        self._process.wait()

    def clear(self) -> None:
        """Kill it with all that it has started. An engine that it leaves goes on for ever with a job that has no workers."""
        self.kill()
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def said(self) -> str:
        """Its stderr until now."""
        return self._said.read_text()

    @property
    def killed(self) -> bool:
        return self._process.returncode == -signal.SIGKILL


@contextmanager
def live_runs(shop: Shop, folder: Path) -> Iterator[Callable[..., LiveRun]]:
    """Begins runs; none is left at the end."""
    numbers = itertools.count()
    with ExitStack() as begun:

        def begin(*inputs: str, words: tuple[str, ...] = ()) -> LiveRun:
            run = LiveRun(shop, folder / f"run{next(numbers)}.err", *inputs, words=words)
            begun.callback(run.clear)
            return run

        yield begin


@pytest.fixture
def begin(shop: Shop, tmp_path: Path) -> Iterator[Callable[..., LiveRun]]:
    """Begins runs of the test's own `shop`."""
    with live_runs(shop, tmp_path) as begin:
        yield begin


def counter_rows(shop: Shop) -> int:
    """How many rows of its counters have been committed."""
    try:
        with closing(open_store(shop.store)) as store:
            return len(store.scan("counters", b"shop#"))
    except UsageError:
        return 0  # not made yet

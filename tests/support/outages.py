"""Outages of what a run stands on: an emulator that stalls, a Redis that is killed, something else at its port.

And what is planted into a forked run so that it notices within a second what takes it a minute.
"""

from __future__ import annotations

import os
import resource
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Any

import redis

from pipeline import pool
from pipeline.embedded_redis import embedded_redis
from pipeline.shard import keeper
from pipeline.store.bigtable import calls, store
from pipeline.store.bigtable.patience import Patience
from pipeline.store.sqlite import SqliteStore
from pipeline.worker import WorkerSetup
from tests.support.forked import Plant
from tests.support.ports import free_port
from tests.support.strikes import wrap

start_worker = pool._start  # the real one, whatever is planted
HASTE = 1.0  # seconds instead of a minute
FOR_EVER_S = 600.0


class KillableRedis:
    """A Redis at one port for all its lives. What it held is gone with each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lives = 0
        self._life: Any = None
        self._port = free_port()
        self.start()

    def start(self) -> None:
        self._lives += 1
        self._life = embedded_redis(self._folder / f"{self._lives}", port=self._port, durable=False)
        self.url = self._life.__enter__()
        self.client = redis.Redis.from_url(self.url)

    def kill(self) -> None:
        """-9."""
        os.kill(self.client.info("server")["process_id"], signal.SIGKILL)
        self.close()

    def close(self) -> None:
        self.client.close()
        self._life.__exit__(None, None, None)

    def asked(self) -> int:
        """How often somebody has looked for definitions in this life."""
        return int(self.client.info("commandstats").get("cmdstat_scan", {}).get("calls", 0))

    @contextmanager
    def replaced_by(self, answer: bytes) -> Iterator[Babbler]:
        """Killed, and at its port something that answers so to whatever it is told; afterwards it is still away."""
        self.kill()
        babbler = Babbler(answer, self._port)
        try:
            yield babbler
        finally:
            babbler.stop()


class Babbler:
    """Answers the same bytes to everything, and counts how often. port: where; any where none is named."""

    def __init__(self, answer: bytes, port: int = 0) -> None:
        self.asked = 0
        self._answer = answer
        self._stopped = Event()
        self._socket = socket.create_server(("127.0.0.1", port))
        self.port: int = self._socket.getsockname()[1]
        self._socket.settimeout(0.05)
        self._thread = Thread(target=self._answer_all, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()
        self._socket.close()

    def _answer_all(self) -> None:
        while not self._stopped.is_set():
            with suppress(OSError):
                connection, _ = self._socket.accept()
                with connection:
                    connection.settimeout(0.5)
                    if connection.recv(4096):
                        self.asked += 1
                        connection.sendall(self._answer)


def in_haste(seconds: float = HASTE, call_s: float = HASTE) -> Plant:
    """A run that gives up after seconds instead of minutes. call_s: of one call to Bigtable."""
    return f"{__name__}:hasten", {"seconds": seconds, "call_s": call_s}


def hasten(seconds: float, call_s: float) -> None:
    """In a child, and in the workers that it spawns."""
    from pipeline import local

    pool._start = partial(_start_hastily, seconds, call_s)
    local.OUTAGE_S = 0.1
    _give_up_after(seconds, call_s)


def _start_hastily(seconds: float, call_s: float, setup: WorkerSetup) -> None:
    _give_up_after(seconds, call_s)
    start_worker(setup)


def _give_up_after(seconds: float, call_s: float) -> None:

    calls.CALL_TIMEOUT_S = call_s
    store.Patience = partial(Patience, deadline_s=seconds)  # type: ignore[misc,assignment]
    # The store is opened as ever: it is there then, and may take its time.
    wrap(store, "connect", lambda real, *given, **named: real(*given, **{**named, "patience": Patience()}))
    keeper.GIVE_UP_S = seconds
    wrap(SqliteStore, "__init__", lambda real, *given, **named: real(*given, **{**named, "busy_timeout_s": seconds}))


def with_workers_that_never_begin() -> Plant:
    """A run whose workers are started for as long as they live."""
    return f"{__name__}:start_for_ever", {}


def start_for_ever() -> None:
    """In a child."""
    pool._start = _start_for_ever


def _start_for_ever(setup: WorkerSetup) -> None:
    start_worker(setup)
    time.sleep(FOR_EVER_S)


def on_a_full_disk(bytes_max: int) -> Plant:
    """A run in which no file grows past this."""
    return f"{__name__}:fill_disk", {"bytes_max": bytes_max}


def fill_disk(bytes_max: int) -> None:
    """In a child. The signal that goes with it is ignored by Python, so that a write fails as on a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_max, resource.RLIM_INFINITY))

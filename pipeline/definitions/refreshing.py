"""Owns how often definitions are read again while a run goes on: in a thread of its own, so that nobody waits for it."""

from __future__ import annotations

import time
from threading import Event, Thread
from typing import Generic, Protocol, TypeVar

T = TypeVar("T", covariant=True)

REFRESH_S = 1.0
REST = 19  # times as long as a read took; it takes a twentieth of the time at most, however many definitions there are


class Readable(Protocol[T]):
    """What can be read again and again, such as a `DefinitionsSource`. `stale_reason`: why it can't at present."""

    @property
    def stale_reason(self) -> str | None: ...

    def read(self) -> T:
        """Raises nothing once it has been read."""


class RefreshedDefinitions(Generic[T]):
    """What a source gave last, which from now on only this reads."""

    def __init__(self, source: Readable[T], first: T, refresh_s: float = REFRESH_S) -> None:
        self._source = source
        self._refresh_s = refresh_s
        self._latest = first
        self._closed = Event()
        self._thread = Thread(target=self._refresh, daemon=True)
        self._thread.start()

    def read(self) -> T:
        """The definitions as of the last refresh; the very same object while nothing has changed."""
        return self._latest

    @property
    def stale_reason(self) -> str | None:
        """Why the definitions can't be read at present; the last ones stay in force."""
        return self._source.stale_reason

    def close(self) -> None:
        """End reading; the source stays open."""
        self._closed.set()
        self._thread.join()

    def _refresh(self) -> None:
        pause_s = self._refresh_s
        while not self._closed.wait(pause_s):
            begun = time.monotonic()
            self._latest = self._source.read()
            pause_s = max(self._refresh_s, REST * (time.monotonic() - begun))

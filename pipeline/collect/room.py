"""Owns the bound on what is held in memory at a time: bytes of requests, from their first byte to their answer."""

from __future__ import annotations

from types import TracebackType

from pipeline.collect.refusal import full

ROOM_BYTES = 64 * 1024 * 1024


class Room:
    """So many bytes for all requests together. For one event loop."""

    def __init__(self, bytes_max: int = ROOM_BYTES) -> None:
        self._free = bytes_max

    def hold(self) -> Held:
        """A request's share, which it gives back at its end: a context manager."""
        return Held(self)

    def take(self, size: int) -> None:
        """Raises Refusal (429) where there is no more room."""
        if size > self._free:
            raise full()
        self._free -= size

    def give_back(self, size: int) -> None:
        self._free += size


class Held:
    """What one request holds."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._size = 0

    def __enter__(self) -> Held:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._room.give_back(self._size)

    def take(self, size: int) -> None:
        """Hold so many bytes more. Raises Refusal (429)."""
        self._room.take(size)
        self._size += size

"""Owns how long a client may take over a connection, and how many may be open. What is said on them is uvicorn's.

uvicorn alone waits forever for the end of a request's head, for what follows an answer it has given early, and for a
client that does not read. How long a body may take is the application's.
"""

from __future__ import annotations

import asyncio
import resource
from dataclasses import dataclass, field
from typing import cast

from uvicorn.protocols.http.auto import AutoHTTPProtocol

HEAD_S = 10.0  # for the head of a request, from the connection or the request's first byte on
UNREAD_S = 60.0  # for a client to take what is waiting to be sent to it; a large answer is a few MB
UNASKED_BYTES_MAX = 16 << 20  # received outside a request's life: a head, or the rest of a body already refused
CONNECTIONS_MAX = 4_000  # some 10 KB each
FILES_SPARED = 256  # for what is no connection: stores, Redis, the program itself


@dataclass(slots=True, eq=False)
class Door:
    """The connections of one server. Where there are too many, the one that has waited longest without a request goes."""

    head_s: float = HEAD_S
    unread_s: float = UNREAD_S
    connections_max: int = CONNECTIONS_MAX
    open: set[Timed] = field(default_factory=set)
    waiting: dict[Timed, None] = field(default_factory=dict)

    def admit(self, connection: Timed) -> None:
        """Let one more in. With all others at work it is the new one that has to go."""
        self.open.add(connection)
        self.waiting[connection] = None
        if len(self.open) > self.connections_max:
            longest = next(iter(self.waiting))
            self.let_go(longest)  # now: many come in one turn of the loop, and its end is heard of in the next
            longest.cut_off()

    def let_go(self, connection: Timed) -> None:
        self.open.discard(connection)
        self.waiting.pop(connection, None)

    def protocol(self) -> type[asyncio.Protocol]:
        """uvicorn's protocol, with this door's limits."""
        return type("TimedHTTP", (Timed, AutoHTTPProtocol), {"door": self})


class Timed(asyncio.Protocol):
    """What bounds a connection, in front of uvicorn's own protocol."""

    door: Door

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._to_client = cast(asyncio.Transport, transport)  # uvloop's is not one by its class
        self._loop = asyncio.get_running_loop()
        self._deadlines: dict[str, asyncio.TimerHandle] = {}
        self._unasked_bytes = 0
        super().connection_made(transport)
        self._begin("head", self.door.head_s)
        self.door.admit(self)

    def connection_lost(self, exc: Exception | None) -> None:
        for name in list(self._deadlines):
            self._end(name)
        self.door.let_go(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._at_work():
            self._unasked_bytes = 0
            self._end("head")
            self.door.waiting.pop(self, None)
            return
        self._begin("head", self.door.head_s)  # its time runs from the first byte on, whatever dribbles in
        self._unasked_bytes += len(data)
        if self._unasked_bytes > UNASKED_BYTES_MAX:
            self.cut_off()

    def on_response_complete(self) -> None:
        super().on_response_complete()  # type: ignore[misc]
        if not self._at_work():
            self.door.waiting.setdefault(self)

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()  # type: ignore[misc]
        self._begin("unread", self.door.unread_s)  # it closes only when all is sent

    def pause_writing(self) -> None:
        super().pause_writing()
        self._begin("unread", self.door.unread_s)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._end("unread")

    def cut_off(self) -> None:
        """End the connection now, whatever was to be sent."""
        self._to_client.abort()

    def _at_work(self) -> bool:
        cycle = getattr(self, "cycle", None)
        return cycle is not None and not cycle.response_complete

    def _begin(self, name: str, after_s: float) -> None:
        if name not in self._deadlines:
            self._deadlines[name] = self._loop.call_later(after_s, self.cut_off)

    def _end(self, name: str) -> None:
        deadline = self._deadlines.pop(name, None)
        if deadline is not None:
            deadline.cancel()


def open_door() -> Door:
    """A door for as many connections as the system lets this process open, up to a bound; raises its soft limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS_MAX + FILES_SPARED
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    files = wanted if soft == resource.RLIM_INFINITY else soft
    return Door(connections_max=max(16, min(CONNECTIONS_MAX, files - FILES_SPARED)))

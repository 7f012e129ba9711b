"""Bounds of connections: their number, and the time for what a client says and takes."""

from __future__ import annotations

import resource
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from pipeline.connections import CONNECTIONS_MAX, FILES_SPARED, Door, Timed, open_door
from pipeline.serving import bind

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
LARGE = b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n"
KEEP_ALIVE_S = 1
ANSWER_BYTES = 32 << 20  # more than sockets hold
PATIENCE_S = 60.0


async def answer(_: Request) -> Response:
    return PlainTextResponse("here")


async def large(_: Request) -> Response:
    return PlainTextResponse("x" * ANSWER_BYTES)


@dataclass(eq=False)
class WatchedDoor(Door):
    """`ended`: once a connection has."""

    ended: threading.Event = field(default_factory=threading.Event)

    def let_go(self, connection: Timed) -> None:
        super().let_go(connection)
        self.ended.set()


@contextmanager
def served(door: Door, keep_alive_s: int = KEEP_ALIVE_S) -> Iterator[int]:
    """The port of a server behind this door."""
    app = Starlette(routes=[Route("/", answer), Route("/large", large)])
    listener = bind("127.0.0.1", 0, loopback_only=True)
    config = uvicorn.Config(
        app, http=door.protocol(), ws="none", log_level="error", timeout_keep_alive=keep_alive_s, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    server.capture_signals = ExitStack  # type: ignore[assignment,method-assign]
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=60)


def ask(client: socket.socket) -> None:
    client.sendall(GET)
    found = b""
    while not found.endswith(b"here"):
        part = client.recv(65536)
        assert part, "it was ended"
        found += part


def ended(client: socket.socket) -> bool:
    """Waits for the other side to end it."""
    try:
        while client.recv(1 << 20):
            pass
    except ConnectionError:
        pass
    return True


@pytest.mark.parametrize("said", [b"", b"GET / HT", GET + b"GET"])
def test_a_head_that_does_not_come_ends_the_connection(said: bytes) -> None:
    with served(Door(head_s=0.2)) as port, connect(port) as client:
        client.sendall(said)
        assert ended(client)


def test_an_answer_that_is_not_taken_ends_the_connection() -> None:
    door = WatchedDoor(unread_s=0.2)
    with served(door) as port, connect(port) as client:
        client.sendall(LARGE)
        assert door.ended.wait(PATIENCE_S) and not door.open
        assert len(taken(client)) < ANSWER_BYTES


def taken(client: socket.socket) -> bytes:
    found = bytearray()
    try:
        while part := client.recv(1 << 20):
            found += part
    except ConnectionError:
        pass
    return bytes(found)


def test_a_large_answer_that_is_taken_comes_whole() -> None:
    with served(Door(head_s=2, unread_s=60)) as port, connect(port) as client:
        client.sendall(LARGE.replace(b"Host: x", b"Host: x\r\nConnection: close"))
        time.sleep(2.5)  # the time for its head is over while it is answered
        assert len(taken(client)) > ANSWER_BYTES


def test_the_connection_that_has_waited_longest_makes_room() -> None:
    with served(Door(connections_max=3), keep_alive_s=60) as port, ExitStack() as opened:
        first, second, third = (opened.enter_context(connect(port)) for _ in range(3))
        for client in (first, second, third, first):  # the first one is at work again, so the second has waited longest
            ask(client)
        fourth = opened.enter_context(connect(port))
        ask(fourth)
        assert ended(second)
        for client in (first, third):
            ask(client)


def test_many_that_come_at_once_leave_no_more_than_the_bound() -> None:
    """In one turn of the loop: that one has ended is heard of in the next."""
    cut_off = list[Any]()

    class Connection:
        def cut_off(self) -> None:
            cut_off.append(self)

    door, come = Door(connections_max=3), [Connection() for _ in range(5)]
    for connection in come:
        door.admit(cast(Any, connection))
    assert cut_off == come[:2] and door.open == set(come[2:])


def test_there_are_no_more_connections_than_files_allow() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        door = open_door()
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert files >= before[0] and 16 <= door.connections_max <= CONNECTIONS_MAX
    assert files == resource.RLIM_INFINITY or door.connections_max <= max(16, files - FILES_SPARED)

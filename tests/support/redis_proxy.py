"""Owns a Redis whose answers a test can spoil: what stands between a client and the real server, on a port of its own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

_STEP = 65_536


class RedisProxy:
    """`spoiled`: commands with this in them get `answer` instead of the server's (none: silence)."""

    def __init__(self, url: str) -> None:
        self._to = urlsplit(url)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._listening.getsockname()[1]}/0"
        self.spoiled: bytes | None = None
        self.answer = b""
        self._sockets = [self._listening]
        threading.Thread(target=self._listen, daemon=True).start()

    def spoil(self, commands: bytes, answer: bytes) -> None:
        self.answer, self.spoiled = answer, commands

    def mend(self) -> None:
        self.spoiled = None

    def close(self) -> None:
        for opened in self._sockets:
            with suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
            opened.close()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.create_connection((self._to.hostname, self._to.port))
                self._sockets += [client, server]
                threading.Thread(target=self._forward, args=(client, server), daemon=True).start()
                threading.Thread(target=self._back, args=(server, client), daemon=True).start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while asked := client.recv(_STEP):
                if self.spoiled is not None and self.spoiled in asked:
                    client.sendall(self.answer)
                else:
                    server.sendall(asked)
            server.shutdown(socket.SHUT_RDWR)

    def _back(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while answer := server.recv(_STEP):
                client.sendall(answer)
            client.shutdown(socket.SHUT_RDWR)


@contextmanager
def spoiling(url: str) -> Iterator[RedisProxy]:
    """A proxy for as long as the block."""
    proxy = RedisProxy(url)
    try:
        yield proxy
    finally:
        proxy.close()

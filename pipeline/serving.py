"""Owns a process that answers over HTTP: its socket, its signals, and who may reach it. No application's own routes."""

from __future__ import annotations

import ipaddress
import signal
import socket
from collections.abc import Callable

import uvicorn
from starlette.applications import Starlette

from pipeline.connections import open_door
from pipeline.model.errors import UsageError

SHUTDOWN_GRACE_S = 10
KEEP_ALIVE_S = 30
BACKLOG = 1024


def bind(host: str, port: int, *, loopback_only: bool) -> socket.socket:
    """A socket at this address. Raises UsageError when it can't be had, or can be reached from elsewhere."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError, OverflowError) as error:
        raise UsageError(f"--host {host}: not an address of this machine ({_reason(error)})") from None
    if loopback_only and not is_loopback(str(address[0])):
        raise UsageError(f"--no-auth lets everybody in, and others can reach {host}: use --host 127.0.0.1, or API keys")
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise UsageError(f"can't listen on {host}:{port} ({_reason(error)}): choose another --port or --host") from None
    return listener


def url_of(listener: socket.socket) -> str:
    """Where a browser on this machine finds it."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve_app(app: Starlette, listener: socket.socket, on_listening: Callable[[], None]) -> None:
    """Answers until SIGINT or SIGTERM, lets running requests finish, and returns."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        http=open_door().protocol(),
        ws="none",
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=SHUTDOWN_GRACE_S,
    )
    # uvicorn raises the signal that ended it once more when it is done; it has been answered by then.
    held = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        _Server(config, on_listening).run(sockets=[listener])
    finally:
        for number, handler in held.items():
            signal.signal(number, handler)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, on_listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_listening = on_listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_listening()


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach an address."""
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)

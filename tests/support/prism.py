"""Owns a Prism server for tests: Beam's runner for streaming on one machine."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.support.engines import PRISM, Program, engine, worker_command, worker_environment
from tests.support.ports import free_port

TIMEOUT_S = 120.0
POLL_S = 0.05
# Threads of Beam's in this process, which end some time after their job was stopped, with an exception or without.
BEAMS_THREADS = ("run_worker_", "read_grpc_client_inputs", "read_state")


class Prism:
    """A running server; nothing of it outlives the process that made it. All that it knows of jobs is in its memory.

    environment: variables that the Beam workers see, beside this process's own.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self._worker = worker_command(folder)
        self._port = free_port()
        words = [engine(PRISM), f"-job_port={self._port}", f"-web_port={free_port()}", "-log_kind=text"]
        self._program = Program(words, folder / "prism.log", worker_environment(environment))
        self._await_port()

    def _await_port(self) -> None:
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self._port)).close()
                return
            except ConnectionRefusedError:
                if self._program.runs() and time.monotonic() < deadline:
                    time.sleep(POLL_S)
                    continue
            said = self._program.said()
            self.close()
            raise RuntimeError(f"Prism did not start: {said}")

    def beam_options(self) -> list[str]:
        """Options of a pipeline that runs here, in a worker process of its own."""
        return [
            "--runner=PortableRunner",
            f"--job_endpoint=localhost:{self._port}",
            "--environment_type=PROCESS",
            "--environment_config=" + json.dumps({"command": str(self._worker)}),
            "--streaming",
        ]

    def logs(self) -> str:
        """The end of its log, for a test that fails."""
        return self._program.said()

    def close(self) -> None:
        """Kill it with its workers. **Retry:** harmless."""
        self._program.kill_all()


def local_prism_options() -> list[str]:
    """Options of a pipeline that starts a Prism of its own, as a person would on one machine."""
    return ["--runner=PrismRunner", f"--prism_location={engine(PRISM)}", "--streaming"]


@contextmanager
def worker_here() -> Iterator[Callable[[], bool]]:
    """A job whose Beam worker is in this process may run in the block, which ends when the worker's threads have: their
    exceptions are this test's, not those of the one that runs when they come. Gives whether the worker has begun. A job that
    is stopped before that leaves it to begin later, so it is waited for.
    """
    before = set(threading.enumerate())

    def begun() -> list[threading.Thread]:
        return [t for t in threading.enumerate() if t not in before and t.name.startswith(BEAMS_THREADS)]

    try:
        yield lambda: bool(begun())
    finally:
        for thread in begun():
            thread.join(TIMEOUT_S)

"""Google's own Pub/Sub emulator for tests: one process per session, topics of one's own per test.

Without the emulator, or Java, a test is skipped with a reason; where `CI` is set it fails instead. Found in
`PUBSUB_EMULATOR_PATH` (the program, or a folder of the Google Cloud SDK with it), on the PATH or in the SDK's usual place.
"""

from __future__ import annotations

import os
import queue
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.emulators import SDKS
from tests.support.missing import missing
from tests.support.ports import free_port

PROGRAM = "cloud-pubsub-emulator"
IN_SDK = "platform/pubsub-emulator/bin"
START_TIMEOUT_S = 120.0
PORTS_TRIED_MAX = 3
LISTENING = "Server started"


def find_pubsub_emulator() -> Path | None:
    """The emulator's program, if it and Java are on this machine."""
    given = os.environ.get("PUBSUB_EMULATOR_PATH", "")
    folders = [*([Path(given)] if given else []), *(Path(sdk).expanduser() for sdk in SDKS)]
    places = [folder / part for folder in folders for part in (PROGRAM, f"{IN_SDK}/{PROGRAM}")]
    on_path = shutil.which(PROGRAM)
    found = (p for p in [*folders, *places, Path(on_path or "")] if p.is_file() and os.access(p, os.X_OK))
    return next(found, None) if shutil.which("java") else None


class PubSubEmulator:
    """A running emulator on a port of its own. All it holds is in its memory."""

    def __init__(self, program: Path) -> None:
        self._program = program
        for _ in range(PORTS_TRIED_MAX):  # between finding a port free and its binding somebody else may take it
            self.host = f"127.0.0.1:{free_port()}"
            self._start()
            if self._is_ready():
                return
            self.stop()
        raise RuntimeError(f"the Pub/Sub emulator did not start: {' '.join(self._said) or 'no output'}")

    def _start(self) -> None:
        host, _, port = self.host.partition(":")
        self._process = subprocess.Popen(
            [self._program, f"--host={host}", f"--port={port}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._lines: queue.Queue[str] = queue.Queue()
        self._said: list[str] = []
        self._drainer = threading.Thread(target=self._drain, daemon=True)
        self._drainer.start()

    def _drain(self) -> None:
        for line in self._process.stdout or ():
            self._lines.put(line)
        self._lines.put("")

    def _is_ready(self) -> bool:
        while True:
            try:
                line = self._lines.get(timeout=START_TIMEOUT_S)
            except queue.Empty:
                line = ""
            self._said.append(line.strip())
            if LISTENING in line or not line:
                return bool(line)

    def stop(self) -> None:
        """All it held is gone. **Retry:** harmless."""
        self._process.kill()
        self._process.wait()
        self._drainer.join()
        if self._process.stdout:
            self._process.stdout.close()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Answers nothing for as long as the block, and goes on then."""
        os.kill(self._process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._process.pid, signal.SIGCONT)

    def restart(self) -> None:
        """Empty, on the same port."""
        self.stop()
        self._start()
        assert self._is_ready(), "the Pub/Sub emulator did not start again"


@pytest.fixture(scope="session")
def pubsub_emulator() -> Iterator[PubSubEmulator]:
    program = find_pubsub_emulator()
    if program is None:
        missing(f"Pub/Sub emulator: no {PROGRAM} or no java; install google-cloud-cli-pubsub-emulator")
    emulator = PubSubEmulator(program)
    yield emulator
    emulator.stop()


@pytest.fixture
def pubsub_host(pubsub_emulator: PubSubEmulator, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where the emulator is; `PUBSUB_EMULATOR_HOST` points to it meanwhile."""
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", pubsub_emulator.host)
    return pubsub_emulator.host

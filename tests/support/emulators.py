"""Google's own Bigtable emulator for tests: one process per session, a table prefix per test.

Without the emulator a test is skipped with a reason; where `CI` is set it fails instead. Found on the PATH, in
`BIGTABLE_EMULATOR_PATH` (the program, or a folder of the Google Cloud SDK with it) or in the SDK's usual place.
"""

from __future__ import annotations

import itertools
import os
import queue
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.missing import missing

PROGRAM = "cbtemulator"
IN_SDK = "platform/bigtable-emulator"
SDKS = ("/usr/lib/google-cloud-sdk", "/usr/share/google-cloud-sdk", "/opt/google-cloud-sdk", "~/google-cloud-sdk")
START_TIMEOUT_S = 120.0
LISTENING = re.compile(r"running on (\S+:\d+)")

_numbers = itertools.count()


def find_bigtable_emulator() -> Path | None:
    """The emulator's program, if it is on this machine."""
    given = os.environ.get("BIGTABLE_EMULATOR_PATH", "")
    folders = [Path(given)] if given else []
    folders += [Path(sdk).expanduser() for sdk in SDKS]
    places = [folder / part for folder in folders for part in (PROGRAM, f"{IN_SDK}/{PROGRAM}")]
    on_path = shutil.which(PROGRAM)
    return next((p for p in [*folders, *places, Path(on_path or "")] if p.is_file() and os.access(p, os.X_OK)), None)


class BigtableEmulator:
    """A running emulator on a port of its own. All it holds is in its memory."""

    def __init__(self, program: Path, port: str = "0") -> None:
        self._process = subprocess.Popen(
            [program, "-host", "127.0.0.1", "-port", port], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._lines: queue.Queue[str] = queue.Queue()
        self._drainer = threading.Thread(target=self._drain, daemon=True)
        self._drainer.start()
        self.host = self._await_host()

    def _drain(self) -> None:
        for line in self._process.stdout or ():
            self._lines.put(line)
        self._lines.put("")

    def _await_host(self) -> str:
        said = []
        while True:
            try:
                said.append(self._lines.get(timeout=START_TIMEOUT_S))
            except queue.Empty:
                said.append("")
            if match := LISTENING.search(said[-1]):
                return match[1]
            if not said[-1]:
                self.stop()
                raise RuntimeError(f"the Bigtable emulator did not start: {' '.join(said).strip() or 'no output'}")

    @property
    def pid(self) -> int:
        return self._process.pid

    @contextmanager
    def stalled(self) -> Iterator[None]:
        """It takes in everything and answers nothing, without its connections noticing."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self._drainer.join()
        if self._process.stdout:
            self._process.stdout.close()


@pytest.fixture(scope="session")
def bigtable_emulator() -> Iterator[BigtableEmulator]:
    program = find_bigtable_emulator()
    if program is None:
        missing(f"Bigtable emulator: no {PROGRAM}; install google-cloud-cli-bigtable-emulator")
    emulator = BigtableEmulator(program)
    yield emulator
    emulator.stop()


@pytest.fixture
def bigtable_prefix(bigtable_emulator: BigtableEmulator, monkeypatch: pytest.MonkeyPatch) -> str:
    """A table prefix that no other test uses; `BIGTABLE_EMULATOR_HOST` points to the emulator meanwhile."""
    monkeypatch.setenv("BIGTABLE_EMULATOR_HOST", bigtable_emulator.host)
    return f"t{os.getpid()}-{next(_numbers)}-"


@pytest.fixture
def bigtable_url(bigtable_prefix: str) -> str:
    """A `--store` URL of an empty Bigtable."""
    return f"bigtable://test-project/test-instance?prefix={bigtable_prefix}"

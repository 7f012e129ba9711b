"""A fresh Bigtable emulator for one run: started on a free port, its own cost readable, stopped at the end."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import peak_mb

_SDK_PATH = "/usr/lib/google-cloud-sdk/platform/bigtable-emulator/cbtemulator"
_START_S_MAX = 15.0


@dataclass(frozen=True, slots=True)
class Emulator:
    """A running emulator; `environment` is what clients need to reach it."""

    pid: int
    environment: dict[str, str]

    def cpu_s(self) -> float:
        """CPU seconds so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak_mb(self) -> float:
        return peak_mb(self.pid)


@contextmanager
def running_emulator() -> Iterator[Emulator]:
    binary = shutil.which("cbtemulator") or _SDK_PATH
    if not os.path.exists(binary):
        raise SystemExit("no Bigtable emulator: install google-cloud-cli-bigtable-emulator or pass --stores sqlite")
    port = _free_port()
    process = subprocess.Popen(
        [binary, "-host=127.0.0.1", f"-port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(port)
        yield Emulator(process.pid, {"BIGTABLE_EMULATOR_HOST": f"127.0.0.1:{port}"})
    finally:
        process.terminate()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + _START_S_MAX
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise SystemExit(f"the Bigtable emulator did not listen within {_START_S_MAX:.0f} s") from None
            time.sleep(0.05)

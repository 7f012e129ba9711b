"""A server of `read` in a process of its own: `daycount serve` or the floor. Its address, and what it costs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import ROOT, peak_mb


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    pid: int
    url: str

    def cpu_s(self) -> float:
        """CPU seconds so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak_mb(self) -> float:
        return peak_mb(self.pid)


@contextmanager
def running_server(arguments: list[str], environment: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Runs `python -m ARGUMENTS` until the block ends. Raises SystemExit where it says no address."""
    command = [sys.executable, "-m", *arguments]
    whole = {**os.environ, **(environment or {})}
    process = subprocess.Popen(command, cwd=ROOT, env=whole, stdout=subprocess.PIPE, text=True)
    try:
        found = re.search(r"http://\S+", process.stdout.readline() if process.stdout else "")
        if found is None:
            raise SystemExit(f"{' '.join(command)} does not serve")
        yield Server(process.pid, found[0])
    finally:
        process.terminate()
        process.wait()


@contextmanager
def serving(store_url: str, definitions: Path, environment: Mapping[str, str]) -> Iterator[Server]:
    """`daycount serve` as a user calls it."""
    options = ["--store", store_url, "--definitions", str(definitions), "--no-auth", "--port", "0"]
    with running_server(["pipeline", "serve", *options], environment) as server:
        yield server

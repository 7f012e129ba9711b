"""Owns where the engines for tests are on this machine (`make engines` puts them there), and one as a process."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.missing import missing

ROOT = Path(__file__).parents[2]
FOLDER = Path(os.environ.get("DAYCOUNT_ENGINES") or "~/.cache/daycount-tests").expanduser()
FLINK = "flink-1.19.3"
JOB_SERVER = "beam-flink-1.19-2.70.0"
PRISM = "prism-2.77.0/prism"
TAIL_CHARS = 4_000


def engine(name: str) -> Path:
    """Where an engine's files are; without them the test is left out."""
    place = FOLDER / name
    if not place.exists():
        missing(f"{name}: not in {FOLDER}; make engines installs it")
    return place


def worker_command(folder: Path, name: str = "worker", classpath: str | None = None) -> Path:
    """A program, written into the folder, that a runner starts for each Beam worker that it wants.

    classpath: where those of Java are; without it they are Python's.
    """
    command = folder / name
    java = f' --classpath "{classpath}"' if classpath else ""
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tests.support.engines_worker{java} "$@"\n')
    command.chmod(0o755)
    return command


def worker_environment(more: Mapping[str, str] | None) -> dict[str, str]:
    """What workers see: this process's variables, the project and its tests as modules, and `more`."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **(more or {})}


class Program:
    """A process with a log file, which ends with this one whatever becomes of that: the kernel sees to it.

    It lives as long as the thread that starts it, so that has to be one that stays.
    """

    def __init__(self, words: Sequence[str | Path], log: Path, environment: Mapping[str, str] | None = None) -> None:
        self.log = log
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *words],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    def runs(self) -> bool:
        return self.process.poll() is None

    def said(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-TAIL_CHARS:]

    def kill(self) -> None:
        """Kills this process alone, with -9."""
        self.process.kill()
        self.process.wait()

    def kill_all(self) -> None:
        """Kills it with all that it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

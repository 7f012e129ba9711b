"""Owns runs of the command forked from a zygote: how they are begun, awaited and ended, and what they said."""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.daycount import environment_of

PATIENCE_S = 120.0
PROGRESS = re.compile(r"(daycount: [\d,]+ events, [^\n]+\n)*")  # what a run that follows its input says
Plant = tuple[str, dict[str, Any]]  # "module:function" and its words, called in the child before the command
# Threads that libraries start when they are imported would be missing in a forked child.
SINGLE_THREADED = {"OPENBLAS_NUM_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended. `signal`: the one that ended it, or 0."""

    code: int
    signal: int
    out: str
    err: str

    @property
    def killed(self) -> bool:
        return self.signal == signal.SIGKILL

    def summary(self) -> dict[str, Any]:
        """What a run that ended well has counted."""
        assert (self.code, self.signal) == (0, 0) and PROGRESS.fullmatch(self.err), self
        found: dict[str, Any] = json.loads(self.out)
        return found

    def refusal(self, code: int = 1) -> str:
        """The one line with which it ended so."""
        assert (self.code, self.signal) == (code, 0), self
        said = PROGRESS.sub("", self.err)
        assert said.startswith("daycount: ") and said.count("\n") == 1 and "Traceback" not in said, self.err
        return said.removeprefix("daycount: ").rstrip("\n")


class ForkedRun:
    """A command under way, leader of its own process group."""

    def __init__(self, zygote: Zygote, pid: int, out: Path, err: Path) -> None:
        self._zygote = zygote
        self.pid = pid
        self._out, self._err = out, err
        self._status: int | None = None

    def poll(self, timeout_s: float = 0.0) -> bool:
        """Whether it has ended, or does within this time."""
        if self._status is None:
            status = self._zygote.ask({"do": "await", "pid": self.pid, "timeout_s": timeout_s})
            self._status = None if status is None or os.WIFSTOPPED(status) else status
        return self._status is not None

    def stopped(self, timeout_s: float = PATIENCE_S) -> bool:
        """Whether it stops itself in this time, rather than ending."""
        if self._status is not None:
            return False
        status = self._zygote.ask({"do": "await", "pid": self.pid, "timeout_s": timeout_s})
        assert status is not None, "it neither stopped nor ended"
        if os.WIFSTOPPED(status):
            return True
        self._status = status
        return False

    def wait(self, timeout_s: float = PATIENCE_S) -> Ended:
        """How it ended. Past the time it is killed, and the test fails."""
        if not self.poll(timeout_s):
            self.send(signal.SIGKILL, group=True)
            self.poll(PATIENCE_S)
            raise AssertionError(f"still running after {timeout_s} s; it said {self._said()}")
        assert self._status is not None
        number = os.WTERMSIG(self._status) if os.WIFSIGNALED(self._status) else 0
        return Ended(0 if number else os.WEXITSTATUS(self._status), number, *self._said())

    def send(self, number: int, *, group: bool = False) -> None:
        """A signal to the process, or to it and all its workers."""
        if self._status is None:
            (os.killpg if group else os.kill)(self.pid, number)

    def workers(self) -> list[int]:
        """The worker processes it has spawned."""
        try:
            children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
            return [int(c) for c in children if b"spawn_main" in Path(f"/proc/{c}/cmdline").read_bytes()]
        except (FileNotFoundError, ProcessLookupError):  # one ends before it is opened, or before it is read
            return []

    def _said(self) -> tuple[str, str]:
        return self._out.read_text(), self._err.read_text()


class Zygote:
    """The process that runs are forked from; see `tests.support.zygote`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count()
        with (folder / "zygote.err").open("w") as said:
            self._process = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-m", "tests.support.zygote"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True, bufsize=1,
                env=environment_of(SINGLE_THREADED), cwd=Path(__file__).parents[2],
            )  # fmt: skip
        assert self._process.stdout is not None
        first = self._process.stdout.readline()
        assert first == "ready\n", (folder / "zygote.err").read_text()

    def start(self, *words: str, plants: Sequence[Plant] = (), environment: Mapping[str, str] | None = None) -> ForkedRun:
        """Begin `daycount WORDS` with these faults planted."""
        n = next(self._numbers)
        out, err = self._folder / f"{n}.out", self._folder / f"{n}.err"
        for said in (out, err):
            said.touch()  # a run may be killed before it opens them
        request = {
            "do": "start", "words": list(words), "plants": list(plants), "environment": dict(environment or {}),
            "out": str(out), "err": str(err),
        }  # fmt: skip
        return ForkedRun(self, self.ask(request), out, err)

    def ask(self, request: Mapping[str, Any]) -> Any:
        """One request's answer."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the zygote is gone: {(self._folder / 'zygote.err').read_text()}")
        return json.loads(answer)

    def close(self) -> None:
        """End it, and whatever still runs."""
        self._process.communicate(timeout=PATIENCE_S)


@contextmanager
def forking() -> Iterator[Zygote]:
    """A zygote for as long as the block."""
    with tempfile.TemporaryDirectory() as folder:
        zygote = Zygote(Path(folder))
        try:
            yield zygote
        finally:
            zygote.close()


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    with forking() as made:
        yield made

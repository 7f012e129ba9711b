"""The demo's programs, each a process of its own: started, looked after, and ended in the order of their start."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import SIGTERM, Signals
from types import TracebackType

import click

from pipeline.embedded_redis import bound_to_parent
from pipeline.model.errors import RunError

STOP_TIMEOUT_S = 30.0
LAST_LINES = 15


@dataclass(frozen=True, slots=True)
class Child:
    """A program with the file that holds what it says."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path


class Children:
    """None outlives the block. Each is in a session of its own, so that Ctrl-C reaches the demo alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # Their temporary files go with the folder, even those of one that is killed.
        self._environment = {**os.environ, "TMPDIR": str(folder / "temporary")}
        self._children: list[Child] = []

    def start(self, name: str, words: Sequence[str]) -> None:
        """Start a program. What it says goes to NAME.log."""
        (self._folder / "temporary").mkdir(exist_ok=True)
        log = self._folder / f"{name}.log"
        with log.open("wb") as said:
            process = subprocess.Popen(
                bound_to_parent(words),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env=self._environment,
                start_new_session=True,
            )
        self._children.append(Child(name, process, log))

    def check(self) -> None:
        """Raises RunError, having shown its last lines, where one has ended by itself."""
        for child in self._children:
            code = child.process.poll()
            if code is not None:
                _fail(child, f"ended by itself ({_ending(code)})")

    def stop(self) -> None:
        """End all of them, in order. Raises RunError where one does not end well."""
        while self._children:
            child = self._children[0]
            child.process.terminate()
            try:
                code = child.process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                _fail(child, f"does not end within {STOP_TIMEOUT_S:.0f} s")
            self._children.pop(0)
            if code not in (0, -SIGTERM):  # the signal itself ends one that is only starting
                _fail(child, f"did not end well ({_ending(code)})")

    def __enter__(self) -> Children:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Whatever has happened, none is left."""
        for child in self._children:
            child.process.kill()
            child.process.wait()


def _fail(child: Child, what: str) -> None:
    lines = child.log.read_text(errors="replace").splitlines()[-LAST_LINES:]
    for line in lines:
        click.echo(f"  {child.name}: {line}", err=True)
    raise RunError(f"the {child.name} {what}; {'its last lines are above' if lines else 'it has said nothing'}")


def _ending(code: int) -> str:
    return f"exit code {code}" if code >= 0 else Signals(-code).name

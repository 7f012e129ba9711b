"""Hostile input tried within bounds of time and memory: in a process of its own, which ends when it is past them."""

from __future__ import annotations

import importlib
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.support.daycount import environment_of

ROOT = Path(__file__).parents[2]
SECONDS_MAX = 120  # far more than anything takes; a hang is longer


def in_bounds(trial: Callable[[], None], memory_mb: int, folder: Path = ROOT) -> None:
    """Run a function of a module, without arguments, in a process that gets so much memory on top of its imports.

    folder: where it works.
    """
    words = [sys.executable, "-m", __name__, trial.__module__, trial.__name__, str(memory_mb)]
    done = subprocess.run(words, cwd=folder, env=environment_of(), capture_output=True, timeout=SECONDS_MAX)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()[-2_000:]


def _try(module: str, name: str, memory_mb: int) -> None:
    trial = getattr(importlib.import_module(module), name)
    bound = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + memory_mb * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (bound, bound))
    trial()


if __name__ == "__main__":
    _try(sys.argv[1], sys.argv[2], int(sys.argv[3]))

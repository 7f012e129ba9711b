"""Owns how much memory a command takes at most."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence

from tests.support.daycount import command, environment_of

# A small process in between: what a process is said to have taken begins with the size of the one it was forked from.
_MEASURED = """
import os, sys
pid = os.spawnv(os.P_NOWAIT, sys.argv[2], sys.argv[2:])
_, status, usage = os.wait4(pid, 0)
with open(sys.argv[1], "w") as told:
    told.write(str(usage.ru_maxrss))
sys.exit(os.waitstatus_to_exitcode(status))
"""


def peak_of(words: Sequence[str]) -> tuple[subprocess.CompletedProcess[bytes], int]:
    """Run `daycount WORDS` to its end: how it ended, and the largest resident size of it (Linux counts in KiB)."""
    with tempfile.TemporaryFile() as out, tempfile.NamedTemporaryFile("r") as told:
        between = [sys.executable, "-I", "-S", "-c", _MEASURED, told.name, *command(*words)]
        process = subprocess.run(between, stdout=out, stderr=subprocess.STDOUT, env=environment_of())
        out.seek(0)
        said, peak = out.read(), int(told.read())
    return subprocess.CompletedProcess(process.args, process.returncode, said, said), peak * 1024

"""Owns how much memory a command takes at most."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence

from tests.support.daycount import command, environment_of


def peak_of(words: Sequence[str]) -> tuple[subprocess.CompletedProcess[bytes], int]:
    """Run `daycount WORDS` to its end: how it ended, and the largest resident size of it (Linux counts in KiB)."""
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(command(*words), stdout=out, stderr=subprocess.STDOUT, env=environment_of())
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        said = out.read()
    return subprocess.CompletedProcess(process.args, process.returncode, said, said), usage.ru_maxrss * 1024

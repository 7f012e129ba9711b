"""Runs a command to its end and measures what it and all its descendants took.

Memory is the greatest sum of resident sets over the process tree, sampled; pages that forked processes share count once
per process. CPU time is exact: the kernel adds up descendants that were waited for.
"""

import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_SAMPLE_S = 0.02
_PAGE_BYTES = resource.getpagesize()
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Measured:
    """A finished command. `seconds` is from its start to its exit."""

    seconds: float
    peak_rss_mb: float
    cpu_s: float
    code: int
    stdout: str
    stderr: str


def measure(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Measured:
    """Run `command` at the project's root with `environment` added to this process's own."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started = time.perf_counter()
        whole = {**os.environ, **(environment or {})}
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=ROOT, env=whole)
        try:
            peak, usage = _watch(process)
        except BaseException:
            process.kill()
            raise
        seconds = time.perf_counter() - started
        cpu_s = usage.ru_utime + usage.ru_stime
        return Measured(seconds, peak, cpu_s, process.returncode, _text(out), _text(err))


def _watch(process: subprocess.Popen[bytes]) -> tuple[float, resource.struct_rusage]:
    """Wait for the process to end: the peak memory of its tree in MB, and what the kernel says it used.

    Not `ru_maxrss`: it starts from what the forking parent held.
    """
    peak = 0.0
    while True:
        done, status, usage = os.wait4(process.pid, os.WNOHANG)
        if done:
            process.returncode = os.waitstatus_to_exitcode(status)  # wait4 took it before Popen could
            return peak, usage
        peak = max(peak, tree_rss_mb(process.pid))
        time.sleep(_SAMPLE_S)


def tree_rss_mb(pid: int) -> float:
    """Resident memory of a process and its descendants, in MB; what ended meanwhile counts as nothing."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        tasks = os.listdir(f"/proc/{pid}/task")
        children = [child for task in tasks for child in Path(f"/proc/{pid}/task/{task}/children").read_text().split()]
    except OSError:
        return 0.0
    return pages * _PAGE_BYTES / 2**20 + sum(tree_rss_mb(int(child)) for child in children)


def peak_mb(pid: int | str) -> float:
    """The most that one process has held since it started its program."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split(maxsplit=1)[0]) / 1024


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")

"""The workload through `daycount run --follow`, with a fault every few seconds: exact at the end, and memory flat?

    python -m benchmarks.through_faults [--events N] [--store sqlite|bigtable] [--workers N] [--every-s S] [--seed N]

The file grows while it is followed. Faults are drawn from the seed: the run killed with -9 and begun again, one of its
processes killed, the run or the store's process stopped for a while, a second run over the same input beside it.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from random import Random

from benchmarks import daycount, machine
from benchmarks.contestants import fresh_target, truth_of
from benchmarks.daycount import DEFINITIONS, Target
from benchmarks.ingest import workload_file
from benchmarks.processes import ROOT, tree_rss_mb
from benchmarks.rows import compare

_STEP_BYTES = 8 << 20
_STOPPED_S_MAX = 3.0
_PARTS = 10  # of the time, whose peaks are told


class Follower:
    """A run that is begun again whenever it is gone."""

    def __init__(self, folder: Path, target: Target, workers: int) -> None:
        self._command = [
            sys.executable, "-m", "pipeline", "run", "--follow", "--input", str(folder), "--account", "bench",
            "--store", target.store, "--definitions", str(DEFINITIONS), "--workers", str(workers), "--json",
        ]  # fmt: skip
        self._environment = {**os.environ, **target.environment}
        self._process: subprocess.Popen[bytes] | None = None
        self.log = (folder / "run.log").open("ab")

    @property
    def pid(self) -> int:
        """The run's process, begun if there is none."""
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                self._command, cwd=ROOT, env=self._environment, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log
            )
        return self._process.pid

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        self._wait()

    def end(self) -> int:
        """Ask it to end; its exit code."""
        os.kill(self.pid, signal.SIGTERM)
        return self._wait()

    def _wait(self) -> int:
        assert self._process is not None
        return self._process.wait(120)


def main() -> None:
    arguments = _arguments()
    print(machine.describe(), flush=True)
    path = workload_file(arguments.data, arguments.events)
    truth = truth_of(path)
    with (
        tempfile.TemporaryDirectory(dir=path.parent) as own,
        fresh_target(arguments.store, path.parent) as (target, emulator),
    ):
        run = Follower(Path(own), target, arguments.workers)
        feeder = threading.Thread(target=_feed, args=(path, Path(own, "events.jsonl"), arguments.mb_per_s), daemon=True)
        begun = time.monotonic()
        feeder.start()
        faults, peaks = _disturb(run, emulator.pid if emulator else None, target, Path(own), arguments, path.stat().st_size)
        code = run.end()
        seconds = time.monotonic() - begun
        differences = compare(truth, daycount.read_rows(target))
    print(f"{arguments.events:,} events in {seconds:.0f} s with {faults.total()} faults: "
          f"{', '.join(f'{n} {what}' for what, n in sorted(faults.items()))}; seed {arguments.seed}")  # fmt: skip
    parts = [max(peaks[i * len(peaks) // _PARTS : (i + 1) * len(peaks) // _PARTS], default=0.0) for i in range(_PARTS)]
    print(f"peak memory of the run in each tenth of the time, MB: {', '.join(f'{mb:.0f}' for mb in parts)}")
    print("exact" if not differences else "\n".join(differences[:5]))
    sys.exit(1 if differences or code else 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.through_faults", description="Follow through faults.")
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--store", choices=("sqlite", "bigtable"), default="sqlite")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--every-s", type=float, default=5.0, help="mean time between faults")
    parser.add_argument("--mb-per-s", type=float, default=200.0, help="how fast the file grows at most")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", type=Path, default=Path(tempfile.gettempdir(), "daycount-benchmark"))
    return parser.parse_args()


def _feed(source: Path, sink: Path, mb_per_s: float) -> None:
    with source.open("rb") as whole, sink.open("ab", buffering=0) as growing:
        while step := whole.read(_STEP_BYTES):
            growing.write(step)
            time.sleep(len(step) / (mb_per_s * 1e6))


def _disturb(
    run: Follower, store_pid: int | None, target: Target, folder: Path, arguments: argparse.Namespace, size: int
) -> tuple[Counter[str], list[float]]:
    """Faults until all is taken; how many of each kind, and the run's memory over time."""
    random, faults, peaks = Random(arguments.seed), Counter[str](), list[float]()
    second = Follower(folder, target, 1)
    due = time.monotonic() + arguments.every_s
    while _taken(target) < size:
        peaks.append(tree_rss_mb(run.pid))
        time.sleep(0.05)
        if time.monotonic() >= due:
            faults[_strike(run, second, store_pid, random)] += 1
            due = time.monotonic() + random.expovariate(1 / arguments.every_s)
    return faults, peaks


def _strike(run: Follower, second: Follower, store_pid: int | None, random: Random) -> str:
    kind = random.choice(["killed", "a worker killed", "stopped", "store stopped", "beside another"])
    children = [int(c) for c in Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()]
    if kind == "a worker killed" and children:
        os.kill(random.choice(children), signal.SIGKILL)
    elif kind == "stopped" or (kind == "store stopped" and store_pid is not None):
        pid = run.pid if kind == "stopped" else store_pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        time.sleep(random.random() * _STOPPED_S_MAX)
        os.kill(pid, signal.SIGCONT)
    elif kind == "beside another":
        assert second.pid
        time.sleep(random.random() * 10)
        second.kill()
    else:
        run.kill()
        kind = "killed"
    return kind


def _taken(target: Target) -> int:
    """A number that grows while input is taken: the offsets that the store remembers."""
    command = [sys.executable, "-c", _TAKEN, target.store]
    said = subprocess.run(command, cwd=ROOT, env={**os.environ, **target.environment}, capture_output=True, text=True)
    return int(said.stdout or 0)


_TAKEN = """
import json, sys
from pipeline.store import open_store
notes = open_store(sys.argv[1]).scan("meta", b"progress#").values()
print(sum(note[0] for cells in notes for _, value in cells if value for note in json.loads(value).values()))
"""


if __name__ == "__main__":
    main()

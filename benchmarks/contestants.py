"""Runs one contestant on one workload file, each in processes of its own, and compares its rows with the truth."""

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import daycount
from benchmarks.daycount import RunFailed, Target
from benchmarks.emulator import Emulator, running_emulator
from benchmarks.outcome import Figures, Outcome
from benchmarks.processes import measure
from benchmarks.rows import Row, compare, from_lines

STORES = {"sqlite": "SQLite", "bigtable": "Bigtable emulator"}
BASELINES = {"floor": "floor: decode only", "plain": "plain Python", "plain-batch": "plain Python, batch"}


def truth_of(file: Path) -> list[Row]:
    """The truth, worked out by a process of its own: DuckDB's memory must be free again when others are measured."""
    measured = measure([sys.executable, "-m", "benchmarks.truth", str(file)])
    if measured.code:
        raise SystemExit(f"no truth for {file}: {measured.stderr.strip().splitlines()[-1]}")
    return from_lines(measured.stdout)


def run_baseline(kind: str, file: Path, truth: list[Row]) -> Outcome:
    """The floor has no rows to compare."""
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder, "rows")
        measured = measure([sys.executable, "-m", "benchmarks.baselines", kind, str(file), "--rows", str(rows)])
        if measured.code:
            return Outcome(BASELINES[kind], None, None, tuple(measured.stderr.splitlines()[-1:]))
        own = json.loads(measured.stdout)
        figures = Figures(own["events_per_s"], own["events"] / measured.seconds, measured.peak_rss_mb, measured.cpu_s)
        differences = compare(truth, from_lines(rows.read_text(encoding="utf-8"))) if kind != "floor" else []
    return Outcome(BASELINES[kind], figures, None if kind == "floor" else not differences, tuple(differences))


def run_daycount(
    store: str, workers: int, file: Path, truth: list[Row], events: int, *, rerun: bool = False
) -> list[Outcome]:
    """One outcome; with `rerun` a second, of counting the same file again into the same store."""
    label = f"Daycount, {STORES[store]}, {workers} worker{'s' if workers > 1 else ''}"
    labels = [label, f"{label}, again"] if rerun else [label]
    with fresh_target(store, file.parent) as (target, emulator):
        return [_run_once(name, target, emulator, workers, file, truth, events) for name in labels]


@contextmanager
def fresh_target(store: str, folder: Path) -> Iterator[tuple[Target, Emulator | None]]:
    """An empty store for one run, and its emulator where it has one."""
    if store == "bigtable":
        with running_emulator() as emulator:
            yield Target("bigtable://bench/bench", emulator.environment), emulator
    else:
        with tempfile.TemporaryDirectory(dir=folder) as own:  # on the input's disk: /tmp may be memory
            yield Target(f"sqlite:///{Path(own).resolve()}/counts.db", {}), None


def _run_once(
    label: str, target: Target, emulator: Emulator | None, workers: int, file: Path, truth: list[Row], events: int
) -> Outcome:
    store_cpu_before_s = emulator.cpu_s() if emulator else 0.0
    try:
        measured, summary = daycount.run(file, target, workers)
        figures = Figures(
            events / summary["seconds"],
            events / measured.seconds,
            measured.peak_rss_mb,
            measured.cpu_s,
            emulator.peak_mb() if emulator else 0.0,
            emulator.cpu_s() - store_cpu_before_s if emulator else 0.0,
        )
        differences = compare(truth, daycount.read_rows(target))
    except RunFailed as failure:
        return Outcome(label, None, None, (str(failure),))
    return Outcome(label, figures, not differences, tuple(differences))

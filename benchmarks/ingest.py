"""The ingest benchmark: floor, plain Python and Daycount on the same file and machine, checked against the truth.

    python -m benchmarks.ingest [--events N] [--repeat N] [--stores sqlite,bigtable] [--workers 1,2] [--rerun]
                                [--memory] [--data FOLDER]

Prints the machine and a Markdown table. Exit code 1 when a run failed or was not exact.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks import machine
from benchmarks.contestants import BASELINES, STORES, run_baseline, run_daycount, truth_of
from benchmarks.outcome import HEAD, Outcome, median_of
from benchmarks.workload import EVENTS, generate

_MEMORY_TIMES = 10
_FAULTS_SHOWN_MAX = 5


def main() -> None:
    arguments = _arguments()
    print(machine.describe(), flush=True)
    path = workload_file(arguments.data, arguments.events)
    outcomes = _outcomes(arguments, path)
    print(f"\n{arguments.events:,} events of {path.stat().st_size / arguments.events:.0f} bytes; "
          f"medians of {arguments.repeat}\n\n{HEAD}")  # fmt: skip
    bound = next(o.figures for o in outcomes if o.label == BASELINES["plain"])
    for outcome in outcomes:
        print(outcome.line(bound.net_per_s if bound else float("nan")))
    if arguments.memory:
        outcomes += _memory(arguments)
    sys.exit(_explain(outcomes))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest", description="Measure ingest.")
    parser.add_argument("--events", type=int, default=EVENTS, help="lines of input (default %(default)s)")
    parser.add_argument("--repeat", type=int, default=3, help="rounds to take medians of (default %(default)s)")
    parser.add_argument("--stores", default="sqlite,bigtable", type=_stores, help="default %(default)s")
    parser.add_argument("--workers", default="1,2", type=_numbers, help="default %(default)s")
    parser.add_argument("--data", type=Path, default=Path(tempfile.gettempdir(), "daycount-benchmark"),
                        help="folder that keeps generated files (default %(default)s)")  # fmt: skip
    parser.add_argument("--rerun", action="store_true", help="count the file again into the same store: no change")
    parser.add_argument("--memory", action="store_true", help="peak memory of ten times the events against that many")
    return parser.parse_args()


def _stores(text: str) -> list[str]:
    if unknown := set(text.split(",")) - STORES.keys():
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: not one of {', '.join(STORES)}")
    return text.split(",")


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def workload_file(data: Path, events: int) -> Path:
    """The workload of that many events, made unless it is there; delete it after a change of the generator."""
    data.mkdir(parents=True, exist_ok=True)
    short = next((f"{events // unit}{sign}" for unit, sign in ((10**6, "m"), (1000, "k")) if events % unit == 0), None)
    path = data.resolve() / f"{short or events}.jsonl"
    if not path.exists():
        generate(path, events)
    return path


def _outcomes(arguments: argparse.Namespace, path: Path) -> list[Outcome]:
    """Each round runs every contestant once, so that a busy minute hits all alike."""
    truth = truth_of(path)
    rounds = []
    for _ in range(arguments.repeat):
        outcomes = [run_baseline(kind, path, truth) for kind in BASELINES]
        for store in arguments.stores:
            for workers in arguments.workers:
                outcomes += run_daycount(store, workers, path, truth, arguments.events, rerun=arguments.rerun)
        rounds.append(outcomes)
    return [median_of(runs) for runs in zip(*rounds, strict=True)]


def _memory(arguments: argparse.Namespace) -> list[Outcome]:
    """Peak memory with ten times the events, on the first store and number of workers, once."""
    peaks, outcomes = [], []
    for events in (arguments.events, arguments.events * _MEMORY_TIMES):
        path = workload_file(arguments.data, events)
        outcomes += run_daycount(arguments.stores[0], arguments.workers[0], path, truth_of(path), events)
        peaks.append(outcomes[-1].figures.peak_mb if outcomes[-1].figures else float("nan"))
    exact = "exact" if all(outcome.exact for outcome in outcomes) else "not exact"
    print(f"\nmemory, {outcomes[0].label}: {peaks[0]:.0f} MB for {arguments.events:,} events, {peaks[1]:.0f} MB for "
          f"{_MEMORY_TIMES} times as many: {peaks[1] / peaks[0]:.2f} times; {exact}")  # fmt: skip
    return outcomes


def _explain(outcomes: list[Outcome]) -> int:
    """Says on stderr what went wrong; the exit code."""
    for outcome in outcomes:
        for fault in outcome.faults[:_FAULTS_SHOWN_MAX]:
            print(f"{outcome.label}: {fault}", file=sys.stderr)
        if len(outcome.faults) > _FAULTS_SHOWN_MAX:
            print(f"{outcome.label}: and {len(outcome.faults) - _FAULTS_SHOWN_MAX} more", file=sys.stderr)
    return 1 if any(outcome.faults for outcome in outcomes) else 0


if __name__ == "__main__":
    main()

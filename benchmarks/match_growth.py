"""What metrics that never match cost: events/s with 10, 100 and 1,000 of them on top of the benchmark's twelve.

    python -m benchmarks.match_growth [--events N] [--repeat N] [--extra 10,100,1000]

Three kinds: of event names that don't occur; of an event that does, told apart by a property; of any event.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

import yaml

from benchmarks import daycount, machine
from benchmarks.ingest import workload_file

_MEASURES = {"count": {"aggregate": "count"}, "uniques": {"aggregate": "count", "once_per": "visitor"}}
KINDS: Mapping[str, Callable[[int], dict[str, Any]]] = {
    "other event names": lambda n: {"event": f"Nobody Sends This {n}"},
    "same event, by equality": lambda n: {"event": "Page Viewed", "context.page.url": f"https://nowhere.example/{n}"},
    "any event, by equality": lambda n: {"context.traits.plan": f"plan-{n}", "context.location.country": "IN"},
}


def definitions_with(kind: str, extra: int) -> dict[str, Any]:
    """The benchmark's definitions and `extra` metrics of that kind."""
    document = yaml.safe_load(daycount.DEFINITIONS.read_text(encoding="utf-8"))
    metrics = [{"id": f"extra_{n}", "where": KINDS[kind](n), "measures": _MEASURES} for n in range(extra)]
    return {**document, "metrics": [*document["metrics"], *metrics]}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.match_growth", description="Cost of other metrics.")
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--repeat", type=int, default=3, help="runs to take medians of (default %(default)s)")
    parser.add_argument("--extra", default="10,100,1000", help="numbers of metrics (default %(default)s)")
    parser.add_argument("--data", type=Path, default=Path(tempfile.gettempdir(), "daycount-benchmark"))
    arguments = parser.parse_args()
    try:
        _print_table(arguments)
    except daycount.RunFailed as failure:
        sys.exit(str(failure))


def _print_table(arguments: argparse.Namespace) -> None:
    print(machine.describe(), flush=True)
    path = workload_file(arguments.data, arguments.events)
    alone_s = _seconds(path, next(iter(KINDS)), 0, arguments.repeat)
    print("\n| metrics beside the twelve | events/s | µs an event more |\n|---|---|---|")
    print(f"| none | {arguments.events / alone_s:,.0f} | |", flush=True)
    for kind in KINDS:
        for extra in map(int, arguments.extra.split(",")):
            seconds = _seconds(path, kind, extra, arguments.repeat)
            more_us = (seconds - alone_s) / arguments.events * 1e6
            print(f"| {extra:,} of {kind} | {arguments.events / seconds:,.0f} | {more_us:+.2f} |", flush=True)


def _seconds(path: Path, kind: str, extra: int, repeat: int) -> float:
    """Net of start-up: one worker, a fresh SQLite file a run."""
    return median(_run_once(path, definitions_with(kind, extra)) for _ in range(repeat))


def _run_once(path: Path, document: dict[str, Any]) -> float:
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        definitions = Path(folder, "definitions.json")
        definitions.write_text(json.dumps(document), encoding="utf-8")
        target = daycount.Target(f"sqlite:///{folder}/counts.db", {})
        _, summary = daycount.run(path, target, 1, definitions)
        return summary["seconds"]


if __name__ == "__main__":
    main()

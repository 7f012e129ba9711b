"""The two baselines, each a process of its own: the floor, and plain Python (`plain`).

    python -m benchmarks.baselines floor|plain|plain-batch FILE [--rows OUT]

prints JSON {seconds, events, events_per_s, max_rss_mb, cpu_s}; `--rows` also writes the rows, one JSON array a line.
"""

import argparse
import json
import resource
import time
from pathlib import Path

import orjson

from benchmarks.plain import Batch, Live, plain_rows
from benchmarks.processes import peak_mb
from benchmarks.rows import Row, to_lines

KINDS = ("floor", "plain", "plain-batch")


def floor(path: Path) -> tuple[int, list[Row]]:
    """What any Python program pays: each line read and decoded, then forgotten."""
    loads, events = orjson.loads, 0
    with path.open("rb") as lines:
        for line in lines:
            loads(line)
            events += 1
    return events, []


def plain(path: Path, kind: type[Live] | type[Batch]) -> tuple[int, list[Row]]:
    with path.open("rb") as lines:
        return plain_rows(lines, kind)


def measure(kind: str, path: Path) -> tuple[dict[str, float], list[Row]]:
    started = time.perf_counter()
    events, rows = floor(path) if kind == "floor" else plain(path, Live if kind == "plain" else Batch)
    seconds = time.perf_counter() - started
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "seconds": round(seconds, 3),
        "events": events,
        "events_per_s": round(events / seconds),
        "max_rss_mb": round(peak_mb("self"), 1),
        "cpu_s": round(usage.ru_utime + usage.ru_stime, 2),
    }, rows


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.baselines", description="Run one baseline.")
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("file", type=Path)
    parser.add_argument("--rows", type=Path, help="write the rows here")
    arguments = parser.parse_args()
    figures, rows = measure(arguments.kind, arguments.file)
    if arguments.rows:
        arguments.rows.write_text(to_lines(rows), encoding="utf-8")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()

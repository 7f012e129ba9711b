"""The read benchmark: `daycount serve` under load, the same numbers from ClickHouse on raw events, and the floor.

    python -m benchmarks.read [--store sqlite|bigtable] [--metrics N] [--days N] [--clients 10,20,40,100] [--seconds S]
                              [--counted 100000,1000000] [--clickhouse PYTHON] [--data FOLDER]

Prints the machine and Markdown tables. Exit code 1 when an answer was wrong or was none.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from benchmarks import machine
from benchmarks.emulator import running_emulator
from benchmarks.read_counted import Counted, has_clickhouse, measure_counted
from benchmarks.read_load import Load, ask, drive
from benchmarks.read_requests import SHARES, make_requests, to_lines
from benchmarks.read_server import Server, running_server, serving
from benchmarks.read_store import ACCOUNT, BREAKDOWNS, Size, events_of, fill, metric_id, write_definitions

REQUESTS = 20_000
HEAD = "| | clients | p50 ms | p90 ms | p99 ms | requests/s | server's CPU ms a request |\n|---|---|---|---|---|---|---|"


def main() -> None:
    arguments = _arguments()
    print(machine.describe(), flush=True)
    size = Size(arguments.metrics, arguments.days, arguments.values, arguments.slots, datetime.now(UTC).date())
    arguments.data.mkdir(parents=True, exist_ok=True)
    faults = _measure_filled(arguments, size)
    faults += _measure_counted(arguments) if arguments.counted else []
    for fault in faults:
        print(fault, file=sys.stderr)
    sys.exit(1 if faults else 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.read", description="Measure the read service.")
    parser.add_argument("--store", choices=("sqlite", "bigtable"), default="sqlite")
    parser.add_argument("--metrics", type=int, default=20, help="default %(default)s; the full size is 200")
    parser.add_argument("--days", type=int, default=365, help="default %(default)s")
    parser.add_argument("--values", type=int, default=20, help="of each of three breakdowns (default %(default)s)")
    parser.add_argument("--slots", type=int, default=8, help="shards that have counted each day (default %(default)s)")
    parser.add_argument("--clients", type=_numbers, default="10,20,40,100", help="default %(default)s")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each measurement (default %(default)s)")
    parser.add_argument("--warm", type=float, default=60.0, help="seconds of load before them (default %(default)s)")
    parser.add_argument("--counted", type=_numbers, default="", help="events to count, and to ask ClickHouse for")
    parser.add_argument("--clickhouse", default=sys.executable, metavar="PYTHON", help="one that has chdb")
    parser.add_argument("--data", type=Path, default=Path(tempfile.gettempdir(), "daycount-benchmark"))
    return parser.parse_args()


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",") if number]


def _measure_filled(arguments: argparse.Namespace, size: Size) -> list[str]:
    bodies, definitions = arguments.data / "filled.bodies", arguments.data / "filled.json"
    bodies.write_text(to_lines(make_requests(size, REQUESTS)))
    with ExitStack() as running:
        url, environment = running.enter_context(_filled(arguments.store, arguments.data, definitions, size))
        with serving(url, definitions, environment) as server:
            print(f"\n{', '.join(f'{share:.0%} {kind}' for kind, share in SHARES.items())}\n\n{HEAD}")
            faults = _check(server, size)
            first = max(arguments.clients)
            lines = [("cold", server, min(arguments.clients), arguments.seconds)]
            lines += [("", server, 10, arguments.warm)] if arguments.warm else []
            lines += [("Daycount", server, clients, arguments.seconds) for clients in arguments.clients]
            faults += [fault for line in lines if (fault := _line(*line, bodies))]
            answer_bytes = len(str(ask(server.url, next(make_requests(size, 1)))))
            peak_mb = server.peak_mb()
    with running_server(["benchmarks.read_floor", "--bytes", str(answer_bytes)]) as floor:
        _line("floor", floor, first, arguments.seconds, bodies)
    print(f"\nmemory of the server: {peak_mb:.0f} MB at its peak")
    return faults


@contextmanager
def _filled(kind: str, data: Path, definitions: Path, size: Size) -> Iterator[tuple[str, dict[str, str]]]:
    """A store of that size: its URL, and what the environment must say."""
    import os

    from pipeline.model.layout import META_COMPLETE
    from pipeline.store import open_store
    from pipeline.store.fixed import fix

    for path in data.glob("filled.db*"):
        path.unlink()
    url = f"sqlite:///{data}/filled.db" if kind == "sqlite" else "bigtable://bench/bench"
    with running_emulator() if kind == "bigtable" else nullcontext() as emulator:
        environment = emulator.environment if emulator else {}
        os.environ.update(environment)
        begun = time.monotonic()
        store = open_store(url, create=True)
        fix(store, shards=size.slots, default_shards=size.slots, visitor_key=None)
        fill(store, size, write_definitions(definitions, size))
        store.put_meta(META_COMPLETE, {b"until": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}".encode()})
        store.close()
        print(
            f"{kind}: {size.metrics} metrics x {size.days} days x (1 + {len(BREAKDOWNS)} breakdowns x {size.values} values) "
            f"x {size.slots} slots = {size.cells:,} cells, filled in {time.monotonic() - begun:.0f} s"
        )
        yield url, environment


def _check(server: Server, size: Size) -> list[str]:
    """Holds one answer against what was written."""
    last = size.last - timedelta(1)
    span = [(last - timedelta(6)).isoformat(), last.isoformat()]
    name = f"{metric_id(size.metrics - 1)}.events"
    found = ask(server.url, {"account": ACCOUNT, "metrics": [name], "date_range": span, "dimensions": ["time:day"]})
    wrong = [
        row
        for row in found["results"]
        if row["metrics"] != [events_of(size.metrics - 1, date.fromisoformat(row["dimensions"][0]), size.slots)]
    ]
    return [f"wrong: {row}" for row in wrong]


def _line(label: str, server: Server, clients: int, seconds: float, bodies: Path) -> str | None:
    """Measures, and prints a row of the table where it has a label; what went wrong."""
    before = server.cpu_s()
    load = drive(server.url, bodies, clients, seconds, skip=clients * 97)
    cpu_ms = (server.cpu_s() - before) * 1000 / max(load.per_s * seconds, 1)
    if label:
        print(f"| {label} | {clients} {_cells(load)} | {cpu_ms:.2f} |", flush=True)
    return f"{label}, {clients} clients: {load.errors} answers were none" if load.errors else None


def _cells(load: Load) -> str:
    return f"| {load.p50_ms:.1f} | {load.p90_ms:.1f} | {load.p99_ms:.1f} | {load.per_s:,.0f}"


def _measure_counted(arguments: argparse.Namespace) -> list[str]:
    clickhouse = arguments.clickhouse if has_clickhouse(arguments.clickhouse) else None
    if clickhouse is None:
        print("\nno ClickHouse: pip install chdb, or name a Python that has it with --clickhouse")
    print("\n| events | | clients | p50 ms | p90 ms | p99 ms | requests/s |\n|---|---|---|---|---|---|---|")
    all_counted = []
    for events in arguments.counted:
        counted = measure_counted(events, arguments.data, arguments.clients, arguments.seconds, clickhouse)
        _print_counted(counted)
        all_counted.append(counted)
    return [f"{one.events} events: not the numbers of ClickHouse" for one in all_counted if one.exact is False]


def _print_counted(counted: Counted) -> None:
    for load in counted.loads:
        print(f"| {counted.events:,} | Daycount | {load.clients} {_cells(load)} |")
    for raw in counted.raw or ():
        load = Load(int(raw["clients"]), raw["p50"], raw["p90"], raw["p99"], raw["per_s"], 0)
        print(f"| {counted.events:,} | ClickHouse | {load.clients} {_cells(load)} |", flush=True)


if __name__ == "__main__":
    main()

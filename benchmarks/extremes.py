"""What lopsided input costs beside the ordinary: one visitor, a visitor an event, ten thousand accounts.

    python -m benchmarks.extremes [--events N] [--workers N] [--accounts N] [--cases A,B] [--repeat N] [--data FOLDER]

Each case is the workload with other visitors, days or accounts. Ratios are to the ordinary workload in the same round, of
time an event: what the CPU worked, and by the clock. Start-up is left out of both and stands beside them: what a run of the
case's first event takes, which reads the definitions and takes them into force on a new store. Rounds run all cases in
turn; the last lines are medians. Exit code 1 when a number is wrong.
"""

import argparse
import json
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import redis
import yaml

from benchmarks import daycount, machine
from benchmarks.contestants import truth_of
from benchmarks.daycount import DEFINITIONS, Target
from benchmarks.ingest import workload_file
from benchmarks.processes import Measured, measure
from benchmarks.rows import BREAKDOWNS, METRICS, SUMMED, Row, compare
from pipeline.definitions.file import load_file
from pipeline.embedded_redis import embedded_redis
from pipeline.model import layout
from pipeline.model.counter import columns, measure_value
from pipeline.store import open_store

_VISITOR, _TIME, _DAY = '"anonymousId":"', '"timestamp":"', "2026-10-15"
_METRICS_PER_ACCOUNT = 20
Line = Callable[[int, str, str, str], str]  # (number, head, visitor, tail with the time) -> the line


def _one_day(tail: str) -> str:
    return _TIME + _DAY + tail[len(_TIME) + len(_DAY) :]


def _account_of(visitor: str, accounts: int) -> int:
    """Some have many visitors and most have few."""
    return int((zlib.crc32(visitor.encode()) / 2**32) ** 2 * accounts)


def cases(accounts: int) -> dict[str, Line]:
    """How each case writes the workload's lines."""
    return {
        "ordinary": lambda n, head, visitor, tail: head + visitor + tail,
        "ordinary, on one day": lambda n, head, visitor, tail: head + visitor + _one_day(tail),
        "one visitor, every event twice": lambda n, head, visitor, tail: f'{head}{_VISITOR}only","userId":null,{tail}' * 2,
        "a visitor an event, on one day": lambda n, head, visitor, tail: (
            f'{head}{_VISITOR}a-{n}","userId":null,{_one_day(tail)}'
        ),
        f"{accounts:,} accounts, on one day": lambda n, head, visitor, tail: (
            f'{{"account":"a{_account_of(visitor, accounts):05d}",{head[1:]}{visitor}{_one_day(tail)}'
        ),
    }


def _write(source: Path, sink: Path, line: Line) -> None:
    with source.open(encoding="ascii") as lines, sink.open("w", encoding="ascii") as out:
        for number, text in enumerate(lines):
            visitor, time = text.index(_VISITOR), text.index(_TIME)
            out.write(line(number, text[:visitor], text[visitor:time], text[time:]))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.extremes", description="Lopsided input.")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--accounts", type=int, default=10_000)
    parser.add_argument("--cases", default="", help="parts of the cases' names, with commas between [default: all]")
    parser.add_argument("--repeat", type=int, default=1, help="rounds [default: 1]")
    parser.add_argument("--data", type=Path, default=Path(tempfile.gettempdir(), "daycount-benchmark"))
    arguments = parser.parse_args()
    print(machine.describe(), flush=True)
    workload = workload_file(arguments.data, arguments.events)
    print(
        "\n| | CPU µs an event | × ordinary | µs by the clock | × ordinary | start-up CPU s | peak MB | exact |", flush=True
    )
    print("|---|---|---|---|---|---|---|---|", flush=True)
    rounds = [_round(workload, arguments) for _ in range(arguments.repeat)]
    if len(rounds) > 1:
        for name in rounds[0]:
            _print(f"{name}, median", Costs(*map(median, zip(*(costs[name] for costs in rounds), strict=True))))
    sys.exit(not all(costs.exact for of_round in rounds for costs in of_round.values()))


class Costs(NamedTuple):
    """What a case took: µs an event and their ratios to the ordinary case, CPU seconds of start-up, memory."""

    cpu_us: float
    cpu_ratio: float
    clock_us: float
    clock_ratio: float
    start_up_s: float
    peak_mb: float
    exact: float


def _print(name: str, costs: Costs) -> None:
    cpu, by_clock = f"{costs.cpu_us:.1f} | {costs.cpu_ratio:.2f}", f"{costs.clock_us:.1f} | {costs.clock_ratio:.2f}"
    exact = "yes" if costs.exact else "**no**"
    print(f"| {name} | {cpu} | {by_clock} | {costs.start_up_s:.1f} | {costs.peak_mb:.0f} | {exact} |", flush=True)


def _round(workload: Path, arguments: argparse.Namespace) -> dict[str, Costs]:
    """Each case once, the ordinary one first."""
    found: dict[str, Costs] = {}
    for name, line in cases(arguments.accounts).items():
        if name != "ordinary" and not any(part in name for part in arguments.cases.split(",")):
            continue
        with tempfile.TemporaryDirectory(dir=workload.parent) as own:
            file = Path(own, "events.jsonl")
            _write(workload, file, line)
            costs, faults = _measured(name, file, Path(own), arguments)
        ordinary = found.get("ordinary", costs)
        found[name] = costs._replace(
            cpu_ratio=costs.cpu_us / ordinary.cpu_us, clock_ratio=costs.clock_us / ordinary.clock_us
        )
        _print(name, found[name])
        print(*faults[:3], sep="\n", end="\n" if faults else "", flush=True)
    return found


def _measured(name: str, file: Path, own: Path, arguments: argparse.Namespace) -> tuple[Costs, list[str]]:
    """(What the case took, what is wrong)."""
    target = Target(f"sqlite:///{own}/counts.db", {})
    with _definitions(name, own, arguments.accounts) as (definitions, account):
        first = own / "first.jsonl"
        with file.open(encoding="ascii") as lines:
            first.write_text(next(lines), encoding="ascii")
        start_up, _ = _run(first, Target(f"sqlite:///{own}/first.db", {}), definitions, account, arguments.workers)
        measured, summary = _run(file, target, definitions, account, arguments.workers)
    rows = daycount.read_rows(target) if account else _rows_of_all(target)
    faults = compare(truth_of(file), rows)
    cpu_us, clock_us = (
        (whole - first_event) / summary["events"] * 1e6
        for whole, first_event in ((measured.cpu_s, start_up.cpu_s), (measured.seconds, start_up.seconds))
    )
    return Costs(cpu_us, 1.0, clock_us, 1.0, start_up.cpu_s, measured.peak_rss_mb, not faults), faults


def _run(file: Path, target: Target, definitions: str, account: str | None, workers: int) -> tuple[Measured, Any]:
    words = ["--input", str(file), "--workers", str(workers), "--json", "--store", target.store]
    words += ["--definitions", definitions, *(["--account", account] if account else [])]
    measured = measure([sys.executable, "-m", "pipeline", "run", *words])
    if measured.code:
        raise SystemExit(f"daycount run ended with {measured.code}: {measured.stderr.strip().splitlines()[-1:]}")
    return measured, json.loads(measured.stdout.splitlines()[-1])


@contextmanager
def _definitions(name: str, own: Path, accounts: int) -> Iterator[tuple[str, str | None]]:
    """Where the case's definitions are, and the account that its input is of (None: each record says)."""
    if "accounts" not in name:
        yield str(DEFINITIONS), "bench"
        return
    metrics = yaml.safe_load(DEFINITIONS.read_text(encoding="utf-8"))["metrics"]
    never = [
        {**metric, "id": f"{metric['id']}_never", "where": {**metric["where"], "properties.never": n}}
        for n, metric in enumerate(metrics[: _METRICS_PER_ACCOUNT - len(metrics)])
    ]
    fields = {f"metric:{metric['id']}": json.dumps(metric) for metric in [*metrics, *never]}
    settings = json.dumps({"timezone": "UTC", "visitor": ["anonymousId"], "fanout": 1})
    with embedded_redis(own / "redis", durable=False) as url, redis.Redis.from_url(url) as client:
        for first in range(0, accounts, 500):
            pipe = client.pipeline(transaction=False)
            for n in range(first, min(first + 500, accounts)):
                pipe.hset(f"definitions:a{n:05d}", mapping={"settings": settings, **fields})
            pipe.execute()
        yield url, None


def _rows_of_all(target: Target) -> list[Row]:
    """The rows over all accounts and slots: a visitor is of one account, so everything adds up."""
    metrics = load_file(str(DEFINITIONS)).accounts["bench"].metrics
    with closing(open_store(target.store)) as store:
        cells = [(row, *cell) for row, of_row in store.scan("counters", b"a").items() for cell in of_row]
    sums: dict[tuple[str, str, str], Any] = {}
    for row, qualifier, value in cells:
        account_metric, month = row.decode().rpartition("#")[::2]
        metric = account_metric.partition("#")[2].partition("@")[0]
        key = layout.parse_counter_qualifier(qualifier)
        if key.kind == layout.DAY and metric in METRICS and bool(key.breakdown) == (metric in BREAKDOWNS):
            of = (metric, key.value, f"{month}-{key.day:02d}")
            totals = layout.unpack_totals(value)[: len(columns(metrics[metric].measures))]
            sums[of] = sums[of] + totals if of in sums else totals
    return [_row(of, totals, metrics[of[0]].measures) for of, totals in sums.items()]


def _row(of: tuple[str, str, str], totals: Any, measures: Sequence[Any]) -> Row:
    numbers = {m.name: measure_value(columns(measures), totals, m) for m in measures}
    return Row._make([*of, *(numbers[m] for m in SUMMED[:3]), *(Decimal(numbers.get(m) or 0) for m in SUMMED[3:])])


if __name__ == "__main__":
    main()

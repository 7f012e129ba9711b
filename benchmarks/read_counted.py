"""The same numbers from Daycount and from ClickHouse on raw events: one workload, counted, served and asked both ways."""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.daycount import DEFINITIONS, Target, run
from benchmarks.ingest import workload_file
from benchmarks.processes import ROOT
from benchmarks.read_load import Load, ask, drive
from benchmarks.read_raw import CONDITIONS
from benchmarks.read_server import serving

SPAN = ["2026-10-01", "2026-10-30"]  # of the workload
REQUESTS = 500


@dataclass(frozen=True, slots=True)
class Counted:
    """What one number of events came to. `raw`: ClickHouse's figures by clients; None: it is not installed."""

    events: int
    loads: list[Load]
    raw: list[dict[str, float]] | None
    exact: bool | None


def measure_counted(events: int, data: Path, clients: Sequence[int], seconds: float, clickhouse: str | None) -> Counted:
    """Count that many events of the workload, serve them, and ask. clickhouse: a Python that has chdb."""
    file = workload_file(data, events)
    store = data / f"read-{events}.db"
    for path in data.glob(store.name + "*"):
        path.unlink()
    url = f"sqlite:///{store}"
    run(file, Target(url, {}), workers=1)
    bodies = data / "counted.bodies"
    bodies.write_text("".join(json.dumps(body) + "\n" for body in _bodies()))
    with serving(url, DEFINITIONS, {}) as server:
        drive(server.url, bodies, 10, seconds)  # so that all begin with what is held
        loads = [drive(server.url, bodies, number, seconds) for number in clients]
        totals = ask(server.url, {"metrics": [f"{metric}.count" for metric in CONDITIONS], "date_range": SPAN})
    raw = _clickhouse(clickhouse, file, seconds) if clickhouse else None
    if raw is None:
        return Counted(events, loads, None, None)
    counts = dict(zip(CONDITIONS, totals["results"][0]["metrics"], strict=True))
    return Counted(events, loads, raw[1:], counts == raw[0]["totals"])


def has_clickhouse(python: str) -> bool:
    """Whether this Python has chdb."""
    return subprocess.run([python, "-c", "import chdb"], capture_output=True, check=False).returncode == 0


def _bodies() -> Iterator[dict[str, Any]]:
    """What `read_raw` asks of its table: counts and visitors by day, of 1 to 5 metrics."""
    draw = random.Random(1)
    for _ in range(REQUESTS):
        metrics = draw.sample(list(CONDITIONS), draw.randint(1, 5))
        names = [f"{metric}.{measure}" for metric in metrics for measure in ("count", "daily_uniques")]
        yield {"metrics": names, "date_range": SPAN, "dimensions": ["time:day"]}


def _clickhouse(python: str, file: Path, seconds: float) -> list[dict[str, Any]]:
    program = ROOT / "benchmarks" / "read_raw.py"
    command = [python, program, file, "--clients", "1,10,40", "--seconds", f"{seconds:g}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    if done.returncode:
        raise SystemExit(f"ClickHouse failed: {done.stderr.strip().splitlines()[-1:]}")
    return [json.loads(line) for line in done.stdout.splitlines()]

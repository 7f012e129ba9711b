"""What `daycount run` counted is what `daycount query` answers, in every shape of rows."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

BERLIN = ZoneInfo("Europe/Berlin")
COUNTRY = "context.location.country"
DEFINITIONS = """
account: acme
settings: {timezone: Europe/Berlin}
metrics:
  - id: orders
    where: {event: Order Completed}
    measures:
      number: {aggregate: count}
      value: {aggregate: sum, field: properties.total}
      least: {aggregate: min, field: properties.total}
      most: {aggregate: max, field: properties.total}
    breakdowns: [context.location.country]
"""
# Four days around the end of summer time, every 50 minutes; totals are eighths, so that floats hold them exactly.
TIMES = [datetime(2025, 10, 24, tzinfo=UTC) + timedelta(minutes=50 * i) for i in range(115)]
EVENTS = [
    {
        "messageId": f"m{i}",
        "type": "track",
        "event": "Order Completed",
        "anonymousId": f"v{i % 7}",
        "timestamp": time.isoformat(),
        "properties": {"total": (i * 37 % 101 - 20) / 8},
        "context": {"location": {"country": ["DE", "IN", "FR"][i % 3]}},
    }
    for i, time in enumerate(TIMES)
]


def key_of(time: datetime, unit: str) -> str:
    local = time.astimezone(BERLIN)
    if unit == "time:hour":
        return local.replace(minute=0).isoformat()
    if unit == "time:week":
        return max(local.date() - timedelta(local.weekday()), datetime(2025, 10, 24).date()).isoformat()
    return local.date().replace(day=1 if unit == "time:month" else local.day).isoformat()


def expected(unit: str | None, by_country: bool) -> dict[tuple[str, ...], list[float]]:
    totals: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for event, time in zip(EVENTS, TIMES, strict=True):
        country = (event["context"]["location"]["country"],) if by_country else ()  # type: ignore[index]
        totals[((key_of(time, unit),) if unit else ()) + country].append(event["properties"]["total"])  # type: ignore[index]
    return {key: [len(all_), sum(all_), min(all_), max(all_)] for key, all_ in totals.items()}


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("run")
    (folder / "definitions.yaml").write_text(DEFINITIONS)
    (folder / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in EVENTS))
    named = ["--store", f"sqlite:///{folder}/numbers.db", "--definitions", f"{folder}/definitions.yaml"]
    run = ["run", "--input", f"{folder}/events.jsonl", "--account", "acme", *named]
    subprocess.run([sys.executable, "-m", "pipeline", *run], check=True, capture_output=True, timeout=120)
    return named


@pytest.mark.parametrize("unit", [None, "time:hour", "time:day", "time:week", "time:month"])
@pytest.mark.parametrize("by_country", [False, True])
def test_every_shape_of_rows_says_what_was_counted(places: list[str], unit: str | None, by_country: bool) -> None:
    dimensions = [*([unit] if unit else []), *([COUNTRY] if by_country else [])]
    asked = [f"orders.{name}" for name in ("number", "value", "least", "most")]
    command = ["query", *asked, *places, "--from", "2025-10-24", "--to", "2025-10-28", "--format", "csv"]
    if dimensions:
        command += ["--dimensions", ",".join(dimensions)]
    done = subprocess.run([sys.executable, "-m", "readers", *command], check=True, capture_output=True, timeout=60)
    rows = list(csv.reader(io.StringIO(done.stdout.decode())))[1:]
    width = len(dimensions)
    counted = {tuple(r[:width]): [float(n) for n in r[width:]] for r in rows if r[width] != "0"}
    assert counted == expected(unit, by_country)
    if unit == "time:hour" and not by_country:
        assert len(rows) == 5 * 24 + 1

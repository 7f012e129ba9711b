"""Daycount as its user calls it: `run` on a file, and `query` for the rows it committed."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from benchmarks.processes import Measured, measure
from benchmarks.rows import BREAKDOWNS, METRICS, Row, measures_of

DEFINITIONS = Path(__file__).with_name("definitions.yaml")
_FIRST_DAY, _LAST_DAY = "2026-10-01", "2026-10-31"


class RunFailed(Exception):
    """A command of Daycount's did not end well; says which and why."""


@dataclass(frozen=True, slots=True)
class Target:
    """A store, and what the environment must say for it to be reached."""

    store: str
    environment: Mapping[str, str]


def run(file: Path, target: Target, workers: int, definitions: Path = DEFINITIONS) -> tuple[Measured, dict[str, Any]]:
    """Count `file` into the store. Returns the process's cost and the run's own summary."""
    command = ["--input", str(file), "--workers", str(workers), "--json"]
    measured = _daycount("run", command, target, definitions)
    return measured, _last_json(measured.stdout)


def read_rows(target: Target) -> list[Row]:
    """All rows of the store, days without events as zeros."""
    plain = [metric for metric in METRICS if metric not in BREAKDOWNS]
    rows = _ask(plain, "time:day", target)
    for metric, path in BREAKDOWNS.items():
        rows += _ask([metric], f"time:day,{path}", target)
    return rows


def _ask(metrics: list[str], dimensions: str, target: Target) -> list[Row]:
    names = [f"{metric}.{measure}" for metric in metrics for measure in measures_of(metric)]
    span = ["--from", _FIRST_DAY, "--to", _LAST_DAY]
    answer = _daycount("query", [*names, *span, "--dimensions", dimensions, "--format", "json"], target, DEFINITIONS)
    rows = []
    for result in json.loads(answer.stdout, parse_float=Decimal)["results"]:
        day, *value = result["dimensions"]
        numbers = dict(zip(names, result["metrics"], strict=True))
        rows += [_row(metric, value[0] if value else "", day, numbers) for metric in metrics]
    return rows


def _row(metric: str, series: str, day: str, numbers: Mapping[str, int | Decimal]) -> Row:
    counts = (numbers[f"{metric}.{measure}"] for measure in ("count", "uniques", "daily_uniques"))
    sums = (Decimal(numbers.get(f"{metric}.{measure}", 0)) for measure in ("sum_total", "sum_quantity"))
    return Row._make([metric, series, day, *counts, *sums])


def _daycount(command: str, arguments: list[str], target: Target, definitions: Path) -> Measured:
    common = ["--account", "bench", "--store", target.store, "--definitions", str(definitions)]
    measured = measure([sys.executable, "-m", "pipeline", command, *arguments, *common], target.environment)
    if measured.code:
        reason = (measured.stderr.strip() or measured.stdout.strip() or "no message").splitlines()[-1]
        raise RunFailed(f"daycount {command} ended with {measured.code}: {reason}")
    return measured


def _last_json(text: str) -> dict[str, Any]:
    """The JSON object that the output ends with, on one line or several."""
    lines = text.splitlines()
    for first in reversed(range(len(lines))):
        try:
            value = json.loads("\n".join(lines[first:]))
        except ValueError:
            continue
        if isinstance(value, dict):
            return value
    raise RunFailed(f"daycount run printed no summary but: {text[-200:]!r}")

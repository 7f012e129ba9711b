"""Owns the retail month for tests: a month of real transactions, its definitions and the numbers that must come out."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.support.daycount import named
from tests.support.missing import missing

FOLDER = Path(__file__).parents[2] / "../shared/data/online-retail-2010-12"
DEFINITIONS = str(Path(__file__).with_name("retail_definitions.yaml"))
METRICS = ("completed", "refunded", "anonymous", "sold", "taken_back", "big")
MONTH = {"from_": "2010-12-01", "to": "2010-12-31"}
# `buyers_daily` doesn't add up over days, so only a daily answer has it.
DAILY_ONLY = ("buyers_daily",)

Query = Callable[..., Mapping[str, Any]]


def retail_folder() -> Path:
    """Where the data is. Absent: a skip that says so; a failure where `CI` is set."""
    if not FOLDER.is_dir():
        missing(f"the retail month is not on this machine: expected at {FOLDER}")
    return FOLDER.resolve()


def retail_files() -> list[Path]:
    return [retail_folder() / "orders.jsonl.gz", retail_folder() / "lines.jsonl.gz"]


def retail_lines(*names: str) -> list[bytes]:
    """The records of these files ("orders", "lines"; both without names), one after the other."""
    folder = retail_folder()
    texts = [gzip.decompress((folder / f"{name}.jsonl.gz").read_bytes()) for name in names or ("orders", "lines")]
    return [line for text in texts for line in text.splitlines()]


def truth() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((retail_folder() / "truth.json").read_text())
    return found


def check_everything(query: Query) -> None:
    """Every number of the truth. query: asks for metrics with the options of `daycount query` as words."""
    check_days(query)
    check_totals(query)
    check_countries(query)


def check_days(query: Query, metrics: tuple[str, ...] = METRICS) -> None:
    """All days of the month, those without an event too. The measures of other metrics are left out."""
    rows = named(query(*metrics, **MONTH, dimensions="time:day"))
    expected = truth()["days"]
    days = [str(date(2010, 12, 1) + timedelta(n)) for n in range(31)]
    assert list(rows) == [(day,) for day in days]
    for day in days:
        _compare(day, rows[(day,)], expected.get(day, {}))


def check_totals(query: Query) -> None:
    [row] = named(query(*METRICS, **MONTH)).values()
    _compare("in total", row, truth()["totals"])
    assert len(row) == len(truth()["totals"]) - len(DAILY_ONLY)


def check_countries(query: Query) -> None:
    asked = ("completed.orders", "completed.revenue")
    rows = named(query(*asked, **MONTH, dimensions="context.location.country"))
    expected = truth()["orders_by_country"]
    assert {country for (country,) in rows} == set(expected)
    for (country,), row in rows.items():
        _compare(country, row, expected[country])


def _compare(where: str, row: Mapping[str, Any], expected: Mapping[str, str]) -> None:
    told = {name.partition(".")[2]: _decimal(number) for name, number in row.items()}
    assert told == {name: Decimal(expected.get(name, "0")) for name in told}, where


def _decimal(number: Any) -> Decimal:
    """As it was written: a number that went through a float would not have passed `exactly` as a Decimal."""
    assert isinstance(number, int | Decimal)
    return Decimal(number)

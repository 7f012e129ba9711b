"""`daycount query` and `daycount serve` as a user types them, in processes of their own."""

from __future__ import annotations

import csv
import io
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from pipeline.definitions.source import open_definitions
from pipeline.store.sqlite import SqliteStore
from tests.support.counters import Counters

DEFINITIONS = """
account: acme
metrics:
  - id: big_orders
    where: {event: Order Completed}
    measures:
      orders: {aggregate: count}
      daily: {aggregate: count, once_per: visitor_day}
      revenue: {aggregate: sum, field: properties.total}
      least: {aggregate: min, field: properties.total}
    breakdowns: [context.location.country]
"""
RANGE = ["--from", "2026-10-01", "--to", "2026-10-02"]


@pytest.fixture
def places(tmp_path: Path) -> list[str]:
    """The options that name a store with two days of orders, and its definitions."""
    file = tmp_path / "definitions.yaml"
    file.write_text(DEFINITIONS)
    metric = open_definitions(str(file)).read().accounts["acme"].metrics["big_orders"]
    store = SqliteStore(tmp_path / "numbers.db")
    counters = Counters(store)
    counters.day(metric, "2026-10-01", {"orders": 2, "revenue": "1846498.003", "least": "-1.5"})
    for value in ("=DE", "FR"):
        counters.day(metric, "2026-10-01", {"orders": 1}, breakdown="context.location.country", value=value)
    store.close()
    return ["--store", f"sqlite:///{tmp_path}/numbers.db", "--definitions", str(file)]


def daycount(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "readers", *arguments], capture_output=True, text=True, timeout=60)


def test_a_query_is_a_table_by_default(places: list[str]) -> None:
    done = daycount("query", "big_orders", *RANGE, "--dimensions", "time:day", *places)
    assert done.returncode == 0 and done.stderr == ""
    lines = done.stdout.splitlines()
    assert "big_orders.revenue" in lines[1]
    assert [cell.strip() for cell in lines[3].strip("│").split("│")] == ["2026-10-01", "0", "-1.5", "2", "1846498.003"]
    assert lines[-1] == "acme, 2026-10-01 to 2026-10-02 (UTC)"


def test_csv_has_a_header_of_dimensions_and_metrics(places: list[str]) -> None:
    asked = ["query", "big_orders.orders", "big_orders.least", *RANGE, "--format", "csv", *places]
    done = daycount(*asked, "--dimensions", "context.location.country", "--filter", "context.location.country==DE")
    assert list(csv.reader(io.StringIO(done.stdout))) == [
        ["context.location.country", "big_orders.orders", "big_orders.least"],
        ["=DE", "1", ""],
    ]


def test_json_is_the_body_of_the_api(places: list[str]) -> None:
    done = daycount("query", "big_orders", *RANGE, "--format", "json", "--compare", "previous_period", *places)
    body = json.loads(done.stdout)
    assert done.stderr == ""
    assert body["query"]["metrics"] == ["big_orders.least", "big_orders.orders", "big_orders.revenue"]
    assert body["results"][0]["comparison"] == {"metrics": [None, 0, 0], "change": [None, None, None]}
    assert "1846498.003" in done.stdout


def test_what_was_left_out_is_said_beside_the_table(places: list[str]) -> None:
    done = daycount("query", "big_orders", *RANGE, *places)
    assert done.returncode == 0
    assert done.stderr.startswith("daycount: big_orders.daily is left out")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["query", "big_orders.nope"], "known measures"),
        (["query", "big_orders.orders", "--range", "fortnight"], "90d"),
        (["query", "big_orders.orders", "--from", "2026-10-01"], "to"),
        (["query", "big_orders.orders", "--limit", "many"], "limit"),
        (["query", "big_orders.orders", "--account", "other"], "other"),
        (["query", "big_orders.orders", "--store", "sqlite:////nowhere/numbers.db"], "no store"),
        (["query"], "METRIC"),
        (["serve"], "--no-auth"),
        (["serve", "--no-auth", "--host", "0.0.0.0"], "--no-auth"),
        (["serve", "--no-auth", "--host", "nowhere.invalid"], "--host"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(places: list[str], arguments: list[str], word: str) -> None:
    done = daycount(arguments[0], *places, *arguments[1:])
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1 and done.stderr.startswith("daycount: ") and word in done.stderr


@contextmanager
def serving(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "readers", "serve", *arguments]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert server.stdout is not None and server.stderr is not None
    try:
        line = server.stdout.readline()
        assert line.startswith("Daycount is serving on http://"), server.stderr.read()
        yield server, line.split()[-1]
    finally:
        server.kill()
        server.communicate()


def test_a_real_server_answers_until_it_is_told_to_stop(places: list[str]) -> None:
    with serving("--no-auth", "--port", "0", *places) as (server, address):
        query = {"metrics": ["big_orders.revenue"], "date_range": ["2026-10-01", "2026-10-31"]}
        answer = httpx.post(f"{address}/v1/query", json=query, timeout=60)
        assert b'"metrics":[1846498.003]' in answer.content
        assert httpx.get(f"{address}/readyz", timeout=60).status_code == 200
        assert httpx.get(f"{address}/", timeout=60).status_code == 200
        server.send_signal(signal.SIGTERM)
        out, err = server.communicate(timeout=60)
    assert server.returncode == 0
    assert (out, err) == ("", "")


def test_a_port_in_use_is_one_line_and_exit_2(places: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = daycount("serve", "--no-auth", "--port", port, *places)
    assert done.returncode == 2
    assert done.stderr.startswith(f"daycount: can't listen on 127.0.0.1:{port}") and len(done.stderr.splitlines()) == 1

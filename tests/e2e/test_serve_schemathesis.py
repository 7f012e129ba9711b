"""Requests that schemathesis makes up from the API's document: no failure, and no answer that the document doesn't say."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from readers.openapi import document
from readers.query.plan import TIMES
from tests.support.collecting import create_key
from tests.support.serving import COUNTRY, ORDERS, VARIATION, ReaderProcess, put_definitions, serving, write_small_store

EXAMPLES_MAX = 40
OPTIONS = [
    *("--phases", "examples,coverage,fuzzing", "--max-examples", str(EXAMPLES_MAX), "--generation-deterministic"),
    # What fits the document may still be refused: it knows neither the metrics nor which of them can be added up.
    *("--exclude-checks", "positive_data_acceptance", "--continue-on-failure", "--no-color", "--warnings", "off"),
]  # fmt: skip
NAMES = ["big_orders", *(f"big_orders.{measure}" for measure in ORDERS["measures"])]  # type: ignore[attr-defined]
DIMENSIONS = [*TIMES, COUNTRY, VARIATION]
ANSWERED = re.compile(r'daycount_http_requests_total\{method="(\w+)",route="([^"]+)",status="(\d+)"\} (\d+)')


@pytest.fixture
def reader(tmp_path: Path, redis_url: str) -> Iterator[tuple[ReaderProcess, str]]:
    """A service with keys, and one that may do everything."""
    store, _ = write_small_store(tmp_path)
    put_definitions(redis_url)
    key = create_key(redis_url, "acme", "write")
    with serving("--store", store, "--definitions", redis_url) as running:
        yield running, key


def run_schemathesis(url: str, key: str, path: Path, described: dict[str, Any], *more: str) -> str:
    """What it prints, if it has found nothing."""
    path.write_text(json.dumps(described))
    command = [
        sys.executable,
        "-m",
        "schemathesis.cli",
        "run",
        str(path),
        "--url",
        url,
        "-H",
        f"Authorization: Bearer {key}",
    ]
    done = subprocess.run([*command, *OPTIONS, *more], cwd=path.parent, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr
    return done.stdout


def answered(reader: ReaderProcess) -> dict[tuple[str, str, int], int]:
    """How many answers there were: method, route, status."""
    found = ANSWERED.findall(httpx.get(f"{reader.url}/metrics", timeout=60).text)
    return {(method, route, int(status)): int(count) for method, route, status, count in found}


def assert_sound(reader: ReaderProcess) -> None:
    assert not any(status >= 500 for _, _, status in answered(reader))
    assert reader.end() == 0
    assert not any("Traceback" in line for line in reader.said), "".join(reader.said)


def test_whatever_the_document_describes_is_answered_as_it_says(reader: tuple[ReaderProcess, str], tmp_path: Path) -> None:
    running, key = reader
    run_schemathesis(running.url, key, tmp_path / "openapi.json", document())
    assert {200, 400, 401, 403, 405, 415} <= {status for _, _, status in answered(running)}
    assert_sound(running)


def test_so_are_queries_that_know_the_metrics(reader: tuple[ReaderProcess, str], tmp_path: Path) -> None:
    running, key = reader
    run_schemathesis(
        running.url, key, tmp_path / "openapi.json", knowing(document()), "--mode", "positive", "--exclude-method", "DELETE"
    )
    counts = answered(running)
    for method, route in [
        ("POST", "/v1/query"),
        ("GET", "/v1/query"),
        ("GET", "/v1/metrics/{id}"),
        ("PUT", "/v1/metrics/{id}"),
        ("PUT", "/v1/layers/{id}"),
        ("POST", "/v1/assign"),
        ("GET", "/v1/allocations"),
    ]:
        assert counts.get((method, route, 200), 0) > 0, f"{method} {route}: {counts}"
    assert_sound(running)


def knowing(described: dict[str, Any]) -> dict[str, Any]:
    """The document for somebody who knows what there is, and leaves the account to the key."""
    query = described["components"]["schemas"]["Query"]["properties"]
    del query["account"]
    query["metrics"]["items"] = {"enum": NAMES}
    query["dimensions"]["anyOf"][0]["items"] = {"enum": DIMENSIONS}
    query["order_by"]["anyOf"][0]["items"]["prefixItems"][0] = {"enum": [*NAMES, *DIMENSIONS]}
    described["components"]["schemas"]["Filter"]["prefixItems"][1] = {"enum": [COUNTRY, VARIATION]}
    flat, metric = described["paths"]["/v1/query"]["get"], described["paths"]["/v1/metrics/{id}"]
    known = {"metrics": {"type": "array", "items": {"enum": NAMES}, "minItems": 1}, "date_range": {"enum": ["7d", "month"]}}
    for parameter in flat["parameters"]:
        parameter["schema"] = known.get(parameter["name"], parameter["schema"])
    flat["parameters"] = [p for p in flat["parameters"] if p["name"] in (*known, "limit", "offset", "dimensions")]
    metric["parameters"] = [{**metric["parameters"][0], "schema": {"enum": ["big_orders", "orders"]}}]
    return described

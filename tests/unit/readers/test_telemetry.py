"""What the service tells Prometheus of itself: by route and never by address, and nothing of accounts."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pipeline.model.layout import META_COMPLETE
from readers.app import create_app
from readers.auth import NoAuth
from readers.stores import Stores
from readers.telemetry import DECLARED
from tests.support.http_client import TestClient
from tests.unit.readers.conftest import NOW, Desk
from tests.unit.readers.test_http import QUERY, BrokenStore, House, open_house


@pytest.fixture
def house(desk: Desk) -> Any:
    house = open_house(desk.store, NoAuth(), "acme")
    with house.client:
        yield house


def told(client: TestClient) -> dict[tuple[str, ...], float]:
    """(name, label values…) -> value."""
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {(s.name, *(v for _, v in sorted(s.labels.items()))): s.value for family in families for s in family.samples}


def test_requests_are_counted_by_route_method_and_status(house: House) -> None:
    house.post()
    house.post({"metrics": ["nope"], "date_range": "7d"})
    house.client.get("/v1/metrics/big_orders")
    house.client.get("/v1/metrics/nope")
    house.client.get("/secret/of/acme")
    house.client.request("BREW", "/v1/query")
    found = {key[1:]: n for key, n in told(house.client).items() if key[0] == "daycount_http_requests_total"}
    assert found == {
        ("POST", "/v1/query", "200"): 1,
        ("POST", "/v1/query", "400"): 1,
        ("GET", "/v1/metrics/{id}", "200"): 1,
        ("GET", "/v1/metrics/{id}", "404"): 1,
        ("GET", "other", "404"): 1,
        ("other", "/v1/query", "405"): 1,
    }
    assert told(house.client)["daycount_http_request_seconds_count", "POST", "/v1/query"] == 2


def test_no_account_metric_or_address_is_in_it(house: House) -> None:
    house.post({**QUERY, "account": "acme"})
    house.client.get("/v1/metrics/big_orders?account=acme")
    text = house.client.get("/metrics").text
    assert "acme" not in text and "big_orders" not in text
    assert house.client.get("/metrics").headers["content-type"].startswith("text/plain; version=0.0.4")


def test_every_name_is_declared(house: House) -> None:
    house.post()
    families = {f.name for f in text_string_to_metric_families(house.client.get("/metrics").text)}
    own = {name for name in families if name.startswith("daycount_") and not name.endswith("_created")}
    assert own == {one.name.removesuffix("_total") for one in DECLARED}
    assert {name.partition("_")[0] for name in families} == {"daycount", "process"}


def test_what_is_refused_and_what_the_store_does_not_answer_is_counted(desk: Desk, tmp_path: Path) -> None:
    house = open_house(BrokenStore(tmp_path / "broken.db"), NoAuth(), "acme")
    with house.client:
        house.post()
        assert told(house.client)["daycount_store_errors_total",] == 1
    full = TestClient(create_app(replace(house.service, stores=Stores(lambda: pytest.fail("no"), 1, -1))))
    assert full.post("/v1/query", json=QUERY).status_code == 503
    found = told(full)
    assert (found["daycount_queries_refused_total",], found["daycount_store_errors_total",]) == (1, 0)


def test_it_tells_how_old_the_definitions_and_how_far_behind_the_numbers_are(house: House, desk: Desk) -> None:
    found = told(house.client)
    assert found["daycount_definitions_age_seconds",] == 0
    assert re.search("daycount_complete_until_lag_seconds NaN", house.client.get("/metrics").text)
    desk.store.put_meta(META_COMPLETE, {b"until": (NOW - timedelta(seconds=90)).isoformat().encode()})
    assert told(house.client)["daycount_complete_until_lag_seconds",] == 90
    assert found["daycount_http_requests_in_progress",] == 1  # this one


def test_a_failure_is_a_500_in_it_too(house: House) -> None:
    def broken() -> Any:
        raise RuntimeError

    app = create_app(replace(house.service, now=broken))
    client = TestClient(app, raise_server_exceptions=False)
    assert client.post("/v1/query", json=QUERY).status_code == 500
    app.state.service = house.service
    assert told(client)["daycount_http_requests_total", "POST", "/v1/query", "500"] == 1

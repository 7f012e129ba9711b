"""Grafana's files in deploy/: each query of the dashboard is asked of a real service, and has the columns that are named."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.support.dashboard_site import Site, serving
from tests.support.daycount import Shop, write_lines
from tests.support.shop_month import order
from tests.support.tree import ROOT

GRAFANA = ROOT / "deploy" / "grafana"
DASHBOARD = json.loads((GRAFANA / "dashboards" / "shop.json").read_text())
SOURCE = yaml.safe_load((GRAFANA / "provisioning" / "datasources" / "daycount.yaml").read_text())["datasources"][0]
TARGETS = [(panel["title"], target) for panel in DASHBOARD["panels"] for target in panel["targets"]]
HERO = {"experimentName": "Homepage Hero CTA", "variationName": "Join"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The demo's shop with one event of each kind, of yesterday: in its own time zone that is no day to come either."""
    folder = tmp_path_factory.mktemp("shop")
    shop = Shop(f"sqlite:///{folder}/numbers.db", str(ROOT / "pipeline" / "demo" / "shop.yaml"))
    shop.run(write_lines(folder / "events.jsonl", [*_events(datetime.now(UTC) - timedelta(days=1)), "not JSON"]))
    with serving(shop, "--no-auth") as site:
        yield site


def _events(at: datetime) -> Iterator[dict[str, Any]]:
    for number, name in enumerate(["Order Completed", "Product Viewed", "Products Searched", "Experiment Viewed"]):
        yield {**order(f"m-{number}", at, 20.0, **HERO), "event": name}
    yield {**order("m-page", at, 0.0), "type": "page", "event": None}


def asked(target: dict[str, Any]) -> str:
    """The address of a query over the last 30 days, its variables filled in as Grafana does."""
    now = datetime.now(UTC)
    days = {"from": now - timedelta(days=29), "to": now}
    return re.sub(r"\$\{__(from|to):date:YYYY-MM-DD\}", lambda m: days[m[1]].date().isoformat(), target["url"])


@pytest.mark.parametrize(("title", "target"), TARGETS, ids=[title for title, _ in TARGETS])
def test_a_panel_asks_what_the_service_answers(site: Site, title: str, target: dict[str, Any]) -> None:
    url = asked(target)
    assert url.startswith("/v1/query?") and "$" not in url
    answer = httpx.get(site.address + url, timeout=60)
    assert answer.status_code == 200, answer.text
    rows = answer.json()
    assert rows and target["columns"]
    # A dot of a field's name is written with a backslash there; one without would mean a field in a field.
    names = {re.sub(r"\\\.", ".", column["selector"]) for column in target["columns"]}
    assert not any(re.search(r"(?<!\\)\.", column["selector"]) for column in target["columns"])
    assert names <= rows[0].keys()
    if target["format"] == "timeseries":
        assert all(datetime.fromisoformat(row["time"]) for row in rows)


def test_every_panel_reads_the_data_source_that_is_provisioned() -> None:
    for panel in DASHBOARD["panels"]:
        for place in (panel, *panel["targets"]):
            assert place["datasource"] == {"type": SOURCE["type"], "uid": SOURCE["uid"]}


def test_the_container_has_what_the_data_source_names() -> None:
    services = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())["services"]
    grafana = services["grafana"]
    wanted = set(re.findall(r"\$([A-Z_]+)", (GRAFANA / "provisioning" / "datasources" / "daycount.yaml").read_text()))
    assert wanted <= grafana["environment"].keys()
    assert grafana["environment"]["GF_PLUGINS_PREINSTALL"] == SOURCE["type"]
    assert grafana["environment"]["DAYCOUNT_URL"] == "http://serve:8080" and "serve" in services
    folders = [Path(volume.split(":")[0]) for volume in grafana["volumes"]]
    assert all((ROOT / "deploy" / folder).is_dir() for folder in folders)

"""The dashboard where something is missing or hostile: keys, a store that is away, no definitions, texts that are markup."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, Request, Route, expect

from tests.support.dashboard_site import Site, far_from_midnight, serving, zone_of
from tests.support.daycount import Shop, daycount, write_definitions, write_lines
from tests.support.shop_month import order

UNDER_WAY = 5  # requests of a refresh that had begun
SINCE = re.compile(r"can't be renewed.*What you see is of \d\d:\d\d:\d\d")
MARKUP = "<img src=x onerror=document.title='pwned'>"
ORDERS: dict[str, Any] = {
    "id": "orders",
    "description": f"Orders {MARKUP}",
    "where": {"event": "Order Completed"},
    "measures": {"orders": {"aggregate": "count"}},
    "breakdowns": ["properties.source"],
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("shop")
    now = far_from_midnight()
    definitions = write_definitions(folder / "shop.yaml", ORDERS, timezone=zone_of(now))
    shop = Shop(f"sqlite:///{folder}/numbers.db", definitions)
    events = [order(f"m-{i}", now, 10.0, source=MARKUP) for i in range(3)]
    shop.run(write_lines(folder / "events.jsonl", events))
    return shop


@pytest.fixture(scope="module")
def site(shop: Shop) -> Iterator[Site]:
    with serving(shop, "--no-auth") as site:
        yield site


def put_away(page: Page, asked: str = "") -> None:
    """From now on queries find no store; those only that ask for this, where it is said."""

    def away(route: Route) -> None:
        if asked not in (route.request.post_data or ""):
            return route.fallback()
        body = {"title": "Service Unavailable", "status": 503, "detail": "the numbers can't be read just now"}
        route.fulfill(status=503, content_type="application/problem+json", body=json.dumps(body))

    page.route("**/v1/query", away)


def test_while_the_store_is_away_the_last_numbers_stay_and_it_is_said_since_when(site: Site, chromium: Browser) -> None:
    with site.page(chromium, "/?metric=orders&range=day", wrong=True) as page:
        number = page.locator(".measure .number")
        expect(number).to_have_text("3")
        expect(page.locator("#main[aria-busy]")).to_have_count(0)  # the breakdown has come too
        put_away(page)
        expect(page.get_by_role("status")).to_contain_text(SINCE)
        expect(number).to_have_text("3")
        expect(page.locator(".large canvas")).to_be_visible()
        page.unroute("**/v1/query")
        page.get_by_role("button", name="Live").click()
        page.get_by_role("button", name="Paused").click()
        expect(page.get_by_role("status")).to_be_empty()


def test_numbers_that_came_before_the_store_was_away_are_told_the_time_of_too(site: Site, chromium: Browser) -> None:
    with site.page(chromium, "/?view=explain", wrong=True) as page:
        put_away(page, '"dimensions":["properties.source"]')
        page.goto(f"{site.address}/?metric=orders&range=day")
        expect(page.get_by_role("status")).to_contain_text(SINCE)
        expect(page.locator(".measure .number")).to_have_text("3")
        expect(page.locator(".ranking")).to_be_empty()


def test_where_nothing_has_come_yet_no_time_is_told(site: Site, chromium: Browser) -> None:
    with site.page(chromium, "/?view=explain", wrong=True) as page:
        put_away(page)
        page.goto(f"{site.address}/?metric=orders&range=day")
        expect(page.get_by_role("status")).to_contain_text("can't be renewed")
        expect(page.get_by_role("status")).not_to_contain_text("What you see")


def test_markup_in_events_and_definitions_is_shown_and_never_obeyed(site: Site, chromium: Browser) -> None:
    with site.page(chromium, "/?metric=orders") as page:
        expect(page.locator(".detail > p.soft")).to_have_text(f"Orders {MARKUP}")
        page.locator(".ranking a").click()
        expect(page.locator(".filtered b")).to_have_text(MARKUP)
        assert page.title() == "orders – Daycount"
    with site.page(chromium, "/?view=explain") as page:
        event = {**order("m", datetime.now(UTC), 1.0), "event": MARKUP}
        page.get_by_label("An event as JSON").fill(json.dumps(event))
        page.get_by_role("button", name="Explain").click()
        expect(page.locator(".verdict")).to_contain_text(MARKUP)
        assert page.title() == "Explain – Daycount"


SENSELESS = [
    "/?metric=nope",
    "/?metric=orders&measure=nope&by=nope&unit=eon&range=aeon",
    "/?account=nope&from=2026-02-31&to=x",
]


@pytest.mark.parametrize("address", SENSELESS)
def test_an_address_that_makes_no_sense_leads_to_a_page_that_does(site: Site, chromium: Browser, address: str) -> None:
    with site.page(chromium, address) as page:
        expect(page.locator("h1")).to_be_visible()
        expect(page.get_by_role("status")).to_be_empty()


def test_a_value_that_no_event_has_leaves_an_empty_chart_and_a_way_back(site: Site, chromium: Browser) -> None:
    with site.page(chromium, "/?metric=orders&by=properties.source&value=unseen") as page:
        expect(page.locator(".measure .number")).to_have_text("0")
        page.get_by_role("link", name="Show all", exact=True).click()
        expect(page.locator(".measure .number")).to_have_text("3")


def asked_in(page: Page, minutes: int) -> int:
    """How often the page asks for numbers while its clock goes on; answers take as long as they take."""
    asked: list[str] = []

    def count(request: Request) -> None:
        asked.append(request.url)

    page.on("request", count)
    for _ in range(minutes):
        page.clock.run_for(60_000)
    page.remove_listener("request", count)
    return len(asked)


def test_a_hidden_or_paused_page_asks_for_nothing(site: Site, chromium: Browser) -> None:
    with site.page(chromium, "/?metric=orders&range=day") as page:
        page.clock.install()
        page.reload()
        expect(page.locator(".measure .number")).to_have_text("3")
        with page.expect_request("**/v1/query"):
            page.clock.run_for(5_000)
        hidden = "Object.defineProperty(document, 'hidden', {configurable: true, get: () => %s})"
        told = "document.dispatchEvent(new Event('visibilitychange'))"
        page.evaluate(f"{hidden % 'true'}; {told}")
        assert asked_in(page, 10) <= UNDER_WAY
        with page.expect_request("**/v1/query"):
            page.evaluate(f"{hidden % 'false'}; {told}")
        page.get_by_role("button", name="Live").click()
        assert asked_in(page, 10) <= UNDER_WAY
        with page.expect_request("**/v1/query"):
            page.get_by_role("button", name="Paused").click()


def test_where_keys_are_wanted_one_is_asked_for_and_kept_in_the_tab(shop: Shop, chromium: Browser, redis_url: str) -> None:
    assert daycount("define", "push", shop.definitions, "--definitions", redis_url).returncode == 0
    made = daycount("keys", "create", "--account", "shop", "--role", "read", "--definitions", redis_url).stdout.split()[-1]
    with serving(Shop(shop.store, redis_url)) as site, site.page(chromium, "/?metric=orders", wrong=True) as page:
        page.get_by_label("API key").fill("wrong")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_have_text("this API key is not known")
        page.get_by_label("API key").fill(made)
        page.keyboard.press("Enter")
        expect(page.locator(".measure .number")).to_have_text("3")
        assert made not in page.url
        page.reload()
        expect(page.locator(".measure .number")).to_have_text("3")
        page.get_by_role("button", name="Forget key").click()
        expect(page.get_by_label("API key")).to_be_visible()
        assert page.evaluate("sessionStorage.getItem('key') === null && !JSON.stringify(localStorage).includes('dc_')")


def test_nothing_defined_yet_says_what_to_do(chromium: Browser, shop: Shop, tmp_path: Path) -> None:
    empty = Shop(shop.store, write_definitions(tmp_path / "empty.yaml"))
    with serving(empty, "--no-auth") as site, site.page(chromium) as page:
        expect(page.locator(".empty")).to_contain_text("daycount define push")


def test_files_are_kept_for_good_by_what_is_in_them_and_the_page_is_not(site: Site) -> None:
    page = httpx.get(site.address, timeout=60)
    assert page.headers["cache-control"] == "no-cache"
    assert "unsafe" not in page.headers["content-security-policy"]
    names = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)
    assert len(names) > 5
    for name in names:
        file = httpx.get(site.address + name, timeout=60)
        assert file.status_code == 200 and "immutable" in file.headers["cache-control"], name
        assert file.headers["content-encoding"] == "gzip"
    assert httpx.get(site.address, headers={"if-none-match": page.headers["etag"]}, timeout=60).status_code == 304
    assert httpx.get(f"{site.address}/static/0000000000000000/main.js", timeout=60).status_code == 404
    assert httpx.get(f"{site.address}/static/{names[0].split('/')[2]}/%2e%2e/index.html", timeout=60).status_code == 404

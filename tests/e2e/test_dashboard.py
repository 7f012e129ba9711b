"""The dashboard in a real browser, on a real service over numbers that a real run counted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.dashboard_site import PHONE, Site, far_from_midnight, fill, serving
from tests.support.daycount import write_lines
from tests.support.shop_month import FELL_DAYS_AGO, order

SEED = 20261031


@pytest.fixture(scope="module")
def site(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    now = far_from_midnight()
    with serving(fill(tmp_path_factory.mktemp("shop"), now, SEED), "--no-auth", now=now) as site:
        yield site


def days_ago(site: Site, days: int) -> date:
    """A day of the shop."""
    return (site.now - timedelta(days)).date()


def total(page: Page, measure: str) -> str:
    """The full number of a measure on a metric's page."""
    return page.locator(f".measure[data-key={measure}] .number").get_attribute("title") or ""


def counted(site: Site, metric: str, **asked: str) -> float:
    """The one number that the service gives."""
    (row,) = httpx.get(f"{site.address}/v1/query", params={"metrics": metric, **asked}, timeout=60).json()
    return float(row[metric])


def test_the_first_page_shows_every_measure_with_its_number_and_a_chart(site: Site, chromium: Browser) -> None:
    with site.page(chromium) as page:
        expect(page.locator(".tile:not(.loading) canvas")).to_have_count(8)
        tile = page.locator(".tile", has_text="revenue")
        shown = float((tile.locator(".number").get_attribute("title") or "").replace(",", ""))
        assert shown == pytest.approx(counted(site, "orders.revenue", date_range="30d"))
        expect(page.locator(".chips")).to_contain_text("2 rejected")
        expect(page.locator(".until")).to_contain_text("Complete until")


def test_who_has_never_seen_it_is_led_to_the_day_the_sales_fell(site: Site, chromium: Browser) -> None:
    with site.page(chromium) as page:
        page.locator(".tile[href*='measure=orders']").click()
        page.locator(".worth .fall a").click()
        fell = days_ago(site, FELL_DAYS_AGO)
        expect(page).to_have_url(re.compile(f"from={fell}&to={fell}"))
        expect(page.locator(".legend")).not_to_contain_text("Choose a day")
        expect(page.locator("[data-unit=hour]")).to_have_attribute("aria-pressed", "true")


def test_a_day_of_the_chart_opens_its_hours_and_back_leads_back(site: Site, chromium: Browser) -> None:
    with site.page(chromium, "/?metric=orders&measure=orders&range=7d") as page:
        chart = page.locator(".large .u-over")
        box = chart.bounding_box()
        assert box
        chart.click(position={"x": box["width"] * 2.5 / 7, "y": box["height"] / 2})
        day = days_ago(site, 4)
        expect(page).to_have_url(re.compile(f"from={day}&to={day}"))
        page.get_by_text("Numbers as a table").click()
        expect(page.locator(".as-table tbody tr")).to_have_count(24)
        page.go_back()
        expect(page.locator("[data-range='7d']")).to_have_attribute("aria-pressed", "true")
        expect(page.locator(".as-table tbody tr")).to_have_count(7)
        page.go_forward()
        expect(page.locator(".as-table tbody tr")).to_have_count(24)


def test_the_range_is_chosen_and_stands_in_the_address(site: Site, chromium: Browser) -> None:
    with site.page(chromium, "/?metric=orders&measure=orders") as page:
        page.locator("[data-range='90d']").click()
        expect(page).to_have_url(re.compile("range=90d"))
        expect_orders(page, site, date_range="90d")
        page.get_by_role("button", name="From – to").click()
        first, fell = (str(days_ago(site, days)) for days in (20, FELL_DAYS_AGO))
        page.get_by_label("From ", exact=False).first.fill(first)
        page.locator("input[name=to]").fill(fell)
        page.get_by_role("button", name="Show", exact=True).click()
        expect(page).to_have_url(re.compile(f"from={first}&to={fell}"))
        expect_orders(page, site, date_range=f"{first},{fell}")
        shared = page.url.removeprefix(site.address)
    with site.page(chromium, shared) as page:
        expect_orders(page, site, date_range=f"{first},{fell}")


def expect_orders(page: Page, site: Site, **asked: str) -> None:
    """The number of orders is that of these days, in full."""
    number = f"{int(counted(site, 'orders.orders', **asked)):,}"
    expect(page.locator(".measure[data-key=orders] .number")).to_have_attribute("title", number)


def test_days_are_compared_with_those_that_are_chosen(site: Site, chromium: Browser) -> None:
    with site.page(chromium, "/?metric=orders&measure=orders") as page:
        change = page.locator(".measure[data-key=orders] .change")
        expect(change).to_have_text(re.compile(r"[▲▼•] [+−±]\d"))
        page.get_by_label("Compare with").select_option("none")
        expect(change).to_have_text("")
        expect(page).to_have_url(re.compile("compare=none"))
        page.get_by_label("Compare with").select_option("previous_year")
        expect(page.locator(".legend")).to_contain_text(str(site.now.year - 1))


def test_a_breakdown_ranks_values_and_one_of_them_filters_the_chart(site: Site, chromium: Browser) -> None:
    with site.page(chromium, "/?metric=orders&measure=orders") as page:
        rows = page.locator(".ranking tbody tr")
        expect(rows).to_have_count(7)
        expect(page.locator(".plot.lines canvas")).to_have_count(1)
        rows.first.locator("a").click()
        expect(page).to_have_url(re.compile("value=DE"))
        german = int(counted(site, "orders.orders", filter="context.location.country=DE"))
        expect(page.locator(".measure[data-key=orders] .number")).to_have_attribute("title", f"{german}")
        page.get_by_role("link", name="Show all", exact=True).click()
        page.get_by_label("Breakdowns").get_by_text("variation name").click()
        expect(rows).to_have_count(2)
        expect(page.locator(".ranking")).to_contain_text("Count me in!")


def test_it_is_dark_where_the_system_is_and_can_be_turned(site: Site, chromium: Browser) -> None:
    with site.page(chromium, color_scheme="dark") as page:
        expect(page.locator("body")).to_have_css("background-color", "rgb(15, 18, 24)")
        page.get_by_label("Theme: as the system").click()
        expect(page.locator("body")).to_have_css("background-color", "rgb(244, 245, 248)")
        page.reload()
        expect(page.get_by_label("Theme: light")).to_be_visible()
        expect(page.locator("body")).to_have_css("background-color", "rgb(244, 245, 248)")


@pytest.mark.parametrize("path", ["/", "/?metric=orders&measure=revenue", "/?view=explain"])
def test_a_phone_shows_all_of_it_without_scrolling_sideways(site: Site, chromium: Browser, path: str) -> None:
    with site.page(chromium, path, PHONE, has_touch=True, is_mobile=True) as page:
        expect(page.locator("canvas, textarea").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_keyboard_alone_leads_from_the_first_page_to_the_hours_of_a_day(site: Site, chromium: Browser) -> None:
    with site.page(chromium) as page:
        expect(page.locator(".tile:not(.loading)")).to_have_count(8)
        page.keyboard.press("Tab")
        expect(page.locator(".skip")).to_be_focused()
        page.keyboard.press("Enter")
        tab_to(page, ".tile[href*='measure=orders']")
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_have_text("orders")
        expect(page.locator(".large canvas")).to_be_visible()
        tab_to(page, ".large .chart")
        page.keyboard.press("End")
        page.keyboard.press("ArrowLeft")
        yesterday = days_ago(site, 1)
        expect(page.locator(".large [aria-live]")).to_contain_text(f"{yesterday.day} {yesterday:%b}")
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(f"from={yesterday}&to={yesterday}"))


def tab_to(page: Page, selector: str) -> None:
    """Presses Tab until that has the focus, which must be visible on the way."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
            return
    raise AssertionError(f"Tab never came to {selector}")


def test_an_event_that_comes_in_is_shown_without_being_asked_for(site: Site, chromium: Browser, tmp_path: Path) -> None:
    with site.page(chromium, "/?metric=orders&measure=orders&range=day") as page:
        number = page.locator(".measure[data-key=orders] .number")
        expect(number).to_have_attribute("title", re.compile(r"\d"))
        before = int(total(page, "orders"))
        held = page.locator(".large canvas").element_handle()
        site.shop.run(write_lines(tmp_path / "more.jsonl", [order("one more", datetime.now(UTC), 12.5)]))
        expect(number).to_have_attribute("title", str(before + 1))
        assert held and held.evaluate("canvas => canvas.isConnected"), "the chart is changed, not made anew"


def test_what_has_not_changed_is_not_sent_again(site: Site, chromium: Browser) -> None:
    with site.page(chromium, "/?metric=orders&range=day") as page:
        with page.expect_response(lambda answer: answer.url.endswith("/v1/query") and answer.status == 304):
            pass
        expect(page.locator(".measure .number").first).to_have_attribute("title", re.compile(r"\d"))


def test_an_event_is_explained_clause_by_clause(site: Site, chromium: Browser) -> None:
    with site.page(chromium, "/?view=explain") as page:
        page.get_by_role("button", name="Explain").click()
        expect(page.locator(".verdict h2")).to_contain_text("It counts in 1 of 3 metrics")
        orders = page.locator(".judged", has_text="orders").first
        expect(orders).to_contain_text('event = "Order Completed"')
        expect(orders).to_contain_text("revenue +120")
        page.get_by_text("page views").click()
        expect(page.locator(".judged", has_text="page views")).to_contain_text('saw "track" (string)')
        page.get_by_label("An event as JSON").fill("{")
        page.get_by_role("button", name="Explain").click()
        expect(page.get_by_role("alert").last).to_contain_text("That is not JSON")


def test_the_day_on_which_a_definition_changed_is_marked(site: Site, chromium: Browser) -> None:
    with site.page(chromium, "/?metric=searches") as page:
        expect(page.locator(".legend")).to_contain_text("definition changed")
        expect(page.locator(".warnings")).to_contain_text("searches was defined otherwise before")


def test_rejected_records_are_shown_by_reason(site: Site, chromium: Browser) -> None:
    with site.page(chromium) as page:
        page.locator(".chips").get_by_role("link").click()
        expect(page.locator(".ranking tbody tr")).to_have_count(2)
        expect(page.locator(".ranking")).to_contain_text("not_json")

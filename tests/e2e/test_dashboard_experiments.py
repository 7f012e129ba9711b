"""Experiments in the dashboard, in a real browser, on a real service over exposures and goals that a real run counted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
from playwright.sync_api import Browser, Page, expect

from tests.support.dashboard_site import PHONE, Site, far_from_midnight, serving
from tests.support.daycount import daycount, write_lines
from tests.support.experiment_site import BANNER, HERO, fill_with_experiments, viewed

SEED = 20261101
MARKUP = "<img src=x onerror=document.title='pwned'>"


@pytest.fixture(scope="module")
def site(chromium: Browser, redis_server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with redis.Redis.from_url(redis_server_url) as client:
        client.flushall()
    now = far_from_midnight()
    shop = fill_with_experiments(tmp_path_factory.mktemp("experiments"), now, SEED, redis_server_url)
    with serving(shop, "--no-auth", now=now) as site:
        results(site)  # what the statistics need is imported with the first
        yield site


def results(site: Site, name: str = "hero_cta", **asked: Any) -> dict[str, Any]:
    body: dict[str, Any] = httpx.get(f"{site.address}/v1/experiments/{name}/results", params=asked, timeout=60).json()
    return body


def definition(site: Site, name: str) -> dict[str, Any]:
    body: dict[str, Any] = httpx.get(f"{site.address}/v1/experiments/{name}", timeout=60).json()
    return body


def put(site: Site, document: dict[str, Any]) -> None:
    assert httpx.put(f"{site.address}/v1/experiments/{document['id']}", json=document, timeout=60).status_code in (200, 201)


def cell(page: Page, goal: str, variation: str, label: str) -> Any:
    row = page.locator(f"[aria-label='{goal}'] tbody tr", has=page.locator("th", has_text=variation)).first
    return row.locator(f"[data-label='{label}']")


def test_the_list_says_of_each_experiment_what_to_do_and_of_each_layer_who_has_it(site: Site, chromium: Browser) -> None:
    with site.page(chromium) as page:
        page.get_by_role("link", name="Experiments").click()
        hero = page.locator(".trial[data-key=hero_cta]")
        expect(hero).to_contain_text("Ship friendly")
        expect(hero).to_contain_text("friendly is better than control in “orders buyers”")
        visitors = sum(results(site)["sample_ratio"]["observed"].values())
        expect(hero.locator(".number")).to_have_attribute("title", f"{visitors:,}")
        expect(page.locator(".trial[data-key=button_colour]")).to_contain_text("Keep it running")
        expect(page.locator(".trial[data-key=old_banner]")).to_contain_text("Not started yet")
        expect(page.locator(".layer", has_text="Layer homepage").locator(".stretch")).to_have_count(5)
        hero.click()
        expect(page.locator("h1")).to_contain_text("hero cta")


def test_the_page_says_what_to_do_why_and_what_it_rests_on(site: Site, chromium: Browser) -> None:
    answer = results(site)
    (_, friendly) = answer["goals"][0]["variations"]
    with site.page(chromium, "/?experiment=hero_cta") as page:
        verdict = page.locator(".decision")
        expect(verdict.locator("h2")).to_have_text("Ship friendly")
        expect(verdict).to_contain_text("Visitors come in the shares that were set")
        expect(verdict).to_contain_text("Guardrail cancellations visitors: not worse so far")
        expect(verdict).to_contain_text(f"{answer['excluded']['several_variations']} visitors saw several variations")
        expect(cell(page, "orders buyers", "friendly", "Visitors")).to_have_attribute("title", f"{friendly['visitors']:,}")
        expect(cell(page, "orders buyers", "friendly", "Total")).to_have_text(f"{friendly['total']}")
        expect(cell(page, "orders buyers", "friendly", "Uplift")).to_contain_text("better")
        expect(page.locator(".goal .interval .valid")).to_have_count(3)
        expect(page.locator(".goal .interval .fixed")).to_have_count(3)
        assert page.title() == "hero_cta – Daycount"


def test_intervals_over_time_are_drawn_and_stand_in_a_table(site: Site, chromium: Browser) -> None:
    days = results(site)["goals"][1]["variations"][1]["versus_control"]["over_time"]
    with site.page(chromium, "/?experiment=hero_cta") as page:
        expect(page.locator(".plot.lines canvas")).to_have_count(2)
        page.get_by_label("Goals", exact=True).get_by_text("orders revenue").click()
        expect(page).to_have_url(re.compile("goal=orders.revenue"))
        page.get_by_text("Numbers as a table").click()
        rows = page.locator(".as-table tbody tr")
        expect(rows).to_have_count(len(days))
        expect(rows.last).to_contain_text(f"+{days[-1]['difference']:.2f}")
        page.locator(".plot.lines .u-over").first.hover()
        expect(page.locator(".tip").first).to_contain_text("friendly: ")


def test_the_epoch_and_the_breakdown_stand_in_the_address(site: Site, chromium: Browser) -> None:
    first, cut = results(site, epoch=1), results(site, by="context.traits.plan")
    with site.page(chromium, "/?experiment=hero_cta") as page:
        page.get_by_label("Results of").select_option("1")
        expect(page).to_have_url(re.compile("epoch=1"))
        visitors = first["goals"][0]["variations"][0]["visitors"]
        expect(cell(page, "orders buyers", "control", "Visitors")).to_have_text(f"{visitors}")
        page.get_by_label("Results of").select_option("2")
        page.get_by_role("link", name="by plan").click()
        expect(page).to_have_url(re.compile("by=context.traits.plan"))
        expect(page.locator(".of-value h3")).to_have_text(
            [re.compile(f"^{v['value']} {sum(v['sample_ratio']['observed'].values()):,}") for v in cut["values"]]
        )


def test_a_layer_is_a_bar_of_its_buckets_for_each_time_that_they_changed_hands(site: Site, chromium: Browser) -> None:
    with site.page(chromium, "/?experiment=hero_cta") as page:
        rows = page.locator(".layer-row")
        expect(rows).to_have_count(2)
        expect(rows.first).to_contain_text("Now")
        expect(rows.first.get_by_role("group")).to_have_attribute(
            "aria-label", re.compile(r"hero_cta, control: buckets 0 to 101, 10.0 %.*free: buckets 616 to 1,023, 39.8 %")
        )
        widths = rows.first.locator(".stretch").evaluate_all("all => all.map((s) => parseFloat(s.style.width))")
        assert sum(widths) == pytest.approx(100)
        expect(page.locator(".history li")).to_have_count(2)


def test_an_experiment_is_made_in_the_form_started_ramped_and_stopped(site: Site, chromium: Browser) -> None:
    with site.page(chromium, "/?view=experiments") as page:
        page.get_by_role("link", name="New experiment").click()
        page.get_by_label("Id").fill("search_box")
        page.get_by_label("Layer", exact=True).select_option("")
        page.get_by_label("New layer").fill("search")
        page.get_by_label("Primary goal").select_option("orders.buyers")
        page.get_by_role("button", name="10 %").click()
        expect(page.locator(".preview")).to_contain_text("102 of 1,024 buckets change hands")
        page.get_by_role("button", name="Save").click()
        expect(page.locator("h1")).to_contain_text("search box")
        page.get_by_role("button", name="Start").click()
        page.get_by_role("button", name="Yes, start").click()
        expect(page.locator("h1 .badge")).to_have_text("running")
        small = definition(site, "search_box")
        assert small["allocation"] == {"control": [[0, 51]], "treatment": [[51, 102]]}
        assert small["exposure"]["where"]["properties.experimentName"] == "search_box"
        page.get_by_role("link", name="Edit").click()
        page.get_by_role("button", name="50 %").click()
        expect(page.locator(".save")).to_contain_text("a new epoch begins")
        page.get_by_role("button", name="Save").click()
        expect(page.locator(".layer-row")).to_have_count(2)
        assert definition(site, "search_box")["allocation"] == {
            "control": [[0, 51], [102, 307]],
            "treatment": [[51, 102], [307, 512]],
        }
        page.get_by_role("button", name="Stop").click()
        page.get_by_role("button", name="Yes, stop").click()
        expect(page.locator("h1 .badge")).to_have_text("stopped")
        assert definition(site, "search_box")["epochs"][-1]["allocation"] == {}
        expect(page.locator(".history li")).to_have_count(4)


def test_what_the_service_refuses_is_told_at_the_field(site: Site, chromium: Browser) -> None:
    with site.page(chromium, "/?view=edit&experiment=button_colour", wrong=True) as page:
        eligible = page.get_by_label("Who is eligible")
        eligible.fill("{")
        page.get_by_role("button", name="Save").click()
        expect(page.locator(".fault", has_text="That is not JSON")).to_be_visible()
        expect(eligible).to_be_focused()
        eligible.fill('{"country": {"$almost": "UK"}}')
        page.get_by_role("button", name="Save").click()
        expect(eligible).to_have_attribute("aria-invalid", "true")
        expect(page.locator(".fault:not(:empty)")).to_contain_text("$almost")
        eligible.fill("")
        page.get_by_label("Variation", exact=True).nth(1).fill("a b")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_label("Variation", exact=True).nth(1)).to_have_attribute("aria-invalid", "true")
        page.get_by_label("Percent", exact=True).first.fill("90")
        expect(page.locator(".preview")).to_contain_text("is free: others have the rest")
    assert definition(site, "button_colour")["eligible"] == {}


def test_a_change_on_top_of_somebody_else_s_is_refused_until_it_is_read_again(site: Site, chromium: Browser) -> None:
    put(site, {**HERO, "id": "ours", "status": "draft", "description": "one"})
    with site.page(chromium, "/?view=edit&experiment=ours", wrong=True) as page:
        expect(page.get_by_label("Description")).to_have_value("one")
        put(site, {**HERO, "id": "ours", "status": "draft", "description": MARKUP})
        page.get_by_label("Description").fill("two")
        page.get_by_role("button", name="Save").click()
        expect(page.locator(".save")).to_contain_text("has changed since it was read")
        page.get_by_role("button", name="Read it again").click()
        expect(page.get_by_label("Description")).to_have_value(MARKUP)
        page.get_by_role("button", name="Save").click()
        expect(page.locator(".experiment > p.soft")).to_have_text(MARKUP)
        assert page.title() == "ours – Daycount"


def test_the_form_is_json_too(site: Site, chromium: Browser) -> None:
    put(site, {**BANNER, "id": "as_json"})
    with site.page(chromium, "/?view=edit&experiment=as_json") as page:
        page.get_by_role("button", name="Edit as JSON").click()
        text = page.get_by_label("The definition as JSON")
        text.fill(text.input_value().replace('"status": "draft"', '"status": "draft", "description": "Written by hand"'))
        page.get_by_role("button", name="Edit as JSON").click()
        expect(page.get_by_label("Description")).to_have_value("Written by hand")
        page.get_by_role("button", name="Save").click()
        expect(page.locator(".experiment > p.soft")).to_have_text("Written by hand")
        page.get_by_role("button", name="Delete").click()
        page.get_by_role("button", name="Yes, delete").click()
        expect(page.locator(".trial[data-key=hero_cta]")).to_be_visible()
        expect(page.locator(".trial[data-key=as_json]")).to_have_count(0)


def test_numbers_renew_themselves_and_a_broken_split_is_said(site: Site, chromium: Browser, tmp_path: Path) -> None:
    with site.page(chromium, "/?experiment=button_colour") as page:
        expect(page.locator(".decision h2")).to_have_text("Keep it running")
        more = [viewed(f"late-{i}", site.now, "button_colour", "red") for i in range(400)]
        site.shop.run(write_lines(tmp_path / "more.jsonl", more))
        expect(page.locator(".decision h2")).to_have_text("These numbers can't be trusted")
        expect(page.locator(".decision")).to_contain_text("Visitors don't come in the shares that were set")


def test_a_key_that_only_reads_is_shown_no_form(site: Site, chromium: Browser) -> None:
    url = site.shop.definitions
    made = daycount("keys", "create", "--account", "shop", "--role", "read", "--definitions", url).stdout.split()[-1]
    with serving(site.shop) as guarded, guarded.page(chromium, "/?view=experiments", wrong=True) as page:
        page.get_by_label("API key").fill(made)
        page.keyboard.press("Enter")
        expect(page.locator(".trial[data-key=hero_cta]")).to_be_visible()
        expect(page.get_by_role("link", name="New experiment")).to_be_hidden()
        page.goto(f"{guarded.address}/?view=edit&experiment=hero_cta")
        expect(page.locator("h1")).to_have_text("This API key only reads")
        expect(page.get_by_role("button", name="Save")).to_be_hidden()


PAGES = ["/?view=experiments", "/?experiment=hero_cta&by=context.traits.plan", "/?view=edit&experiment=hero_cta"]


@pytest.mark.parametrize("path", PAGES)
def test_a_phone_in_the_dark_shows_all_of_it_without_scrolling_sideways(site: Site, chromium: Browser, path: str) -> None:
    with site.page(chromium, path, PHONE, has_touch=True, is_mobile=True, color_scheme="dark") as page:
        expect(page.locator(".stretch").first).to_be_visible()
        expect(page.locator("body")).to_have_css("background-color", "rgb(15, 18, 24)")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


@pytest.mark.parametrize(
    "path", ["/?experiment=nope", "/?experiment=hero_cta&by=nope&goal=nope&epoch=x", "/?experiment=old_banner"]
)
def test_an_address_that_makes_no_sense_leads_to_a_page_that_does(site: Site, chromium: Browser, path: str) -> None:
    with site.page(chromium, path, wrong="=nope" in path) as page:
        expect(page.locator("h1")).to_contain_text(re.compile("no such experiment|hero cta|old banner"))
        expect(page.get_by_role("status")).to_be_empty()


def test_an_epoch_that_there_never_was_is_told(site: Site, chromium: Browser) -> None:
    with site.page(chromium, "/?experiment=hero_cta&epoch=99", wrong=True) as page:
        expect(page.locator("#main")).to_contain_text("has no epoch 99")


def test_the_keyboard_alone_leads_from_the_list_to_another_goal(site: Site, chromium: Browser) -> None:
    with site.page(chromium, "/?view=experiments") as page:
        page.locator(".trial[data-key=hero_cta]").focus()
        page.keyboard.press("Enter")
        tab = page.get_by_label("Goals", exact=True).get_by_text("cancellations visitors")
        expect(tab).to_be_visible()
        tab.focus()
        page.keyboard.press("Enter")
        expect(tab).to_have_attribute("aria-current", "true")
        expect(tab).to_be_focused()


def test_an_explained_event_says_what_it_means_to_experiments(site: Site, chromium: Browser) -> None:
    with site.page(chromium, "/?view=explain") as page:
        page.get_by_label("An event as JSON").fill(json.dumps(viewed("v-1", site.now, "hero_cta", MARKUP)))
        page.get_by_role("button", name="Explain").click()
        told = page.locator(".judged", has_text="Experiment hero_cta")
        expect(told.locator("summary")).to_contain_text(f"an exposure to {MARKUP} in epoch")
        expect(told.locator("summary")).to_contain_text("properties.variationName names no variation of epoch")
        expect(told).to_contain_text('saw "hero_cta" (string)')
        told.get_by_role("link", name="Its results").click()
        expect(page.locator("h1")).to_contain_text("hero cta")

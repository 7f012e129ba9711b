"""The page of the API's description, in a real browser under its own strict policy."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.support.serving import serving, write_small_store


def test_the_page_shows_every_route_and_asks_nobody_else(chromium: Browser, tmp_path: Path) -> None:
    store, definitions = write_small_store(tmp_path)
    with serving("--store", store, "--definitions", definitions, "--no-auth") as reader:
        page = chromium.new_page()
        said: list[str] = []
        asked: list[str] = []
        page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{reader.url}/docs")
        for route in ("/v1/query", "/v1/metrics/{id}", "/v1/explain", "/readyz"):
            expect(page.locator(f'[data-path="{route}"]').first).to_be_visible()
        page.locator("#operations-default-healthz button").first.click()
        page.get_by_role("button", name="Try it out").click()
        page.get_by_role("button", name="Execute", exact=True).click()
        expect(page.locator(".live-responses-table .response-col_status").last).to_contain_text("200")
        page.close()
        assert said == []
        assert [url for url in asked if not url.startswith((reader.url, "data:"))] == []
        assert reader.end() == 0

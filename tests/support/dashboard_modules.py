"""Owns the dashboard's modules in a browser without a service: what a rule gives for a value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route

from readers.dashboard.assets import load_assets

HOST = "http://daycount.test"


@pytest.fixture(scope="module")
def modules(chromium: Browser) -> Iterator[Page]:
    """A page that has only the modules, handed to it from the package."""
    files, page = load_assets().files, chromium.new_page()

    def hand_out(route: Route) -> None:
        asset = files.get(route.request.url.removeprefix(f"{HOST}/"))
        route.fulfill(
            content_type=asset.media_type if asset else "text/html", body=asset.body if asset else "<!doctype html>"
        )

    page.route("**/*", hand_out)
    page.goto(f"{HOST}/")
    yield page
    page.close()


def run(page: Page, module: str, code: str, given: Any = None) -> Any:
    """What an expression over a module `m` and the value `given` gives."""
    return page.evaluate(f"async (given) => {{ const m = await import('/{module}.js'); return {code}; }}", given)

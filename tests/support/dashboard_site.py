"""Owns a running read service with a shop's numbers behind it, and pages of it that notice what a page must not do."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from playwright.sync_api import Browser, Page, Request

from tests.support.chromium import WAIT_MS
from tests.support.daycount import Shop, command, environment_of, write_definitions, write_lines
from tests.support.shop_month import DEFINITIONS, SEARCHES, SEARCHES_BEFORE, shop_events

DESK, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
NOON = 12
FURTHEST_AHEAD = ZoneInfo("Etc/GMT-14")  # 14 hours before UTC has it, a day begins there


@dataclass
class Watched:
    """A page with what went wrong on it: errors said, and hosts asked that aren't ours. `asked`: all requests."""

    page: Page
    host: str
    wrong: list[str] = field(default_factory=list)
    asked: list[Request] = field(default_factory=list)

    def watch(self) -> Watched:
        self.page.set_default_timeout(WAIT_MS)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("console", lambda said: self.wrong.append(said.text) if said.type in ("error", "warning") else None)
        self.page.on("request", self._ask)
        return self

    def _ask(self, request: Request) -> None:
        self.asked.append(request)
        if urlsplit(request.url).netloc != self.host:
            self.wrong.append(f"asked {request.url}")


@dataclass(frozen=True)
class Site:
    """A service at an address. `now`: when its numbers were made, where its shop counts its days."""

    address: str
    shop: Shop
    now: datetime

    @contextmanager
    def page(
        self, browser: Browser, path: str = "/", viewport: Any = DESK, wrong: bool = False, **context: Any
    ) -> Iterator[Page]:
        """A page of it in a profile of its own. Whatever goes wrong on it fails the test, unless that is expected."""
        opened = browser.new_context(viewport=viewport, **context)
        watched = Watched(opened.new_page(), urlsplit(self.address).netloc).watch()
        try:
            watched.page.goto(self.address + path)
            yield watched.page
            assert wrong or watched.wrong == []
        finally:
            opened.close()


def far_from_midnight() -> datetime:
    """Now, in a time zone in which today goes on for ten hours: no test sees another day begin.

    The zone is never behind UTC, by whose days rejects are counted: those of the next one would be still to come.
    """
    now = datetime.now(UTC)
    return now if now.hour < NOON else now.astimezone(FURTHEST_AHEAD)


def zone_of(now: datetime) -> str:
    """The name of a time's zone, as settings have it."""
    return str(now.tzinfo)


def fill(folder: Path, now: datetime, seed: int) -> Shop:
    """A store of two shop months, counted by two runs between which a definition was changed; in the zone of `now`."""
    before = write_definitions(folder / "before.yaml", *DEFINITIONS, SEARCHES_BEFORE, timezone=zone_of(now))
    after = write_definitions(folder / "shop.yaml", *DEFINITIONS, SEARCHES, timezone=zone_of(now))
    events = list(shop_events(now, seed))
    store = f"sqlite:///{folder}/numbers.db"
    Shop(store, before).run(write_lines(folder / "first.jsonl", events[:5]))
    shop = Shop(store, after)
    shop.run(write_lines(folder / "events.jsonl", events[5:]))
    return shop


@contextmanager
def serving(shop: Shop, *words: str, now: datetime | None = None) -> Iterator[Site]:
    """`daycount serve` for a shop, on a port of its own. now: when its numbers were made."""
    asked = ["serve", "--store", shop.store, "--definitions", shop.definitions, "--port", "0", *words]
    server = subprocess.Popen(
        command(*asked), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment_of()
    )
    assert server.stdout is not None and server.stderr is not None
    try:
        line = server.stdout.readline()
        assert line.startswith("Daycount is serving on http://"), server.stderr.read()
        yield Site(line.split()[-1], shop, now or datetime.now(UTC))
    finally:
        server.kill()
        server.communicate()

"""Owns the real browser of tests: Debian's Chromium, driven by Playwright, one per module, a fresh profile per page.

Without it a test is skipped with a reason; where `CI` is set it fails instead. Found on the PATH or in `CHROMIUM_PATH`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.support.missing import missing

WAIT_MS = 60_000  # for what a page does, however busy the machine is
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
# Tests may run as root in a container, whose kernel gives Chromium no sandbox and whose shared memory is small.
WORDS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]


def find_chromium() -> Path | None:
    """The browser's program, if it is on this machine."""
    given = os.environ.get("CHROMIUM_PATH", "")
    found = [given] if given else [shutil.which(name) for name in PROGRAMS]
    return next((Path(path) for path in found if path and os.access(path, os.X_OK)), None)


@pytest.fixture(scope="module")  # until it ends, Playwright's event loop is the thread's: others could have none
def chromium() -> Iterator[Browser]:
    """A browser for all tests of a module."""
    program = find_chromium()
    if program is None:
        missing("browser: no Chromium; install chromium, or name it in CHROMIUM_PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=WORDS, timeout=WAIT_MS)
        expect.set_options(timeout=WAIT_MS)  # the timeout of a page is not that of what is expected of it
        yield browser
        browser.close()

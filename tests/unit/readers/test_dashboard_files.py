"""The dashboard's files: what is vendored is what the note says, modules are small and reach for nothing from elsewhere."""

from __future__ import annotations

import hashlib
import re
import tomllib

from readers.dashboard.assets import load_assets
from tests.support.tree import ROOT
from tests.tidy.test_style import LINES_MAX

STATIC = ROOT / "readers" / "dashboard" / "static"
VENDOR = STATIC / "vendor"
OURS = [path for path in STATIC.rglob("*") if path.suffix in (".js", ".css") and VENDOR not in path.parents]


def test_every_vendored_file_is_noted_with_its_digest() -> None:
    noted = dict(re.findall(r"\| `([^`]+)` \|.*\| ([0-9a-f]{64}) \|", (VENDOR / "README.md").read_text()))
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in VENDOR.iterdir() if path.name != "README.md"
    }
    assert noted == found


def test_no_module_of_the_page_outgrows_the_house() -> None:
    assert {path.name: n for path in OURS if (n := path.read_text().count("\n")) > LINES_MAX} == {}


def test_every_module_of_the_page_says_what_it_owns() -> None:
    silent = [path.name for path in OURS if not re.match(r"(//|/\*) (Owns|Runs) ", path.read_text())]
    assert silent == []


def test_the_page_names_no_address_but_its_own() -> None:
    pages = [*OURS, ROOT / "readers" / "dashboard" / "index.html"]
    addresses = {path.name: re.findall(r"(?:https?:)?//[a-z][^\s\"')]*", path.read_text()) for path in pages}
    assert {name for found in addresses.values() for name in found} <= {"http://www.w3.org/2000/svg"}


def test_every_module_that_is_imported_is_there() -> None:
    for path in OURS:
        for name in re.findall(r"""from "(\.[^"]+)";""", path.read_text()):
            assert (path.parent / name).is_file(), f"{path.name} imports {name}"


def test_every_file_is_handed_out_and_packaged() -> None:
    package_data = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    assert "static/**" in package_data["readers.dashboard"]
    assert set(load_assets().files) == {str(path.relative_to(STATIC)) for path in STATIC.rglob("*") if path.is_file()}

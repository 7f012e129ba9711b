"""What the pages of `deploy/` tell people to type: commands that parse, targets, variables and files that exist."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tests.support.deploy import DEPLOY, named_command, parsed
from tests.support.tree import ROOT

PAGES = sorted(DEPLOY.rglob("*.md"))
LINK = re.compile(r"\]\(([^)#:]+)\)")
NAMED = re.compile(r"`((?:[\w.-]+/)+[\w.-]*|[\w-]+\.(?:tf|yaml|py|json|md|Dockerfile))`")
TOKEN = re.compile(r"`([^`]+)`")
TARGET = re.compile(r"make -C deploy ([a-z -]+)")
MADE_THERE = {"shop.yaml", "setup.py"}  # by the person who types, or nowhere
SECTION = re.compile(r"^## (.+)$", re.MULTILINE)

PLACES = {
    "DAYCOUNT_DEFINITIONS": "redis://localhost:6379/0",
    "DAYCOUNT_STORE": "bigtable://p/i?profile=pipeline",
    "REDIS": "redis://localhost:6379/0",
    "KEY": "dc_read_x",
}


def indented(page: Path) -> Iterator[str]:
    """Every line of commands, continued ones as one."""
    text = re.sub(r"\\\n\s*", " ", page.read_text())
    for line in text.splitlines():
        if line.startswith("    "):
            yield line.strip()


def commands(page: Path) -> Iterator[str]:
    """Command lines of Daycount: typed as they are, or in a container of compose."""
    for line in indented(page):
        if found := re.match(r"(?:docker compose -f \S+ run --rm )?daycount (.*)", line):
            yield found[1]


TYPED = [(page, line) for page in PAGES for line in commands(page)]
INLINE = [(page, token) for page in PAGES for token in TOKEN.findall(page.read_text()) if token.startswith("daycount ")]


def test_there_are_many() -> None:
    assert len(TYPED) > 10 and len(INLINE) > 10


@pytest.mark.parametrize(("page", "line"), TYPED, ids=[f"{p.parent.name}: {line[:40]}" for p, line in TYPED])
def test_a_command_is_one_that_parses(page: Path, line: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in PLACES.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop.yaml").touch()
    parsed(shlex.split(os.path.expandvars(re.split(r" [|>] ", line)[0])))


@pytest.mark.parametrize(("page", "token"), INLINE, ids=[f"{p.parent.name}: {token[:40]}" for p, token in INLINE])
def test_a_command_named_in_a_sentence_has_its_options(page: Path, token: str) -> None:
    words = token.split()
    found = named_command(words[1:])
    known = {flag for p in found.params if isinstance(p, click.Option) for flag in (*p.opts, "--help")}
    assert [w for w in words if w.startswith("--") and w not in known] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(DEPLOY).as_posix())
def test_targets_and_variables_exist(page: Path) -> None:
    text = page.read_text()
    makefile = (DEPLOY / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    for found in TARGET.findall(text):
        assert set(found.split()) <= targets, found
    for line in indented(page):
        if "make -C deploy" in line:
            assert [name for name in re.findall(r"\b([A-Z_]+)=", line) if f"$({name})" not in makefile] == []
    variables = set(
        re.findall(r'^variable "(\w+)"', "".join(p.read_text() for p in DEPLOY.glob("terraform/*.tf")), re.MULTILINE)
    )
    assert set(re.findall(r"-var '?(\w+)=", text)) <= variables


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(DEPLOY).as_posix())
def test_files_it_names_are_there(page: Path) -> None:
    text = page.read_text()
    assert [link for link in LINK.findall(text) if not (page.parent / link).exists()] == []
    for name in set(NAMED.findall(text)) - MADE_THERE:
        if name.split("/")[0] in ("deploy", "tests", "pipeline", "readers", "benchmarks", ".ci") or "/" not in name:
            assert (page.parent / name).exists() or (ROOT / name).exists() or (DEPLOY / name).exists(), name


def test_every_file_of_deploy_is_named_on_a_page() -> None:
    said = "".join(p.read_text() for p in PAGES)
    files = [p for p in DEPLOY.rglob("*") if p.is_file() and "__pycache__" not in p.parts and p.suffix != ".pyc"]
    unnamed = [p.relative_to(DEPLOY).as_posix() for p in files if not re.search(rf"[`/(]{re.escape(p.name)}[`)]", said)]
    assert [name for name in unnamed if name not in ("README.md", "Makefile")] == []


def test_the_runbook_has_a_section_for_all_that_was_promised() -> None:
    sections = set(SECTION.findall((DEPLOY / "runbook.md").read_text()))
    assert sections >= {
        "First deploy",
        "Upgrade",
        "Rollback",
        "Replay of rejects",
        "A hot key",
        "Growth of shards and fan-out",
        "Backup and restore",
        "Disaster",
        "Redis lost",
        "Poisoned definitions",
        "Rotation of keys",
    }

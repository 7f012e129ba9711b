"""The README's commands, pasted one after the other, print what stands below them; so does what it asks of the API."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.readme import blocks
from tests.support.serving import serving
from tests.support.tree import ROOT

SOME = "…"  # in what is printed: anything, within its line
ADDRESS = "http://127.0.0.1:8080"  # where it says that the service is
COMMANDS, REQUESTS = "sh", "bash"  # what blocks of commands are said to be; requests are made of a service that runs


def steps(kind: str) -> Iterator[tuple[str, str]]:
    """What is typed, and what is printed then."""
    for typed, printed in pairwise(blocks()):
        if typed.kind == kind:
            assert printed.kind == "text", f"what does this print?\n{typed.text}"
            yield typed.text, printed.text


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where its commands were typed."""
    folder = tmp_path_factory.mktemp("shop")
    shown = list(steps(COMMANDS))
    assert len(shown) == 4
    for typed, printed in shown:
        assert_prints(folder, typed, printed)
    return folder


def test_what_it_shows_is_what_is_printed(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} > {"shop.yaml", "events.jsonl", "shop.db"}


def test_what_it_asks_of_the_api_is_answered_so(folder: Path) -> None:
    shown = list(steps(REQUESTS))
    assert len(shown) >= 4
    with serving("--no-auth", "--store", f"sqlite:///{folder}/shop.db", "--definitions", f"{folder}/shop.yaml") as reader:
        for typed, printed in shown:
            assert ADDRESS in typed
            assert_prints(folder, typed.replace(ADDRESS, reader.url), printed)
        assert reader.end() == 0


def assert_prints(folder: Path, typed: str, printed: str) -> None:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", typed],
        cwd=folder,
        env=_with_daycount(folder),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    pattern = ".*".join(re.escape(part) for part in printed.rstrip("\n").split(SOME))
    assert re.fullmatch(pattern, done.stdout.rstrip("\n")), f"{typed}\nprinted\n{done.stdout}\nand not\n{printed}"


def _with_daycount(folder: Path) -> dict[str, str]:
    """The command is this very source's, whatever is installed."""
    programs = folder / "programs"
    programs.mkdir(exist_ok=True)
    program = programs / "daycount"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m pipeline "$@"\n')
    program.chmod(0o755)
    places = {"PATH": f"{programs}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "COLUMNS": "120"}
    return {**{k: v for k, v in os.environ.items() if not k.startswith("DAYCOUNT_")}, **places}

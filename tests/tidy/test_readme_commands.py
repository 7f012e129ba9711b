"""The README's commands, pasted one after the other, print what stands below them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from tests.support.readme import blocks
from tests.support.tree import ROOT

SOME = "…"  # in what is printed: anything, within its line


def steps() -> Iterator[tuple[str, str]]:
    """What is typed, and what is printed then."""
    for typed, printed in pairwise(blocks()):
        if typed.kind == "sh":
            assert printed.kind == "text", f"what does this print?\n{typed.text}"
            yield typed.text, printed.text


def test_what_it_shows_is_what_is_printed(tmp_path: Path) -> None:
    shown = list(steps())
    assert len(shown) == 4
    for typed, printed in shown:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", typed],
            cwd=tmp_path,
            env=_with_daycount(tmp_path),
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        pattern = ".*".join(re.escape(part) for part in printed.split(SOME))
        assert re.fullmatch(pattern, done.stdout), f"{typed}\nprinted\n{done.stdout}\nand not\n{printed}"


def _with_daycount(folder: Path) -> dict[str, str]:
    """The command is this very source's, whatever is installed."""
    programs = folder / "programs"
    programs.mkdir(exist_ok=True)
    program = programs / "daycount"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m pipeline "$@"\n')
    program.chmod(0o755)
    places = {"PATH": f"{programs}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "COLUMNS": "120"}
    return {**{k: v for k, v in os.environ.items() if not k.startswith("DAYCOUNT_")}, **places}

"""A test that is left out is told of at the end, and is a failure where CI is set."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.tree import ROOT

TESTS = """
import pytest

@pytest.mark.parametrize("n", [1, 2])
def test_that_wants_a_server(n):
    pytest.skip("no server here")

def test_that_passes():
    pass
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "test_them.py").write_text(TESTS)
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path)
    return tmp_path


def run_tests(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    inherited = {k: v for k, v in os.environ.items() if k != "CI" and not k.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", "--rootdir", ".", "-p", "no:cacheprovider", *words]
    return subprocess.run(command, cwd=folder, env={**inherited, **variables}, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("words", [(), ("-n", "2")], ids=["one process", "two"])
def test_what_is_left_out_is_told_and_no_failure(folder: Path, words: tuple[str, ...]) -> None:
    done = run_tests(folder, *words)
    assert done.returncode == 0, done.stdout
    assert "left out" in done.stdout and "2 tests: no server here" in done.stdout


@pytest.mark.parametrize("words", [(), ("-n", "2")], ids=["one process", "two"])
def test_where_ci_is_set_it_is_a_failure(folder: Path, words: tuple[str, ...]) -> None:
    done = run_tests(folder, *words, CI="true")
    assert done.returncode == 1
    assert "2 tests: no server here" in done.stdout


def test_with_nothing_left_out_ci_is_content(folder: Path) -> None:
    done = run_tests(folder, "-k", "passes", CI="true")
    assert done.returncode == 0
    assert "left out" not in done.stdout

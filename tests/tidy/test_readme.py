"""The README says what there is: tree, commands, options, targets, reasons, and tests behind every promise."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import click
import pytest

from pipeline.cli import COMMANDS, daycount
from pipeline.model.rejects import RejectReason
from readers.telemetry import DECLARED
from tests.support.readme import commands, readme, tree_lines
from tests.support.tree import ROOT, packages, top_level

WITH_PACKAGES = ("pipeline", "readers", "tests")
TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
TARGET = re.compile(r"^([a-z.]+):", re.MULTILINE)
SERVICE_METRIC = re.compile(r"^\| `(daycount_\w+)` \| ([a-z, ]*)\|", re.MULTILINE)
MODULE = re.compile(r"`(\w+\.py)`")


def command(words: list[str]) -> click.Command | None:
    """The command, or the group's own command, that these words call."""
    found: click.Command | None = daycount
    for word in words[1:]:
        if not isinstance(found, click.Group):
            break
        found = found.get_command(click.Context(found), word)
    return found


def every_command(group: click.Group = daycount, name: str = "daycount") -> Iterator[tuple[str, click.Command]]:
    for word in group.list_commands(click.Context(group)):
        found = group.get_command(click.Context(group), word)
        assert found is not None
        yield f"{name} {word}", found
        if isinstance(found, click.Group):
            yield from every_command(found, f"{name} {word}")


def test_the_top_of_the_tree_is_that_of_the_disk() -> None:
    assert {name for folder, name in tree_lines() if not folder} == top_level()


@pytest.mark.parametrize("folder", WITH_PACKAGES)
def test_the_packages_of_the_tree_are_those_of_the_disk(folder: str) -> None:
    assert {name for within, name in tree_lines() if within == f"{folder}/"} == packages(folder)


def test_modules_it_names_beside_the_tree_are_there() -> None:
    section = readme().partition("## The tree")[2].partition("\n## ")[0]
    assert [name for name in MODULE.findall(section) if not (ROOT / "pipeline" / name).exists()] == []


def test_every_command_is_in_it() -> None:
    there = [name for name in COMMANDS if daycount.get_command(click.Context(daycount), name)]
    assert [name for name in there if f"daycount {name}" not in readme() and f"make {name}" not in readme()] == []


def test_every_option_of_run_is_in_it() -> None:
    run = command(["daycount", "run"])
    assert run is not None
    flags = [flag for p in run.params if isinstance(p, click.Option) for flag in p.opts]
    assert [flag for flag in flags if f"`{flag}`" not in readme()] == []


def test_every_option_has_a_sentence_in_the_help() -> None:
    silent = [
        f"{name} {option.opts[0]}"
        for name, found in every_command()
        for option in found.params
        if isinstance(option, click.Option) and not option.help and not isinstance(option.type, click.Choice)
    ]
    assert silent == []


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_commands_and_options_it_shows_exist(words: list[str]) -> None:
    found = command(words)
    assert found is not None, "no such command"
    known = {flag for p in found.params if isinstance(p, click.Option) for flag in (*p.opts, "--help")}
    assert [w for w in words if w.startswith("--") and w not in known] == []


def test_every_make_target_is_in_it() -> None:
    targets = [name for name in TARGET.findall((ROOT / "Makefile").read_text()) if not name.startswith(".PHONY")]
    assert len(targets) > 5
    assert [name for name in targets if f"make {name}" not in readme()] == []


def test_every_reject_reason_is_in_it() -> None:
    assert [reason for reason in RejectReason if f"`{reason}`" not in readme()] == []


def test_every_metric_that_the_service_tells_of_itself_is_in_it_with_its_labels() -> None:
    listed = [(name, tuple(labels.replace(",", " ").split())) for name, labels in SERVICE_METRIC.findall(readme())]
    assert listed == [(one.name, one.labels) for one in DECLARED]


def test_every_test_it_names_is_there() -> None:
    named = TEST.findall(readme())
    assert len(named) > 10
    for path, test in named:
        tree = ast.parse((ROOT / path).read_text())
        names = {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}
        assert not test or test in names, f"{path} has no {test}"

"""The command `daycount` itself: which commands it lists, and how errors end."""

import subprocess
import sys
from typing import NoReturn

import click
import pytest

from pipeline import cli
from pipeline.model.errors import StoreError, UsageError


def run(monkeypatch: pytest.MonkeyPatch, error: BaseException | int | None, capsys: pytest.CaptureFixture[str]) -> tuple:
    @click.command()
    def command() -> int | None:
        if isinstance(error, BaseException):
            raise error
        return error

    monkeypatch.setattr(cli.LazyGroup, "get_command", lambda *_: command)
    with pytest.raises(SystemExit) as ended:
        cli.main(["anything"])
    return ended.value.code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (UsageError("a.yaml:\n  not here;\tname one that is"), 2, "daycount: a.yaml: not here; name one that is\n"),
        (click.UsageError("No such option."), 2, "daycount: No such option (see `daycount anything --help`)\n"),
        (click.ClickException("broken"), 2, "daycount: broken\n"),
        (StoreError("the store is gone"), 1, "daycount: the store is gone\n"),
        (KeyboardInterrupt(), 130, ""),
        (click.exceptions.Exit(1), 1, ""),
        (SystemExit(3), 3, ""),
        (1, 1, ""),
        (None, 0, ""),
    ],
)
def test_an_end_has_its_exit_code_and_at_most_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, code: int, said: str
):
    ended, err = run(monkeypatch, error, capsys)
    assert (ended, err.lstrip("\n")) == (code, said)


def test_a_mistake_of_ours_is_not_hidden(monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object) -> NoReturn:
        raise ZeroDivisionError

    monkeypatch.setattr(cli.LazyGroup, "get_command", broken)
    with pytest.raises(ZeroDivisionError):
        cli.main(["anything"])


def test_a_command_whose_module_is_missing_is_not_listed(monkeypatch: pytest.MonkeyPatch):
    missing = {name: cli.Command(target, "x") for name, target in [("a", "pipeline.no_such:a"), ("b", "no_such.mod:b")]}
    monkeypatch.setattr(cli, "COMMANDS", {**missing, "define": cli.COMMANDS["define"]})
    context = click.Context(cli.daycount)
    assert cli.daycount.list_commands(context) == ["define"]
    assert cli.daycount.get_command(context, "a") is None
    assert cli.daycount.get_command(context, "zzz") is None


def test_every_command_that_is_listed_can_be_imported():
    context = click.Context(cli.daycount)
    for name in cli.daycount.list_commands(context):
        assert isinstance(cli.daycount.get_command(context, name), click.Command), name


def test_help_and_define_wait_for_no_big_library():
    script = (
        "import sys, pipeline.cli, pipeline.definitions.commands\n"
        "print({'apache_beam', 'google.cloud.bigtable', 'numpy', 'starlette'} & sys.modules.keys())"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout == "set()\n"

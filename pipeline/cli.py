"""Owns the command `daycount`: which commands there are, and how errors reach the terminal. No command's own options.

A command's module is imported when the command runs, so that `daycount --help` and `define` never wait for Beam.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.util import find_spec
from typing import NamedTuple, NoReturn

import click

from pipeline.model.errors import RunError, StoreError, UsageError

EXIT_FOUND_WRONG = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130


class Command(NamedTuple):
    """Where a command lives (`module:attribute`), and what it is for."""

    target: str
    sentence: str


COMMANDS = {
    "run": Command("pipeline.run_command:run", "Count events from files or streams into a store."),
    "define": Command("pipeline.definitions.commands:define", "Push, list, show, delete and check definitions of metrics."),
    "collect": Command(
        "pipeline.collect.commands:collect", "Take events over HTTP from Segment's and RudderStack's clients."
    ),
    "serve": Command("readers.commands:serve", "Serve the read API and the dashboard over HTTP."),
    "keys": Command("readers.keys_command:keys", "Create, list and revoke API keys."),
    "query": Command("readers.commands:query", "Answer a question from the store, as a table, JSON or CSV."),
    "explain": Command("pipeline.explain:explain", "Say why an event does or does not count, clause by clause."),
    "audit": Command("pipeline.audit:audit", "Recount raw events and compare with the store, cell by cell."),
    "watch": Command("readers.watch_command:watch", "Send a message when an experiment's decision changes."),
    "demo": Command("pipeline.demo:demo", "Run everything on this machine with a simulated shop."),
}


class LazyGroup(click.Group):
    """Commands by name, imported on use. A command whose module is not installed is not there."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name, command in COMMANDS.items() if _installed(command)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        command = COMMANDS.get(cmd_name)
        if command is None or not _installed(command):
            return None
        module, _, attribute = command.target.partition(":")
        found: click.Command = getattr(import_module(module), attribute)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name].sentence) for name in self.list_commands(ctx)])


def _installed(command: Command) -> bool:
    module = command.target.partition(":")[0]
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # the package around it is not there
        return False


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if not wanted or ctx.resilient_parsing:
        return
    from importlib.metadata import PackageNotFoundError, version

    try:
        click.echo(f"daycount {version('daycount')}")
    except PackageNotFoundError:
        click.echo("daycount (not installed: run from its source)")
    ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_print_version, help="Show the version."
)
def daycount() -> None:
    """Daycount turns visitor events into day-wise counters while they come in.

    Exit codes: 0 done; 1 it ran and found something wrong; 2 wrong usage or configuration.
    """


def main(arguments: list[str] | None = None) -> NoReturn:
    """Runs a command. Whatever a user can get wrong ends in one line on stderr, not in a traceback."""
    try:
        code = daycount.main(args=arguments, prog_name="daycount", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        _end_quietly()
    except click.exceptions.NoArgsIsHelpError as help_wanted:
        click.echo(help_wanted.ctx.get_help() if help_wanted.ctx else help_wanted.format_message())
        sys.exit(0)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(EXIT_INTERRUPTED)
    except click.ClickException as error:
        _fail(_usage_message(error), EXIT_USAGE)
    except UsageError as error:
        _fail(str(error), EXIT_USAGE)
    except (RunError, StoreError) as error:
        _fail(str(error), EXIT_FOUND_WRONG)
    sys.exit(code if isinstance(code, int) else 0)


def _usage_message(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    hint = f" (see `{context.command_path} --help`)" if context else ""
    return error.format_message().rstrip(".") + hint


def _fail(message: str, code: int) -> NoReturn:
    click.echo(f"daycount: {' '.join(message.split())}", err=True)
    sys.exit(code)


def _end_quietly() -> NoReturn:
    """Whoever read our output has seen enough. Python would complain once more when it flushes at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(0)

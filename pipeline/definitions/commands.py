"""Owns `daycount define`: the words that people type and read. What they do is done elsewhere."""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterable, Mapping
from typing import Any

import click

from pipeline.definitions.documents import to_yaml
from pipeline.definitions.file import examine_file, locate_documents
from pipeline.definitions.lines import account_lines, listing, one_line, plural, report_lines
from pipeline.definitions.options import definitions_option
from pipeline.definitions.push import delete as delete_named
from pipeline.definitions.push import push as push_documents
from pipeline.definitions.source import is_redis, open_definitions
from pipeline.model.definition import AccountDefinitions, Metric, Snapshot
from pipeline.model.errors import UsageError
from pipeline.model.experiment import Experiment, Layer


@click.group()
def define() -> None:
    """Push, list, show, delete and check definitions of metrics, layers and experiments."""


@define.command(short_help="Check a file and push what it names, all or nothing.")
@click.argument("file")
@click.option("--account", metavar="A", help="The account, in place of what the file names.")
@definitions_option
def push(file: str, account: str | None, definitions_url: str) -> None:
    """Check FILE (YAML or JSON; - for standard input) and push what it names, all or nothing.

    Metrics, layers and experiments that it does not name stay as they are, and so do settings.
    """
    _demand_redis(definitions_url, f"check it with `daycount define lint {definitions_url}`")
    for report in push_documents(definitions_url, locate_documents(file, account), by=_user()):
        _say(report_lines(report))
        _warn(f"{report.account}: {note}" for note in report.notes)


@define.command(short_help="Delete metrics, layers and experiments; their counters stay.")
@click.argument("names", nargs=-1, metavar="NAME...")
@click.option("--account", metavar="A", required=True, help="The account whose definitions go.")
@click.option("--all", "everything", is_flag=True, help="Delete all metrics, layers and experiments of the account.")
@definitions_option
def delete(names: tuple[str, ...], account: str, everything: bool, definitions_url: str) -> None:
    """Delete what NAMEs an account has: ID, metric:ID, experiment:ID or layer:ID. Counters stay, and go on when it is
    pushed again."""
    _demand_redis(definitions_url, "take it out of that")
    if bool(names) == everything:
        raise UsageError("name the metrics to delete, or say --all")
    _say(report_lines(delete_named(definitions_url, account, names, by=_user())))


@define.command("list", short_help="List accounts, metrics and measures.")
@click.option("--account", metavar="A", help="Only this account.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@definitions_option
def list_(account: str | None, as_json: bool, definitions_url: str) -> None:
    """List accounts, their metrics and measures, and what is wrong with them."""
    snapshot = _read(definitions_url)
    accounts = [_pick(snapshot, account)] if account else list(snapshot.accounts.values())
    if as_json:
        click.echo(json.dumps([listing(definitions) for definitions in accounts], indent=2, ensure_ascii=False))
    else:
        for definitions in accounts:
            _say(account_lines(definitions))
    _warn(snapshot.problems)
    for definitions in accounts:
        _warn(f"{definitions.account}: {problem}" for problem in definitions.problems)
    if not accounts:
        _warn(["there are no definitions yet; push some with `daycount define push FILE`"])


@define.command(short_help="Show definitions in the form that push takes.")
@click.argument("name", required=False)
@click.option("--account", metavar="A", help="The account; not needed where there is only one.")
@click.option("--json", "as_json", is_flag=True, help="As JSON instead of YAML.")
@definitions_option
def show(name: str | None, account: str | None, as_json: bool, definitions_url: str) -> None:
    """Show what has this NAME (ID, metric:ID, experiment:ID or layer:ID), or all that an account has, in the form that
    `push` takes."""
    definitions = _pick(_read(definitions_url), account)
    document = definitions.document() if name is None else _pick_one(definitions, name)
    click.echo(json.dumps(document, indent=2, ensure_ascii=False) if as_json else to_yaml(document).rstrip())
    if name is None:
        _warn(f"{definitions.account}: {problem}" for problem in definitions.problems)


@define.command(short_help="Check a file, without Redis.")
@click.argument("file")
@click.option("--account", metavar="A", help="The account, in place of what the file names.")
@click.pass_context
def lint(context: click.Context, file: str, account: str | None) -> None:
    """Check FILE without Redis. Every problem is a line, and then the exit code is 1."""
    accounts, errors = examine_file(file, account)
    for error in errors:
        click.echo(one_line(str(error)))
    if errors:
        context.exit(1)
    for definitions in accounts:
        counts = [plural(len(definitions.metrics), "metric")]
        counts += [plural(len(definitions.layers), "layer")] if definitions.layers else []
        counts += [plural(len(definitions.experiments), "experiment")] if definitions.experiments else []
        click.echo(f"{definitions.account}: {', '.join(counts)}, no problems")


def _demand_redis(url: str, cure: str) -> None:
    if not is_redis(url):
        open_definitions(url)  # an unknown scheme has an error of its own
        raise UsageError(f"{url} is a file, which is edited by hand; {cure}, or name redis://HOST:PORT/DB")


def _read(url: str) -> Snapshot:
    source = open_definitions(url)
    try:
        return source.read()
    finally:
        source.close()


def _pick(snapshot: Snapshot, account: str | None) -> AccountDefinitions:
    if account is None and len(snapshot.accounts) == 1:
        return next(iter(snapshot.accounts.values()))
    if account is None:
        raise UsageError(f"there are {len(snapshot.accounts)} accounts; name one with --account")
    if account not in snapshot.accounts:
        raise UsageError(f"there is no account {account}; `daycount define list` shows those there are")
    return snapshot.accounts[account]


def _pick_one(definitions: AccountDefinitions, name: str) -> dict[str, Any]:
    kinds: dict[str, Mapping[str, Metric | Experiment | Layer]] = {
        "metric": definitions.metrics,
        "experiment": definitions.experiments,
        "layer": definitions.layers,
    }
    kind, colon, item_id = name.partition(":")
    asked = (kind,) if colon and kind in kinds else tuple(kinds)
    item_id = item_id if asked == (kind,) else name
    for one in asked:
        if item_id in kinds[one]:
            return kinds[one][item_id].document()
    broken = [problem for problem in definitions.problems if problem.startswith(tuple(f"{k}:{item_id}:" for k in asked))]
    if broken:
        raise UsageError(f"account {definitions.account}: {broken[0]}")
    told = f"account {definitions.account} has no {asked[0]} {item_id}"
    raise UsageError(f"{told}; `daycount define list` shows those it has")


def _user() -> str:
    """Who uses this machine, for the history."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "somebody without a name"


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)


def _warn(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(f"daycount: warning: {one_line(line)}", err=True)

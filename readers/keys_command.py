"""Owns `daycount keys`: the words that people type and read. How keys are kept is elsewhere."""

from __future__ import annotations

import secrets
from contextlib import closing
from datetime import UTC, datetime

import click

from pipeline.definitions.keys import Key, Role, StoredKeys, digest_of, make_key
from pipeline.definitions.options import definitions_option
from pipeline.definitions.source import is_redis
from pipeline.model.definition_check import ACCOUNT, named
from pipeline.model.errors import UsageError

_HEADINGS = ("id", "account", "role", "created")


@click.group()
def keys() -> None:
    """Create, list and revoke API keys."""


@keys.command(short_help="Make a key, and print it this once.")
@click.option("--account", metavar="A", required=True, help="The account whose numbers it reads or events it sends.")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    required=True,
    help="read: asks; write: asks, changes definitions, sends events; collect: only sends events, for web pages.",
)
@definitions_option
def create(account: str, role: str, definitions_url: str) -> None:
    """Make a key, and print it this once: only its SHA-256 is stored. Doing it again makes another."""
    if not named(ACCOUNT, account):
        raise UsageError(f"--account {account}: an account's name is 1 to 64 of a-z, 0-9, _ and -")
    text = make_key(Role(role), secrets.token_bytes)
    key = Key(digest_of(text), account, Role(role), _now())
    with closing(_open(definitions_url)) as stored:
        stored.add(key)
    click.echo(text)
    click.echo(f"key {key.id} of {account}, {role}; it is not shown again", err=True)


@keys.command("list", short_help="List keys that work.")
@click.option("--account", metavar="A", help="Only those of this account.")
@definitions_option
def list_(account: str | None, definitions_url: str) -> None:
    """List keys that work: id, account, role and when each was made. Never the keys themselves."""
    with closing(_open(definitions_url)) as stored:
        found = [key for key in stored.all() if account in (None, key.account)]
    if not found:
        click.echo("daycount: there are no keys; make one with `daycount keys create`", err=True)
        return
    rows = [_HEADINGS, *((key.id, key.account, key.role.value, key.created or "") for key in found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    for row in rows:
        click.echo("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


@keys.command(short_help="End a key, named by its id or itself.")
@click.argument("key", metavar="ID-or-KEY")
@definitions_option
def revoke(key: str, definitions_url: str) -> None:
    """End a key, named by its id (as `list` shows it) or by itself. It stops working within ten seconds."""
    with closing(_open(definitions_url)) as stored:
        ended = stored.revoke(key, _now())
    click.echo(f"key {ended.id} of {ended.account}, {ended.role.value}: revoked; it stops working within ten seconds")


def _open(url: str) -> StoredKeys:
    if not is_redis(url):
        raise UsageError("API keys are kept in Redis: use --definitions redis://HOST:PORT/DB")
    return StoredKeys.at(url)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

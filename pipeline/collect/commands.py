"""Owns `daycount collect`: the words that people type. What it does is done elsewhere."""

from __future__ import annotations

import time
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from pipeline.definitions.source import is_redis
from pipeline.model.definition_check import ACCOUNT, named
from pipeline.model.errors import UsageError

if TYPE_CHECKING:
    from pipeline.collect.senders import Senders


@click.command()
@click.option(
    "--to",
    "to_url",
    metavar="URL",
    required=True,
    help="redis://HOST:PORT/DB?stream=NAME, pubsub://PROJECT/TOPIC, or a folder's path.",
)
@click.option(
    "--definitions",
    "definitions_url",
    metavar="URL",
    envvar="DAYCOUNT_DEFINITIONS",
    show_envvar=True,
    help="The Redis that holds the write keys: redis://HOST:PORT/DB.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8081, show_default=True, type=click.IntRange(0, 65535), help="0: any free one.")
@click.option("--no-auth", is_flag=True, help="Take events from everybody on this machine, without write keys.")
@click.option("--account", metavar="A", help="With --no-auth: the account that all events are of.")
def collect(
    to_url: str, definitions_url: str | None, host: str, port: int, no_auth: bool, account: str | None
) -> None:  # fmt: skip
    """Take events over HTTP from Segment's and RudderStack's clients, and hand them over to a stream, a topic or a folder.

    A request is answered with success once its events are durably there. SIGTERM: what was taken is handed over first.
    """
    from pipeline.collect.app import Collector, create_app
    from pipeline.collect.gather import Gather
    from pipeline.collect.hand_over import open_place
    from pipeline.collect.room import Room
    from pipeline.serving import bind, serve_app, url_of

    senders = _senders(definitions_url, no_auth, account)
    with closing(bind(host, port, loopback_only=no_auth)) as listener:
        place = open_place(to_url)
        collector = Collector(senders, place, Gather(place), lambda: datetime.now(UTC), Room())
        where = url_of(listener)
        serve_app(create_app(collector), listener, lambda: click.echo(f"Daycount is collecting on {where}"))


def _senders(definitions_url: str | None, no_auth: bool, account: str | None) -> Senders:
    from pipeline.collect.senders import AnySender, KeyedSenders
    from pipeline.definitions.keys import KeysLost, RememberedKeys, StoredKeys

    if no_auth:
        if account is None:
            raise UsageError("--no-auth needs --account A, the account that all events are of")
        if not named(ACCOUNT, account):
            raise UsageError(f"--account {account}: an account's name is 1 to 64 of a-z, 0-9, _ and -")
        return AnySender(account)
    if account is not None:
        raise UsageError("--account goes with --no-auth; else the write key decides the account")
    if definitions_url is None or not is_redis(definitions_url):
        raise UsageError("write keys are kept in Redis: use --definitions redis://HOST:PORT/DB, or --no-auth --account A")
    stored = StoredKeys.at(definitions_url)
    try:
        stored.find("")
    except KeysLost as error:
        click.echo(f"daycount: warning: {error}", err=True)
    return KeyedSenders(RememberedKeys(stored, time.monotonic))

"""Owns `daycount query` and `daycount serve`: the words that people type. What they do is done elsewhere."""

from __future__ import annotations

import gc
import re
import sys
import time
from contextlib import closing
from datetime import UTC, datetime

import click

from pipeline.definitions.options import definitions_option
from pipeline.definitions.source import is_redis, open_definitions
from pipeline.model.definition import Snapshot
from pipeline.model.errors import DamagedStore, StoreError, UsageError
from pipeline.store import open_store
from readers.query import run_query
from readers.text_query import RANGE_DEFAULT, body_of_texts

_ORIGIN = re.compile(r"\*|https?://[a-z0-9.-]+(:\d{1,5})?|https?://\[[0-9a-f:]+\](:\d{1,5})?")
STORE_WAIT_S = 4.0  # for one read of a store that does not answer; people wait for what is asked

store_option = click.option(
    "--store",
    "store_url",
    metavar="URL",
    envvar="DAYCOUNT_STORE",
    show_envvar=True,
    required=True,
    help="Where the counters are: sqlite:///PATH or bigtable://PROJECT/INSTANCE.",
)


@click.command()
@click.argument("metrics", nargs=-1, required=True, metavar="METRIC...")
@click.option("--account", metavar="A", help="The account; needed where there are several.")
@store_option
@definitions_option
@click.option("--from", "from_", metavar="DAY", help="First day, as 2026-10-01.")
@click.option("--to", metavar="DAY", help="Last day.")
@click.option("--range", "date_range", metavar="RANGE", help=f"day 7d 30d 90d month 12mo all. Default: {RANGE_DEFAULT}.")
@click.option("--dimensions", metavar="D[,D]", help="time:hour, time:day, time:week, time:month, a breakdown.")
@click.option("--filter", "filters", multiple=True, metavar="NAME=VALUE", help="Keep a breakdown's value; != drops it.")
@click.option("--compare", metavar="WHAT", help="previous_period, previous_year, or DAY,DAY.")
@click.option("--order-by", metavar="NAME[:desc]", help="A metric or dimension to sort by.")
@click.option("--limit", metavar="N", help="Rows at most. Default: 1000.")
@click.option("--offset", metavar="N", help="Rows to leave out first.")
@click.option("--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
def query(
    metrics: tuple[str, ...], account: str | None, store_url: str, definitions_url: str, filters: tuple[str, ...],
    form: str, **texts: str | None,
) -> None:  # fmt: skip
    """Answer a question from the store: METRIC is metric.measure, or a metric for all its measures."""
    from readers.output import WRITERS, write_warnings

    names = {"from_": "from", "to": "to"}
    given = {names.get(name, name): [text] for name, text in texts.items() if text is not None}
    body = body_of_texts({"metrics": metrics, "filter": filters, **given})
    with closing(open_definitions(definitions_url)) as source:
        definitions = source.read()
    asked = account or _only_account(definitions)
    try:
        with closing(open_store(store_url)) as store:
            answer = run_query(store, definitions, asked, body, datetime.now(UTC))
    except DamagedStore:
        raise
    except StoreError as error:
        raise UsageError(f"--store {store_url}: {error}") from error
    WRITERS[form](answer, sys.stdout)
    if form != "json":
        write_warnings(answer)


def _origins(_: click.Context, __: click.Parameter, origins: tuple[str, ...]) -> tuple[str, ...]:
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            raise UsageError(f"--cors-origin {origin}: write scheme://host[:port] and nothing behind it, or * for any site")
    return origins


@click.command()
@store_option
@definitions_option
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="0: any free one.")
@click.option("--no-auth", is_flag=True, help="Let everybody on this machine ask, without API keys.")
@click.option(
    "--cors-origin",
    "cors_origins",
    multiple=True,
    metavar="ORIGIN",
    callback=_origins,
    help="A site whose pages may ask from a browser, as https://shop.example; may be repeated.",
)
def serve(
    store_url: str, definitions_url: str, host: str, port: int, no_auth: bool, cors_origins: tuple[str, ...]
) -> None:  # fmt: skip
    """Serve the read API and the dashboard over HTTP."""
    from prometheus_client import CollectorRegistry

    from pipeline.serving import bind, serve_app, url_of
    from pipeline.store.fixed import visitor_key_given
    from readers.app import create_app
    from readers.auth import Auth, NoAuth, RedisKeys
    from readers.editing import Editor
    from readers.explaining import Explainers
    from readers.service import Service
    from readers.snapshots import Snapshots
    from readers.stores import Stores

    if not no_auth and not is_redis(definitions_url):
        raise UsageError("API keys are kept in Redis: use --definitions redis://HOST:PORT/DB, or --no-auth")
    listener = bind(host, port, loopback_only=no_auth)
    with closing(listener), closing(open_definitions(definitions_url)) as source:
        open_store(store_url).close()  # a store that isn't there is refused now, not at the first query
        auth: Auth = NoAuth() if no_auth else RedisKeys.at(definitions_url, time.monotonic)
        stores = Stores(lambda: open_store(store_url, wait_s=STORE_WAIT_S))
        editor = Editor(definitions_url) if is_redis(definitions_url) else None
        explainers = Explainers(visitor_key_given())
        service = Service(stores, Snapshots(source), auth, lambda: datetime.now(UTC), editor, explainers)
        gc.collect()
        gc.freeze()  # what was imported stays; looking through it again would hold up answers now and then
        where = url_of(listener)
        app = create_app(service, CollectorRegistry(), cors_origins)
        serve_app(app, listener, lambda: click.echo(f"Daycount is serving on {where}"))


def _only_account(definitions: Snapshot) -> str:
    names = list(definitions.accounts)
    if len(names) == 1:
        return names[0]
    if not names:
        raise UsageError("no definitions are pushed yet: use `daycount define push FILE`")
    raise UsageError(f"--account is missing; the definitions hold {', '.join(names[:10])}")

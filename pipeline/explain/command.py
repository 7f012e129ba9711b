"""Owns `daycount explain`: the words that people type. What they do is done elsewhere."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack, closing

import click

from pipeline.definitions.options import definitions_option
from pipeline.definitions.source import open_definitions
from pipeline.explain.body import Look, chosen, explain_event, to_json
from pipeline.explain.judge import Judge
from pipeline.explain.past import look_up
from pipeline.model.definition import AccountDefinitions, Snapshot
from pipeline.model.errors import DamagedStore, StoreError, UsageError
from pipeline.store import Store, open_store
from pipeline.store.fixed import visitor_key_given

EVENT_FILE_BYTES_MAX = 1 << 20
STDIN = "-"


@click.command()
@click.argument("event", default=STDIN, metavar="[EVENT.json]")
@click.option("--account", metavar="A", help="The account; needed where there are several.")
@definitions_option
@click.option("--store", "store_url", metavar="URL", envvar="DAYCOUNT_STORE", show_envvar=True,
              help="Also ask this store: was it counted already, is it a visitor's first?")  # fmt: skip
@click.option("--metric", metavar="M", help="Explain this metric only.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, the body of POST /v1/explain.")
def explain(
    event: str, account: str | None, definitions_url: str, store_url: str | None, metric: str | None, as_json: bool
) -> None:
    """Say why an event does or does not count, clause by clause.

    EVENT.json holds one event as JSON; without it, or with -, it is read from standard input. It is judged as if it
    arrived now. Nothing is counted.
    """
    text = _read(event)
    with closing(open_definitions(definitions_url)) as source:
        definitions = _pick(source.read(), account)
    try:
        metrics = chosen(definitions, metric)
    except KeyError:
        raise UsageError(f"account {definitions.account} has no metric {metric}; see `daycount define list`") from None
    judge, now_ns = Judge(definitions), time.time_ns()
    with ExitStack() as stack:
        look = None if store_url is None else _look(stack.enter_context(closing(open_store(store_url))), judge, now_ns)
        try:
            body = explain_event(judge, text, metrics, now_ns, look)
        except DamagedStore:
            raise
        except StoreError as error:
            raise UsageError(f"--store {store_url}: {error}") from error
    if as_json:
        click.echo(to_json(body, indent=True))
        return
    from pipeline.explain.screen import show

    show(body, sys.stdout)


def _look(store: Store, judge: Judge, now_ns: int) -> Look:
    key = visitor_key_given()
    return lambda line: look_up(store, judge, line, now_ns, key)


def _read(path: str) -> bytes:
    """One event's text; a byte more than the bound is enough to see that it is beyond."""
    try:
        if path == STDIN:
            text = sys.stdin.buffer.read(EVENT_FILE_BYTES_MAX + 1)
        else:
            with open(path, "rb") as file:
                text = file.read(EVENT_FILE_BYTES_MAX + 1)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; name a file that holds one event as JSON") from None
    if len(text) > EVENT_FILE_BYTES_MAX:
        raise UsageError(f"{path}: larger than {EVENT_FILE_BYTES_MAX:,} bytes; give one event")
    return text


def _pick(snapshot: Snapshot, account: str | None) -> AccountDefinitions:
    names = list(snapshot.accounts)
    if account is None and len(names) != 1:
        known = f"the definitions hold {', '.join(names[:10])}" if names else "no definitions are pushed yet"
        raise UsageError(f"--account is missing; {known}")
    name = account or names[0]
    if name not in snapshot.accounts:
        raise UsageError(f"--account {name}: it has no definitions; `daycount define list` shows who has")
    return snapshot.accounts[name]

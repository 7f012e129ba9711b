"""Owns `daycount watch`: the words that people type. When what is told to whom is `readers.watch`'."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from pipeline.definitions.options import definitions_option
from pipeline.definitions.source import open_definitions
from pipeline.model.definition import Snapshot
from pipeline.model.errors import RunError, StoreError, UsageError
from pipeline.store import Store, open_store
from readers.commands import STORE_WAIT_S, store_option


@click.command()
@click.option(
    "--webhook",
    metavar="URL",
    envvar="DAYCOUNT_WEBHOOK",
    show_envvar=True,
    required=True,
    help="Where messages go, as Slack's incoming webhooks take them.",
)
@store_option
@definitions_option
@click.option("--account", metavar="A", help="Only experiments of this account.")
@click.option("--state", metavar="PATH", default="daycount-watch.json", show_default=True, help="Remembers what was told.")
@click.option(
    "--every",
    "every_s",
    metavar="SECONDS",
    default=60.0,
    show_default=True,
    type=click.FloatRange(min=0.1),
    help="Between looks.",
)
@click.option("--looks", default=3, show_default=True, type=click.IntRange(1, 1000), help="In a row that a decision holds.")
@click.option("--min-hours", default=24.0, show_default=True, type=click.FloatRange(0), help="Since the epoch began.")
@click.option("--min-visitors", default=1000, show_default=True, type=click.IntRange(0), help="In all variations.")
@click.option("--once", is_flag=True, help="Look once and end, for cron.")
def watch(
    webhook: str, store_url: str, definitions_url: str, account: str | None, state: str, every_s: float,
    looks: int, min_hours: float, min_visitors: int, once: bool,
) -> None:  # fmt: skip
    """Send a message when an experiment's decision changes, and another when it no longer holds."""
    from readers.watch.judgement import Manners
    from readers.watch.memory_file import MemoryFile
    from readers.watch.rounds import Round, names
    from readers.watch.webhook import Webhook

    _log_to_stderr()
    with ExitStack() as opened:
        ended = opened.enter_context(_ended_by_signals())
        hook = Webhook(webhook, ended.wait)
        source = opened.enter_context(closing(open_definitions(definitions_url)))
        known = source.read().accounts
        if account is not None and account not in known:
            raise UsageError(f"--account {account} has no definitions; there are {names(known)}")
        open_store(store_url).close()  # a store that isn't there is refused now
        memories = opened.enter_context(MemoryFile.opened(Path(state)))
        one = Round(memories, hook, Manners(min_hours, min_visitors, looks), account, lambda: datetime.now(UTC))
        if not once:
            click.echo(f"Daycount is watching; messages go to {hook.host}")
        while not ended.is_set():
            told = _look(one.look, store_url, source.read)
            if once:
                if not told:
                    raise RunError("not everything could be looked at and told: see above; the next look tries again")
                return
            ended.wait(every_s)


def _look(look: Callable[[Store, Snapshot], bool], store_url: str, read: Callable[[], Snapshot]) -> bool:
    """One round. A store that does not answer is logged, and asked again at the next look."""
    try:
        with closing(open_store(store_url, wait_s=STORE_WAIT_S)) as store:
            return look(store, read())
    except (StoreError, UsageError) as error:
        logging.getLogger("daycount.watch").warning("%s", error)
        return False


@contextmanager
def _ended_by_signals() -> Iterator[threading.Event]:
    """SIGINT and SIGTERM end it between two messages: what is being told is told to its end."""
    ended = threading.Event()
    before = {s: signal.signal(s, lambda *_: ended.set()) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _log_to_stderr() -> None:
    log = logging.getLogger("daycount.watch")
    if not log.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%dT%H:%M:%S%z"))
        log.addHandler(handler)
        log.setLevel(logging.INFO)

"""The command `daycount audit`: its options, what can be wrong with them, and its exit code."""

from __future__ import annotations

import json
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import click

from pipeline.audit.compare import Days, compare
from pipeline.audit.read import chosen, find_inputs, recount_files
from pipeline.audit.report import Audit, Screen
from pipeline.definitions.options import definitions_option
from pipeline.definitions.source import open_definitions
from pipeline.memory import tune_memory
from pipeline.model import layout
from pipeline.model.definition import Snapshot
from pipeline.model.errors import StoreError, UsageError
from pipeline.sources.files import input_bytes
from pipeline.store import Store, open_store

EXIT_DIFFERS = 1


@dataclass(frozen=True, slots=True)
class AuditOptions:
    """The options as given; see the command's help."""

    inputs: tuple[str, ...]
    store_url: str
    definitions_url: str
    account: str | None
    first: str | None
    last: str | None
    metrics: tuple[str, ...]
    passes: int
    as_json: bool


@click.command()
@click.option("--input", "inputs", multiple=True, required=True, metavar="URL", help="A file, a glob, or - for stdin.")
@click.option("--store", "store_url", required=True, metavar="URL", help="sqlite:///PATH or bigtable://PROJECT/INSTANCE.")
@definitions_option
@click.option("--account", metavar="A", help="The account the input is of, as for run; only it is compared.")
@click.option("--from", "first", metavar="DAY", help="First day to compare [default: the input's first].")
@click.option("--to", "last", metavar="DAY", help="Last day to compare [default: the input's last].")
@click.option("--metric", "metrics", multiple=True, metavar="M", help="Compare this metric only; may be repeated.")
@click.option("--passes", type=click.IntRange(1, 1000), default=1, show_default=True,
              help="Read the input so many times, each for a part of the visitors: that much less memory.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def audit(**given: Any) -> int:
    """Recount raw events and compare with the store, cell by cell.

    The input must be all that was counted on the days compared, and all that came before of the same visitors where a
    measure is once per visitor. Late events, duplicates and rejects depend on when events arrived and are not compared,
    nor are earlier revisions. The store is only read; while a pipeline counts into it, the newest numbers may differ.

    \b
    Takes about 150 MB of memory per million events that match a metric; see --passes.
    Exit codes: 0 all is equal; 1 something differs, or a file breaks off; 2 wrong usage, or the store went away.
    """
    found = start(AuditOptions(**given))
    click.echo(json.dumps(found.as_record()) if given["as_json"] else found.as_text())
    return 0 if found.equal else EXIT_DIFFERS


def start(options: AuditOptions) -> Audit:
    """Check, recount, compare. Raises UsageError for what the user can mend."""
    days = Days(_day(options.first, "--from"), _day(options.last, "--to"))
    if days.first and days.last and days.first > days.last:
        raise UsageError(f"--from {days.first} is after --to {days.last}: swap them")
    paths = find_inputs(options.inputs, options.passes)
    with closing(open_definitions(options.definitions_url)) as source:
        snapshot = chosen(source.read(), options.account, options.metrics)
    try:
        with closing(open_store(options.store_url)) as store:
            _check_layout(store, options.store_url)
            return _audit(store, options, paths, days, snapshot)
    except StoreError as error:
        raise UsageError(f"--store {options.store_url}: {error}") from error


def _audit(store: Store, options: AuditOptions, paths: list[str], days: Days, snapshot: Snapshot) -> Audit:
    tune_memory()
    size = input_bytes(paths)
    with Screen(None if size is None else size * options.passes) as screen:
        begin = time.monotonic()
        recount = recount_files(paths, snapshot, options.account, options.passes, time.time_ns(), screen.note)
        seconds = time.monotonic() - begin
        screen.note("comparing")
        return Audit(recount, compare(store, recount, days), seconds)


def _day(text: str | None, option: str) -> date | None:
    if text is None:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError as e:
        raise UsageError(f"{option} {text}: not a day; write it as 2026-10-01") from e


def _check_layout(store: Store, url: str) -> None:
    """Refuse a store that nothing was counted into, or whose cells have another form."""
    found = dict(store.read("meta", [layout.META_LAYOUT]).get(layout.META_LAYOUT, [])).get(b"v")
    if found is None:
        raise UsageError(f"--store {url}: no run has counted into it yet; correct the URL, or run the pipeline first")
    try:
        version = json.loads(found)["version"]
    except (ValueError, KeyError, TypeError) as e:
        raise UsageError(f"--store {url}: not a Daycount store, its layout record is unreadable; use another store") from e
    if version != layout.LAYOUT_VERSION:
        raise UsageError(
            f"--store {url}: it has layout version {version}, this program reads {layout.LAYOUT_VERSION}: "
            "use the program version that made it"
        )

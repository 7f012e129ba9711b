"""The command `daycount run`: its options, what can be wrong with them, and the summary. The work is `local`'s.

Files, definitions and store are looked at before Beam is imported, so that a mistake is told at once.
"""

from __future__ import annotations

import json
import logging
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import click

from pipeline.definitions.options import definitions_option
from pipeline.definitions.refreshing import REFRESH_S, RefreshedDefinitions
from pipeline.definitions.source import DefinitionsSource, open_definitions
from pipeline.memory import tune_memory
from pipeline.model.definition import Snapshot
from pipeline.model.errors import UsageError
from pipeline.progress import Progress, bounded_run_name, following_run_name
from pipeline.reject_limit import RATIO_MAX, RejectLimit
from pipeline.reject_places import open_rejects
from pipeline.run_screen import Screen, as_record, as_text
from pipeline.sources.files import blocks
from pipeline.sources.opening import Inputs, is_named, shown
from pipeline.store import Store, open_store
from pipeline.store.fixed import Fixed, fix, visitor_key_given
from pipeline.worker import WorkerSetup

if TYPE_CHECKING:
    from pipeline.local import Summary
    from pipeline.streaming.dataflow import Launched

SMALL_INPUT_BYTES = 64 * 1024 * 1024  # below it, starting processes takes longer than the work
HELD_MB = 24  # per worker: what a large chunk needs is read again for each
HELD_LIVE_MB = 96  # small units come all the time, and would read much for a few hits
SHARDS_DEFAULT = 8  # for one machine
LOCAL_RUNNERS = ("FnApiRunner", "DirectRunner")
RUNNERS = (*LOCAL_RUNNERS, "PrismRunner", "FlinkRunner", "PortableRunner", "DataflowRunner")  # that Beam knows in any case


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The options as given; see the command's help."""

    inputs: tuple[str, ...]
    store_url: str
    definitions_url: str
    account: str | None
    follow: bool
    rejects: str | None
    rejects_max: float | None
    refresh_s: float
    workers: int | None
    shards: int | None
    dedup_days: int
    held_mb: int | None
    create_tables: bool
    runner: str
    as_json: bool
    beam: tuple[str, ...]


@click.command(context_settings={"ignore_unknown_options": True})
@click.option(
    "--input",
    "inputs",
    multiple=True,
    required=True,
    metavar="URL",
    help="A file, a glob, - for stdin, redis://HOST:PORT/DB?stream=NAME, pubsub://PROJECT/SUBSCRIPTION or "
    "kafka://HOST:PORT/TOPIC.",
)
@click.option("--store", "store_url", required=True, metavar="URL", help="sqlite:///PATH or bigtable://PROJECT/INSTANCE.")
@definitions_option
@click.option("--account", metavar="A", help="The account the input is of; records that say another are rejected.")
@click.option("--follow", is_flag=True, help="Go on with what comes: in a stream, in growing files, in new files.")
@click.option(
    "--rejects",
    metavar="PLACE",
    help="Where rejected records are kept: a file, pubsub://PROJECT/TOPIC or redis://HOST:PORT/DB?stream=NAME "
    "[default: a file beside the store].",
)
@click.option(
    "--rejects-max",
    type=click.FloatRange(0, 1),
    help="End where a larger part of the last 10,000 or more records is rejected; 1: never "
    f"[default: {RATIO_MAX}; not on engines].",
)
@click.option(
    "--refresh-s", type=click.FloatRange(min=0.1), default=REFRESH_S, show_default=True, help="Definitions are read again."
)
@click.option("--workers", type=click.IntRange(1, 64), help="Processes [default: one per core, 1 for small input].")
@click.option("--shards", type=int, help="Parts the work is cut into, fixed by the first run on a store [default: 8].")
@click.option("--dedup-days", type=click.IntRange(1, 400), default=7, show_default=True, help="Event ids are remembered.")
@click.option(
    "--held-mb", type=click.IntRange(0), help="Memory per worker for what is known of visitors [default: 24, live 96]."
)
@click.option("--create-tables", is_flag=True, help="Create absent Bigtable tables.")
@click.option(
    "--runner",
    callback=lambda _, __, given: next((name for name in RUNNERS if name.lower() == given.lower()), given),
    default="FnApiRunner",
    show_default=True,
    help="Any Beam runner; with --follow an engine that takes streams without end (README: On engines).",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@click.argument("beam", nargs=-1, type=click.UNPROCESSED, metavar="[BEAM OPTIONS]")
def run(**given: Any) -> None:
    """Count events from files or streams into a store, exactly once.

    The same input again changes nothing; an interrupted run goes on where it stopped. Ctrl-C ends it after the chunk
    in work. Options that are not listed here go to Beam.
    """
    options = RunOptions(**given)
    outcome = start(options)
    if isinstance(outcome, tuple):
        click.echo(json.dumps(outcome._asdict()) if options.as_json else f"job {outcome.name} {outcome.id}: {outcome.url}")
        return
    click.echo(json.dumps(as_record(outcome)) if options.as_json else as_text(outcome, shown(rejects_place(options))))


def start(options: RunOptions) -> Summary | Launched:
    """Check, open, run; where nobody waits for the engine that does the work, its job. Raises UsageError for what the user
    can mend.
    """
    rejects = rejects_place(options)
    inputs = Inputs.of(options.inputs, options.follow, rejects)
    definitions = open_definitions(options.definitions_url)
    snapshot = definitions.read()
    _check_account(snapshot, options)
    if options.rejects:
        _check_rejects(rejects)
    store = open_store(options.store_url, create=True, create_tables=options.create_tables)
    try:
        if not options.rejects:
            _check_rejects(rejects)  # beside the store, so its place is looked at after the store's
        fixed = fix(store, shards=options.shards, default_shards=SHARDS_DEFAULT, visitor_key=visitor_key_given())
        if options.runner not in LOCAL_RUNNERS and (options.follow or inputs.streams):
            return _submit(options, store, fixed, snapshot, rejects)
        return _drive(options, inputs, definitions, snapshot, store, fixed, rejects)
    finally:
        store.close()
        definitions.close()


def _drive(
    options: RunOptions,
    inputs: Inputs,
    definitions: DefinitionsSource,
    snapshot: Snapshot,
    store: Store,
    fixed: Fixed,
    rejects: str,
) -> Summary:
    tune_memory()
    with ExitStack() as open_ones:
        stopped = open_ones.enter_context(_ends_on_signal())
        # A stream that isn't there is told before Beam is imported, which takes seconds.
        opened = inputs.open(lambda: _progress(options, inputs, store, snapshot), excluded=[rejects])
        source = open_ones.enter_context(closing(opened))
        screen = open_ones.enter_context(Screen(inputs.bytes, live=options.follow))
        screen.note("starting Beam")
        logging.basicConfig(level=logging.ERROR, force=True)  # Beam warns about cloud libraries that aren't needed here
        try:
            from pipeline.job import WorkersHandle
            from pipeline.local import LocalRun, run_on
            from pipeline.runners import check_options
        except ModuleNotFoundError as e:
            raise UsageError(f"Apache Beam is not installed here ({e}): install Daycount with its dependencies") from e

        check_options(options.beam)
        setup = _worker_setup(options, fixed)
        if options.runner not in LOCAL_RUNNERS:
            whole = blocks(inputs.paths, {})
            return run_on(options.runner, options.beam, whole, snapshot, WorkersHandle(setup, 1), rejects, store)
        few = options.follow or (inputs.bytes is not None and inputs.bytes < SMALL_INPUT_BYTES)
        count = options.workers or (1 if few else min(os.cpu_count() or 1, fixed.shards))
        refreshed = open_ones.enter_context(closing(RefreshedDefinitions(definitions, snapshot, options.refresh_s)))
        local = LocalRun(
            store=store,
            definitions=refreshed,
            workers=WorkersHandle(setup, count),
            shards=fixed.shards,
            rejects=rejects,
            options=options.beam,
            overlap=1 if count == 1 else 2,
            stopped=stopped,
            progressed=screen.show,
            reject_limit=RejectLimit(RATIO_MAX if options.rejects_max is None else options.rejects_max),
            live=options.follow,
        )
        return local.run(source)


def _submit(options: RunOptions, store: Store, fixed: Fixed, snapshot: Snapshot, rejects: str) -> Summary | Launched:
    """Hand a job without end to an engine."""
    if not options.follow:
        raise UsageError(f"--runner {options.runner} reads streams without end: add --follow")
    if options.workers:
        raise UsageError(f"--workers: {options.runner} has workers of its own; say how many with its options")
    if options.rejects_max is not None:
        raise UsageError(
            f"--rejects-max: a job on {options.runner} can't be ended from inside; watch its counters rejected.*"
        )
    if not options.rejects:
        raise UsageError("--rejects: say where all workers can keep them: pubsub://PROJECT/TOPIC or a stream of Redis")
    logging.basicConfig(level=logging.ERROR, force=True)
    from pipeline.streaming.graph import Job
    from pipeline.streaming.setup import EngineSetup
    from pipeline.streaming.submit import DATAFLOW, submit

    setup = EngineSetup(
        store_url=options.store_url,
        definitions_url=options.definitions_url,
        refresh_s=options.refresh_s,
        account=options.account,
        dedup_days=options.dedup_days,
        held_bytes_max=_held_bytes(options),
    )
    on_dataflow = options.runner == DATAFLOW
    job = Job(options.inputs, rejects, setup, by_engine=on_dataflow, from_the_side=on_dataflow)
    with _ends_on_signal() as stopped:
        outcome = submit(options.runner, options.beam, job, store, shards=fixed.shards, snapshot=snapshot, stopped=stopped)
        if isinstance(outcome, tuple) or (stopped() and not outcome.interrupted):
            click.echo("daycount: the job goes on at the engine; look after it and stop it there", err=True)
    return outcome


def _held_bytes(options: RunOptions) -> int:
    held_mb = options.held_mb if options.held_mb is not None else HELD_LIVE_MB if options.follow else HELD_MB
    return held_mb * 1024 * 1024


def _worker_setup(options: RunOptions, fixed: Fixed) -> WorkerSetup:
    return WorkerSetup(
        options.store_url, fixed.shards, fixed.visitor_key, options.account, options.dedup_days, _held_bytes(options)
    )


def _progress(options: RunOptions, inputs: Inputs, store: Store, snapshot: Snapshot) -> Progress:
    """What is remembered of the files of this run."""
    if inputs.follow:
        return Progress(store, following_run_name(inputs.files, options.account))
    return Progress(store, bounded_run_name(inputs.paths, options.account, snapshot.version))


def rejects_place(options: RunOptions) -> str:
    """Where rejects go: as told, else beside a SQLite store, else the current directory; never into what is read."""
    if options.rejects:
        if is_named(options.rejects, options.inputs):
            raise UsageError(f"--rejects {shown(options.rejects)}: it is read as --input; name another for what is left")
        return options.rejects
    path = "daycount.rejects.jsonl"
    if options.store_url.startswith("sqlite:///"):
        path = unquote(options.store_url.removeprefix("sqlite:///")) + ".rejects.jsonl"
    while is_named(path, options.inputs):
        path = path.removesuffix(".jsonl") + ".again.jsonl"
    return path


def _check_account(snapshot: Snapshot, options: RunOptions) -> None:
    if options.account is not None and options.account not in snapshot.accounts:
        known = ", ".join(sorted(snapshot.accounts)[:5]) or "none"
        raise UsageError(
            f"--account {options.account}: no definitions of it at {shown(options.definitions_url)} (there: {known}); "
            "push some with daycount define push, or correct the name"
        )


def _check_rejects(place: str) -> None:
    with closing(open_rejects(place)) as opened:
        opened.check()


@contextmanager
def _ends_on_signal() -> Iterator[Any]:
    """SIGINT and SIGTERM ask for an end after the chunk in work; gives what says whether they did."""
    asked: list[int] = []
    before = {s: signal.signal(s, lambda number, _: asked.append(number)) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

"""The command `daycount demo`: its options, its directory, and how it is told to end."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from pipeline.model.errors import UsageError

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@click.command()
@click.option("--dir", "directory", metavar="DIR", help="A new directory to keep [default: a temporary one].")
@click.option(
    "--seconds",
    type=click.IntRange(1),
    envvar="DEMO_SECONDS",
    show_envvar=True,
    help="End after so long, and compare what was sent with what is answered [default: go on until Ctrl-C].",
)
@click.option("--port", type=click.IntRange(1, 65535), default=8080, show_default=True, help="Or the next free one.")
@click.option("--rate", type=click.IntRange(1, 2_000), default=200, show_default=True, help="Live events per second.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of the simulated visitors.")
@click.pass_context
def demo(context: click.Context, directory: str | None, seconds: int | None, port: int, rate: int, seed: int) -> None:
    """Run everything on this machine with a simulated shop.

    Starts a Redis of its own, the pipeline and the read service, and sends them two weeks of a shop's events and then
    live ones, with an A/B test among them. Ctrl-C ends it.
    """
    with _told_to_end() as stopped, _folder(directory) as folder:
        from rich.console import Console

        from pipeline.demo.show import Show

        kept, console = directory is not None, Console(highlight=False)
        show = Show(folder, kept, seconds, port, rate, seed, stopped, console)
        alike = show.run()
    context.exit(0 if alike else 1)


@contextmanager
def _folder(directory: str | None) -> Iterator[Path]:
    """An empty directory, as an absolute path."""
    if directory is None:
        with tempfile.TemporaryDirectory(prefix="daycount-demo-", ignore_cleanup_errors=True) as made:
            yield Path(made).resolve()
        return
    folder = Path(directory).expanduser().resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        used = any(folder.iterdir())
    except OSError as error:
        raise UsageError(f"--dir {directory}: {error.strerror}; name a directory that can be made") from None
    if used:
        raise UsageError(f"--dir {directory}: there is something in it already; name a new one, or remove it")
    yield folder


@contextmanager
def _told_to_end() -> Iterator[Callable[[], bool]]:
    """Ctrl-C, a signal, or the terminal's end; gives what says whether one of them has come."""
    came: list[int] = []
    before = {number: signal.signal(number, lambda got, _: came.append(got)) for number in SIGNALS}
    try:
        yield lambda: bool(came)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

"""What a person sees of a run: progress on a terminal, and the summary as text or JSON."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from pipeline.local import Summary

_REJECTED = "rejected."


class Screen:
    """Progress on stderr while it is a terminal, nothing otherwise. input_bytes: of the whole input, None: unknown."""

    def __init__(self, input_bytes: int | None) -> None:
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=console, disable=not console.is_terminal, transient=True)
        self._task = self._progress.add_task("reading", total=input_bytes)

    def __enter__(self) -> Screen:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._progress.stop()

    def note(self, what: str) -> None:
        """Say what is going on."""
        self._progress.update(self._task, description=what)

    def show(self, summary: Summary) -> None:
        """Show how far it has come."""
        record = as_record(summary)
        words = f"{record['events']:,} events, {record['events_per_s']:,}/s, {sum(record['rejects'].values()):,} rejects"
        self._progress.update(self._task, completed=summary.input_bytes, description=words)


def as_record(summary: Summary) -> dict[str, Any]:
    """The summary as JSON says it. `duplicates`: deliveries that added nothing; `seconds` is without start-up."""
    tally = summary.tally
    rejects = {name.removeprefix(_REJECTED): n for name, n in sorted(tally.items()) if name.startswith(_REJECTED)}
    return {
        "events": tally["events"],
        "hits": tally["hits"],
        "duplicates": tally["duplicates"],
        "rejects": rejects,
        "clocks_corrected": tally["clocks_corrected"],
        "units": tally["units"],
        "seconds": round(summary.seconds, 3),
        "events_per_s": round(tally["events"] / summary.seconds) if summary.seconds else 0,
        "resumed": summary.resumed,
        "interrupted": summary.interrupted,
    }


def as_text(summary: Summary, rejects_path: str) -> str:
    """The summary for people."""
    record = as_record(summary)
    lines = [
        f"{record['events']:,} events in {record['seconds']:.1f} s ({record['events_per_s']:,}/s): "
        f"{record['hits']:,} matched a metric, {record['duplicates']:,} of these were duplicates"
    ]
    if record["rejects"]:
        reasons = ", ".join(f"{n:,} {reason}" for reason, n in record["rejects"].items())
        lines.append(f"rejected: {reasons}; kept in {rejects_path}")
        if "no_account" in record["rejects"]:
            lines.append("records that name no account are of the one given with --account")
    if summary.interrupted:
        lines.append("interrupted: what was read is committed; the same command goes on from here")
    return "\n".join(lines)

"""What a person sees of a run: progress on a terminal, a line now and then in a log, and the summary as text or JSON."""

from __future__ import annotations

import time
from collections import deque
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from pipeline.reject_limit import REJECTED

if TYPE_CHECKING:
    from pipeline.local import Summary

REPORT_S = 10.0  # between lines in a log, of a run that goes on
RATE_S = 10.0  # over so long events/s are taken, of a run that goes on


class Screen:
    """Progress on stderr while it is a terminal; else nothing, or where the run is live a line every `REPORT_S`.

    input_bytes: of the whole input, None: unknown.
    """

    def __init__(self, input_bytes: int | None, live: bool = False) -> None:
        self._console = Console(stderr=True, soft_wrap=True, highlight=False)
        bars = () if live else (BarColumn(), DownloadColumn(), TimeRemainingColumn())
        self._progress = Progress(
            TextColumn("{task.description}"), *bars, console=self._console, disable=not self._console.is_terminal,
            transient=True,
        )  # fmt: skip
        self._task = self._progress.add_task("reading", total=input_bytes)
        self._live = live
        self._seen: deque[tuple[float, int]] = deque([(time.monotonic(), 0)])  # (when, events until then)
        self._reported = ""
        self._report_at = 0.0

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
        per_s = self._events_per_s(record["events"]) if self._live else record["events_per_s"]
        counted = f"{record['events']:,} events"
        rejects = f"{sum(record['rejects'].values()):,} rejects"
        words = [counted, f"{per_s:,}/s", *_waiting(summary), rejects, *([summary.trouble] if summary.trouble else [])]
        self._progress.update(self._task, completed=summary.input_bytes, description=", ".join(words))
        if self._live and not self._console.is_terminal:
            self._report(", ".join(words), changed=f"{counted} {rejects} {summary.trouble}")

    def _events_per_s(self, events: int) -> int:
        now = time.monotonic()
        self._seen.append((now, events))
        while len(self._seen) > 2 and self._seen[1][0] < now - RATE_S:
            self._seen.popleft()
        since, before = self._seen[0]
        return round((events - before) / (now - since)) if now > since else 0

    def _report(self, words: str, changed: str) -> None:
        now = time.monotonic()
        if changed != self._reported and now >= self._report_at:
            self._reported, self._report_at = changed, now + REPORT_S
            self._console.print(f"daycount: {words}", markup=False)


def _waiting(summary: Summary) -> list[str]:
    if summary.backlog is None:
        return []
    amount, unit = summary.backlog
    shown = f"{amount / 1e6:,.1f} MB" if unit == "bytes" else f"{amount:,} {unit}"
    return [f"backlog {shown}"]


def as_record(summary: Summary) -> dict[str, Any]:
    """The summary as JSON says it. `duplicates`: deliveries that added nothing; `seconds` is without start-up."""
    tally = summary.tally
    rejects = {name.removeprefix(REJECTED): n for name, n in sorted(tally.items()) if name.startswith(REJECTED)}
    return {
        "events": tally["events"],
        "hits": tally["hits"],
        "duplicates": tally["duplicates"],
        "rejects": rejects,
        "clocks_corrected": tally["clocks_corrected"],
        "units": tally["units"],
        "seconds": round(summary.seconds, 3),
        "events_per_s": round(tally["events"] / summary.seconds) if summary.seconds else 0,
        "backlog": summary.backlog._asdict() if summary.backlog else None,
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
        left = "".join(f" ({waiting})" for waiting in _waiting(summary))
        lines.append(f"interrupted: what was read is committed; the same command goes on from here{left}")
    return "\n".join(lines)

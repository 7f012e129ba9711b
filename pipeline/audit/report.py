"""What a person or a program sees of an audit: progress on a terminal, and the findings as text or JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from pipeline.audit.compare import Comparison
from pipeline.audit.difference import day_text
from pipeline.audit.recount import Recount

_REJECTED = "rejected."
_ACCOUNTS_SHOWN_MAX = 10
_NOTES_SHOWN_MAX = 20


@dataclass(frozen=True, slots=True)
class Audit:
    """All that an audit came to. `seconds` are those of reading and recounting."""

    recount: Recount
    comparison: Comparison
    seconds: float

    @property
    def equal(self) -> bool:
        """Something was compared, and nothing differs."""
        return bool(self.comparison.spans) and not self.comparison.differing

    def as_record(self) -> dict[str, Any]:
        """As JSON says it; of differences and notes only so many as are shown."""
        tally, found = self.recount.tally, self.comparison
        trials = {"experiments": found.cells["experiments"]} if found.cells["experiments"] else {}
        return {
            "equal": self.equal,
            "events": tally["events"],
            "counted": tally["counted"],
            "copies": tally["copies"],
            "copies_that_differ": tally["differing_copies"],
            "rejects": self._rejects(),
            "accounts": {account: [day_text(day) for day in span] for account, span in found.spans.items()},
            "cells": {"days": found.cells["days"], "hours": found.cells["hours"], **trials},
            "differing": found.differing.total(),
            "differing_metrics": [[*names, n] for names, n in found.differing.items()],
            "differences": [difference.as_record() for difference in found.shown],
            "notes": [*self._own_notes(), *found.notes],
            "seconds": round(self.seconds, 3),
            "events_per_s": round(tally["events"] / self.seconds) if self.seconds else 0,
        }

    def as_text(self) -> str:
        """For people: what differs, then what was compared."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        found, tally = self.comparison, self.recount.tally
        yield from (difference.as_text() for difference in found.shown)
        if (left := found.differing.total() - len(found.shown)) > 0:
            worst = ", ".join(f"{metric} of {account} {n:,}" for (account, metric), n in found.differing.most_common(5))
            yield f"and {left:,} more; by metric: {worst}"
        notes = [*self._own_notes(), *found.notes]
        yield from (f"note: {note}" for note in notes[:_NOTES_SHOWN_MAX])
        if len(notes) > _NOTES_SHOWN_MAX:
            yield f"and {len(notes) - _NOTES_SHOWN_MAX} notes more"
        yield (
            f"{tally['events']:,} events in {self.seconds:.1f} s: {tally['counted']:,} matched a metric, beside "
            f"{tally['copies']:,} copies of them"
        )
        if rejects := self._rejects():
            yield f"rejected: {', '.join(f'{n:,} {reason}' for reason, n in rejects.items())}"
        yield f"{self._compared()}: {self._verdict()}"

    def _compared(self) -> str:
        found = self.comparison
        shown = [f"{a} {day_text(f)} to {day_text(to)}" for a, (f, to) in list(found.spans.items())[:_ACCOUNTS_SHOWN_MAX]]
        more = len(found.spans) - len(shown)
        where = ", ".join(shown) + (f" and {more} accounts more" if more > 0 else "") or "no account"
        trials = f", {found.cells['experiments']:,} numbers of experiments" if found.cells["experiments"] else ""
        return f"{found.cells['days']:,} cells of days and {found.cells['hours']:,} of hours{trials} compared ({where})"

    def _verdict(self) -> str:
        if not self.comparison.spans:
            return "there was nothing to compare"
        differing = self.comparison.differing.total()
        return f"{differing:,} differ" if differing else "all equal"

    def _rejects(self) -> dict[str, int]:
        tally = sorted(self.recount.tally.items())
        return {name.removeprefix(_REJECTED): n for name, n in tally if name.startswith(_REJECTED)}

    def _own_notes(self) -> Iterator[str]:
        if n := self.recount.tally["differing_copies"]:
            yield (
                f"{n:,} copies say something else than the event they are copies of; the recount takes the first in the "
                "input, the store the first that arrived"
            )


class Screen:
    """Progress on stderr while it is a terminal, nothing otherwise. input_bytes: of all passes, None: unknown."""

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

    def note(self, what: str, input_bytes: int = 0) -> None:
        """Say what is going on, and that so much more was read."""
        self._progress.update(self._task, description=what, advance=input_bytes)

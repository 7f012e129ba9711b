"""What an audit finds: one cell that is not as it should be, named so that one can look it up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Any

from pipeline.model.layout import EPOCH_ORDINAL, HOURS_PER_DAY

RECOUNT = "recount"  # the store has another number than the recount
HOURS = "hours"  # within one slot, a day's hours don't come to the day's total, which stands as `recounted`
DAMAGED = "damaged"  # a cell that can't be read
UNKNOWN_REVISION = "unknown_revision"  # cells of a revision that was never in force, or numbers of one without cells


@dataclass(frozen=True, slots=True)
class Difference:
    """`stored` and `recounted` are exact numbers as text; None: there is none. `day` None: not of one day."""

    kind: str
    account: str
    metric: str  # with its revision
    measure: str = ""
    day: int | None = None  # since 1970
    hour: int | None = None  # as in `calendar`; None: the whole day
    breakdown: str = ""
    value: str = ""
    slot: int | None = None  # None: all of them
    stored: str | None = None
    recounted: str | None = None
    detail: str = ""

    def as_record(self) -> dict[str, Any]:
        """As one JSON object, without what doesn't apply."""
        when = {} if self.day is None else {"day": day_text(self.day)}
        hour = {} if self.hour is None else {"hour": hour_text(self.hour)}
        by = {"breakdown": self.breakdown, "value": self.value} if self.breakdown else {}
        slot = {} if self.slot is None else {"slot": self.slot}
        numbers = {"stored": self.stored, "recounted": self.recounted} if self.measure else {}
        named = {"measure": self.measure} if self.measure else {}
        detail = {"detail": self.detail} if self.detail else {}
        return {"kind": self.kind, "account": self.account, "metric": self.metric, **named, **when, **hour, **by, **slot,
                **numbers, **detail}  # fmt: skip

    def as_text(self) -> str:
        """One line. Values come from events, so what would move a terminal's cursor is escaped."""
        where = [self.account, self.metric, self.measure, "" if self.day is None else day_text(self.day)]
        if self.hour is not None:
            where.append(f"hour {hour_text(self.hour)}")
        if self.breakdown:
            where.append(f"{self.breakdown} = {_printable(self.value)}")
        if self.slot is not None:
            where.append(f"slot {self.slot}")
        return f"{' '.join(part for part in where if part)}: {self._verdict()}"

    def _verdict(self) -> str:
        if self.kind == RECOUNT:
            return f"stored {self.stored or 'nothing'}, recounted {self.recounted or 'nothing'}"
        if self.kind == HOURS:
            return f"stored {self.stored or 'nothing'} for the day, its hours come to {self.recounted or 'nothing'}"
        return self.detail


class Findings:
    """Differences of one sort: the first are kept, all are counted, by metric."""

    SHOWN_MAX = 20

    def __init__(self) -> None:
        self.shown: list[Difference] = []
        self.numbers: Counter[str] = Counter()

    @property
    def room(self) -> int:
        """How many more are kept."""
        return self.SHOWN_MAX - len(self.shown)

    def add(self, *differences: Difference) -> None:
        """Some more."""
        self.numbers.update(difference.metric for difference in differences)
        self.shown.extend(differences[: self.room])


def day_text(day: int) -> str:
    """A day since 1970 as 2026-10-01."""
    return date.fromordinal(day + EPOCH_ORDINAL).isoformat()


def hour_text(hour: int) -> str:
    """00 to 23; of a day on which the clocks change, `02+` is 02 past the change."""
    return f"{hour % (HOURS_PER_DAY // 2):02d}{'+' if hour >= HOURS_PER_DAY // 2 else ''}"


def _printable(text: str) -> str:
    return text if text.isprintable() else ascii(text)

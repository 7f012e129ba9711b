"""The shop's clock: writes what arrives to files of JSON lines, two weeks of history first, then as it happens."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipeline.demo.tally import Tally
from pipeline.demo.traffic import Traffic
from pipeline.demo.visit import EVENTS_PER_VISIT
from pipeline.demo.visitors import Assign

HISTORY = timedelta(days=14)
HISTORY_EVENTS_PER_DAY = 7_000
SLICE = timedelta(hours=12)  # of history is written at a time, about 50 ms of work
WARM_UP = timedelta(seconds=60)  # before the live traffic, at its rate: so it begins with visits under way
ASLEEP = timedelta(seconds=10)  # since the last look: the machine was suspended, and nobody came meanwhile
LIVE_EVENTS_MAX = 2_000_000  # about 0.8 GB, three hours at 200 a second; the shop closes then


class Sender:
    """Sends what the shop's clients do. now: the time at which live traffic begins."""

    def __init__(self, folder: Path, tally: Tally, assign: Assign, *, now: datetime, events_per_s: int, seed: int) -> None:
        folder.mkdir()
        self._folder = folder
        self._tally = tally
        self._live_from = now
        self._reached = now - HISTORY
        self._live_rate = events_per_s / EVENTS_PER_VISIT
        self._traffic = Traffic(seed, self._reached, self._visits_per_s, assign)
        self.live_events = 0
        self.history_until: datetime | None = None  # the time at which all history had been written

    @property
    def closed(self) -> bool:
        return self.live_events >= LIVE_EVENTS_MAX

    def send(self, now: datetime) -> None:
        """Write what has arrived since the last call, or the next slice of history."""
        if self._reached < self._live_from:
            until = min(self._reached + SLICE, self._live_from)
            self._write("history.jsonl", until)
            if until == self._live_from:
                self.history_until = datetime.now(UTC)
        elif not self.closed:
            if now - self._reached > ASLEEP:
                self._traffic.pause_until(now)
            self.live_events += self._write("live.jsonl", max(now, self._reached))

    def _write(self, name: str, until: datetime) -> int:
        """The number of lines. They are in the file when it returns."""
        lines = []
        for delivery in self._traffic.until(until):
            self._tally.add(delivery)
            lines.append(delivery.line)
        if lines:
            with (self._folder / name).open("ab") as file:
                file.write(b"\n".join(lines) + b"\n")
        self._reached = until
        return len(lines)

    def _visits_per_s(self, time: datetime) -> float:
        if time >= self._live_from - WARM_UP:
            return self._live_rate
        busy = 1 - 0.8 * math.cos((time.hour + time.minute / 60 - 3) / 24 * 2 * math.pi)  # quietest at three
        weekend = 1.25 if time.weekday() >= 5 else 0.9
        return HISTORY_EVENTS_PER_DAY / 86_400 / EVENTS_PER_VISIT * busy * weekend

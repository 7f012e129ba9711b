"""Owns how long something takes of its own time: without that in which it was ready to run and had no processor.

What is promised to come within seconds is promised of a machine that has them to give.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

NS_PER_S = 1e9


class OwnTime:
    """Of a process from now on, this one or a child. What waits longest of its threads is what holds up the others."""

    def __init__(self, pid: int | None = None) -> None:
        self._threads = Path(f"/proc/{pid or os.getpid()}/task")
        self._before = {} if pid else self._waited()
        self._withheld_s = 0.0
        self._begun = time.monotonic()

    def seconds(self) -> float:
        """Until now. Of a child it has to be asked while that lives, again and again; then what is known last counts."""
        waited = self._waited().items()
        withheld = max((ns - self._before.get(thread, 0) for thread, ns in waited), default=0) / NS_PER_S
        self._withheld_s = max(self._withheld_s, withheld)
        return time.monotonic() - self._begun - self._withheld_s

    def _waited(self) -> dict[str, int]:
        """ns by thread; nothing where the kernel keeps no count, so that all time is its own."""
        found: dict[str, int] = {}
        for thread in self._threads.glob("*"):
            with suppress(OSError):  # it has ended
                found[thread.name] = int((thread / "schedstat").read_text().split()[1])
        return found

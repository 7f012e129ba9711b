"""How long an operation that may be repeated is repeated: capped exponential pauses up to a deadline."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from pipeline.model.errors import TransientStoreError

FIRST_PAUSE_S = 0.02
LONGEST_PAUSE_S = 2.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """The time an operation has with all its repeats, and the clock it is measured with."""

    deadline_s: float = 60.0
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    chance: Callable[[], float] = random.random

    def repeat(self, attempt: Callable[[Callable[[], float]], T]) -> T:
        """What `attempt` returns, called again after each TransientStoreError; the last one is raised at the deadline.

        `attempt` is given a function that tells the seconds left, never quite none.
        """
        end, pause_s = self.clock() + self.deadline_s, FIRST_PAUSE_S
        while True:
            try:
                return attempt(lambda: max(0.001, end - self.clock()))
            except TransientStoreError:
                if self.clock() >= end:
                    raise
            self.sleep(min(pause_s * (0.5 + self.chance() / 2), max(0.0, end - self.clock())))
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

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
LEAST_S = 1.0  # for an attempt

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """The time an operation has with all its repeats, and the clock it is measured with."""

    deadline_s: float = 60.0
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    chance: Callable[[], float] = random.random

    def repeat(self, attempt: Callable[[Callable[[], float]], T]) -> T:
        """What `attempt` returns, called again after each TransientStoreError while there is time for the pause before.

        The last error is raised then. `attempt` is given a function that tells the seconds left, never quite none. None
        is begun at the very end: it would have too little time, and hide what the ones before were told.
        """
        end, pause_s = self.clock() + self.deadline_s, FIRST_PAUSE_S
        last = end - min(LEAST_S, self.deadline_s / 4)
        while True:
            try:
                return attempt(lambda: max(0.001, end - self.clock()))
            except TransientStoreError:
                pause = pause_s * (0.5 + self.chance() / 2)
                if self.clock() + pause >= last:
                    raise
            self.sleep(pause)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

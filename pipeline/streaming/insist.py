"""Owns how long a step waits for what it can't do without. An engine that hears nothing takes the work elsewhere by itself;
one that hears of an error begins the whole job again, or ends it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

OUTAGE_MAX_S = 300.0
PAUSE_S = 2.0


def insist(do: Callable[[], T], passing: type[Exception]) -> T:
    """What `do` gives, once it does. Raises `passing` after OUTAGE_MAX_S, and everything else at once."""
    since = time.monotonic()
    while True:
        try:
            return do()
        except passing:
            if time.monotonic() - since > OUTAGE_MAX_S:
                raise
        time.sleep(PAUSE_S)

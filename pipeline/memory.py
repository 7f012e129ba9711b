"""Keeps a process's memory where its work is: large arrays go back to the system when they are done with.

glibc raises the size from which memory is returned at once, up to 32 MB, and gives every thread an arena of its own. With
arrays and blocks of some megabytes coming and going, a process then grows with the length of its input.

A unit of many accounts makes some hundred thousand small objects, none of them in cycles: looking for cycles as often as
Python does unless told otherwise takes a quarter of the time then.
"""

from __future__ import annotations

import ctypes
import gc

MMAP_THRESHOLD_BYTES = 2 * 1024 * 1024
ARENAS_MAX = 2
MUCH_BYTES = 32 * 1024 * 1024
COLLECT_AFTER = 100_000, 20, 20  # objects made, then collections of the youngest and of the middle generation
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8  # of malloc.h


def tune_memory() -> None:
    """Call it once, early. Where the C library isn't glibc, memory goes back as it does by itself."""
    gc.set_threshold(*COLLECT_AFTER)
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return
    mallopt(_M_MMAP_THRESHOLD, MMAP_THRESHOLD_BYTES)
    mallopt(_M_ARENA_MAX, ARENAS_MAX)


def forget_cycles(input_bytes: int) -> None:
    """Free what a run of Beam's leaves behind in cycles, blocks of data among them. input_bytes: what it was about."""
    gc.collect(2 if input_bytes >= MUCH_BYTES else 1)

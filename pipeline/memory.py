"""Keeps a process's memory where its work is: large arrays go back to the system when they are done with.

glibc raises the size from which memory is returned at once, up to 32 MB, and gives every thread an arena of its own. With
arrays and blocks of some megabytes coming and going, a process then grows with the length of its input.
"""

from __future__ import annotations

import ctypes

MMAP_THRESHOLD_BYTES = 2 * 1024 * 1024
ARENAS_MAX = 2
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8  # of malloc.h


def return_memory_early() -> None:
    """Call it once, early. Does nothing where the C library isn't glibc."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return
    mallopt(_M_MMAP_THRESHOLD, MMAP_THRESHOLD_BYTES)
    mallopt(_M_ARENA_MAX, ARENAS_MAX)

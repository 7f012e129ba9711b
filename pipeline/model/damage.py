"""What the store holds and nobody can read: the error that names the row and the cure. Where bytes are read it is raised."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from pipeline.model.errors import DamagedStore

# What reading bytes of any kind raises where they are none that this program wrote.
UNREADABLE = (ValueError, TypeError, AttributeError, LookupError, OverflowError, struct.error, msgspec.MsgspecError)


def damaged(table: str, row: bytes, error: Exception) -> DamagedStore:
    """The error about a row that can't be read."""
    return DamagedStore(
        f"the store is damaged: {table} row {row!r} is unreadable ({type(error).__name__}: {error}); put back a copy of the "
        "store from before, or count the raw events into a new one"
    )


@contextmanager
def reading(table: str, row: bytes) -> Iterator[None]:
    """Raises DamagedStore where what is done inside can't read the row. Only for what does nothing else."""
    try:
        yield
    except UNREADABLE as error:
        raise damaged(table, row, error) from error

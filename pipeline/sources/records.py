"""What all streams have in common: how much of a record is kept, what names it, and the account that it is said to be of."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import overload

from pipeline.model.limits import EVENT_BYTES_MAX

RECORDS_MAX = 50_000  # in a block
RECORD_MAX = 4 * EVENT_BYTES_MAX  # of a record, what is kept: enough to see that it is too large
_ACCOUNT_MAX = 128  # twice the longest name of an account: what is longer is none, and needn't be carried along


class Places(Sequence[str]):
    """The places of a block's records. They are asked for only where a record brings no id of its own."""

    @abstractmethod
    def place_at(self, at: int) -> str:
        """That of one record, a number as of a list's items."""

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[str]: ...
    def __getitem__(self, at: int | slice) -> str | Sequence[str]:
        if isinstance(at, slice):
            return [self.place_at(n) for n in range(len(self))[at]]
        return self.place_at(at)


def account_named(said: bytes | None) -> str | None:
    """The account that a stream vouches for, by what it says; None: nobody vouches."""
    return said[:_ACCOUNT_MAX].decode(errors="replace") or None if said else None

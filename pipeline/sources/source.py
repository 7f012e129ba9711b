"""What a source of records promises the driver, whatever it reads. A class per kind of input keeps it.

Records come as blocks and are acknowledged when the store has them for good, and not before: what was taken and never
acknowledged comes again, to this run or the next.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from pipeline.sources.blocks import Block


class Backlog(NamedTuple):
    """What waits to be taken, roughly. `unit`: `bytes` or `records`."""

    amount: int
    unit: str


class Progress(Protocol):
    """What a source remembers from one run to the next: `taken` by names of its own, kept at each `save`."""

    taken: dict[str, Any]
    resumed: bool

    def save(self) -> None: ...

    def finish(self) -> None: ...


class Source(ABC):
    """Records to count. Used by one thread."""

    resumed = False  # whether it goes on where an earlier run stopped
    elsewhere = False  # whether acknowledgements are kept apart from the store, which then has to be on disk before
    trouble: str | None = None  # what it waits for to pass, for people

    @abstractmethod
    def blocks(self) -> Iterator[Block | None]:
        """The records in blocks; None whenever there are no more at the moment, at the end of all the iterator ends.

        It doesn't wait for records: the driver decides when to look again. Raises UsageError for what cannot be read
        from the start on, RunError for what breaks off later; an outage that may pass is waited out instead.
        """

    @abstractmethod
    def acknowledge(self, blocks: Sequence[Block]) -> None:
        """These blocks are in the store for good. Called in the order in which the blocks came.

        **Retry:** harmless; where it fails or is never called, the records come again and are known as duplicates.
        """

    def finish(self) -> None:  # noqa: B027 (most sources have no end)
        """All blocks there are have been acknowledged. **Retry:** harmless."""

    def backlog(self) -> Backlog | None:
        """What waits, None where that can't be told."""
        return None

    def close(self) -> None:  # noqa: B027 (nothing to close)
        """Let go of connections and files; what was not acknowledged is free for others."""

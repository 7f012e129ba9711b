"""Which partitions are this run's, and up to where each is done with. Owns no calls.

A group's offset says that everything before it is counted, so it may go up to the first record that isn't, and no further.
A *tenure* is a partition for as long as it is this run's. What was taken in one that has ended is counted all the same, but
its offsets are the next owner's to tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping


class Tenure:
    """Offsets are those behind a record; None: not known yet. `seen`: what has come; `told`: what the client was told."""

    __slots__ = ("_in_work", "_taken", "partition", "seen", "told")

    def __init__(self, partition: int) -> None:
        self.partition = partition
        self.seen: int | None = None
        self.told: int | None = None
        self._taken: int | None = None  # what has been made into blocks
        self._in_work: dict[int, int] = {}  # by the block's number: the offset of the first of its records

    @property
    def done(self) -> int | None:
        """Everything before it is counted, or was before the tenure began."""
        return min(self._in_work.values(), default=self._taken)

    def take(self) -> None:
        """All that has been seen is in blocks."""
        self._taken = self.seen

    def begin(self, block: int, first: int) -> None:
        self._in_work[block] = first

    def end(self, block: int) -> None:
        self._in_work.pop(block, None)


class Tenures:
    """This run's, by partition. `given`: whether the group has said yet which these are, be it none."""

    def __init__(self) -> None:
        self.given = False
        self._now: dict[int, Tenure] = {}
        self._of_block: dict[int, list[Tenure]] = {}  # that it has records of

    def __iter__(self) -> Iterator[Tenure]:
        return iter(self._now.values())

    def give(self, partitions: Iterable[int]) -> None:
        """These are this run's from now on."""
        self.given = True
        self._now.update((partition, Tenure(partition)) for partition in partitions)

    def take_away(self, partitions: Iterable[int]) -> None:
        for partition in partitions:
            self._now.pop(partition, None)

    def of(self, partition: int) -> Tenure | None:
        """None: it is not this run's."""
        return self._now.get(partition)

    def at(self, partition: int, offset: int) -> Tenure | None:
        """That of a record that comes now. One that comes again shows that the partition was away in between."""
        tenure = self._now.get(partition)
        if tenure is not None and tenure.seen is not None and offset < tenure.seen:
            tenure = self._now[partition] = Tenure(partition)
        return tenure

    def reach(self, partition: int, offset: int) -> None:
        """There is nothing more before this offset."""
        tenure = self._now.get(partition)
        if tenure is not None and (tenure.seen is None or tenure.seen < offset):
            tenure.seen = offset

    def begin(self, firsts: Mapping[int, Mapping[Tenure, int]]) -> None:
        """All that has been seen is in blocks now. firsts: of the new ones by number, the first offset of each tenure."""
        for block, by_tenure in firsts.items():
            self._of_block[block] = list(by_tenure)
            for tenure, first in by_tenure.items():
                tenure.begin(block, first)
        for tenure in self:
            tenure.take()

    def end(self, block: int) -> None:
        """A block is counted. **Retry:** harmless."""
        for tenure in self._of_block.pop(block, ()):
            tenure.end(block)

    def untold(self) -> Iterator[tuple[Tenure, int]]:
        """Those that are done with further than the client was told."""
        for tenure in self:
            done = tenure.done
            if done is not None and (tenure.told is None or done > tenure.told):
                yield tenure, done

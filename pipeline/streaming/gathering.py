"""Records that an engine's own source gives one by one, as blocks: as many together as the engine works on at once."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

from pipeline.sources.accounts import in_few_groups
from pipeline.sources.blocks import block_of_records
from pipeline.streaming.taken import Taken, taken

BLOCK_BYTES = 4 * 1024 * 1024


class Item(NamedTuple):
    """A record, and where it stands in its source. account: the one that the source vouches for."""

    record: bytes
    where: Any
    account: str | None


class Gather(beam.DoFn):
    """An element of the source -> `Taken` in bytes. source: names it in its blocks. **Retry:** harmless."""

    def __init__(self, number: int, source: str) -> None:
        self._number = number
        self._source = source

    @abstractmethod
    def item_of(self, element: Any) -> Item:
        """What is in an element."""

    @abstractmethod
    def place_of(self, where: Any) -> str:
        """What names a record, in every delivery."""

    def ids_of(self, wheres: Iterable[Any]) -> Sequence[str]:
        """What to acknowledge once these are counted; nothing where the engine sees to it."""
        return ()

    def start_bundle(self) -> None:
        self._empty()

    def _empty(self) -> None:
        self._by_account: dict[str | None, list[Item]] = {}
        self._bytes = 0

    def process(self, element: Any) -> Iterator[bytes]:
        item = self.item_of(element)
        self._by_account.setdefault(item.account, []).append(item)
        self._bytes += len(item.record)
        if self._bytes >= BLOCK_BYTES:
            yield from self._gathered()

    def finish_bundle(self) -> Iterator[WindowedValue]:
        for element in self._gathered():
            yield WindowedValue(element, GlobalWindow().max_timestamp(), (GlobalWindow(),))

    def _gathered(self) -> list[bytes]:
        by_account = self._by_account
        self._empty()
        groups = in_few_groups(by_account, itemgetter(0))
        return [self._taken(account, items).to_bytes() for account, items in groups if items]

    def _taken(self, account: str | None, items: Sequence[Item]) -> Taken:
        places = [self.place_of(item.where) for item in items]
        block = block_of_records(self._source, 0, [item.record for item in items], places, account)
        return taken(block, self._number, self.ids_of(item.where for item in items))

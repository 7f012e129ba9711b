"""Owns where a query finds parts of rows and what is noted in `meta`: here, straight from a store."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from pipeline.model.counter import Column
from pipeline.model.damage import reading
from pipeline.model.layout import META_COMPLETE
from pipeline.store.contract import Rows, Store
from readers.query.part import Part, PartKey, cut_cells, decode_part

Wanted = Mapping[PartKey, tuple[Column, ...]]
Parts = dict[PartKey, Part]


class Source(ABC):
    """What one query reads from."""

    @abstractmethod
    def spans(self, first: int, last: int, month_days: int, before: int, narrow: bool) -> Iterable[tuple[int, int]]:
        """Days of a month cut into what is read in one. narrow: of few cells a day. before: see `PartKey`."""

    @abstractmethod
    def parts(self, wanted: Wanted) -> Parts:
        """The parts with these keys; those that have no cells are there, empty."""

    @abstractmethod
    def meta(self, rows: Sequence[bytes]) -> Rows:
        """Rows of `meta`; absent ones are left out."""

    @abstractmethod
    def scan_meta(self, prefix: bytes) -> Rows:
        """All rows of `meta` whose key begins with `prefix`."""

    @abstractmethod
    def complete_until(self) -> str | None:
        """What was acknowledged before it is in every part that was given out so far."""


class Direct(Source):
    """Reads from a store each time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._until: str | None = None
        self._asked = False

    def spans(self, first: int, last: int, month_days: int, before: int, narrow: bool) -> Iterable[tuple[int, int]]:
        # Where one read is for several rows, it is the same days of all.
        return [(1, 31) if narrow else (first, last)]

    def parts(self, wanted: Wanted) -> Parts:
        self.complete_until()  # read before the numbers, so that it does not claim more than they show
        return read_parts(self._store, wanted)

    def meta(self, rows: Sequence[bytes]) -> Rows:
        return self._store.read("meta", rows)

    def scan_meta(self, prefix: bytes) -> Rows:
        return self._store.scan("meta", prefix)

    def complete_until(self) -> str | None:
        if not self._asked:
            self._asked, self._until = True, until_of(self.meta([META_COMPLETE]))
        return self._until


def read_parts(store: Store, wanted: Wanted) -> Parts:
    """Parts as they are now: one range in each read (a store takes several apart at a cost), neighbours together."""
    found: Parts = {}
    for span, by_row in _reads(wanted).items():
        stored = store.read("counters", list(by_row), [span])
        for row, keys in by_row.items():
            with reading("counters", row):
                cells = stored.get(row, [])
                for key in keys:
                    found[key] = decode_part(key, wanted[key], cut_cells(cells, key) if len(keys) > 1 else cells)
    return found


def _reads(wanted: Wanted) -> dict[tuple[bytes, bytes], dict[bytes, list[PartKey]]]:
    """Range of qualifiers -> row -> the parts that lie in it."""
    runs: dict[tuple[bytes, bytes, int], list[list[PartKey]]] = {}
    for key in sorted(wanted):
        of_series = runs.setdefault(key[:3], [])
        if of_series and of_series[-1][-1].last + 1 == key.first:
            of_series[-1].append(key)
        else:
            of_series.append([key])
    reads: dict[tuple[bytes, bytes], dict[bytes, list[PartKey]]] = {}
    for (row, _, _), found in runs.items():
        for run in found:
            reads.setdefault((run[0].qualifiers[0], run[-1].qualifiers[1]), {})[row] = run
    return reads


def until_of(stored: Rows) -> str | None:
    """`complete_until` as it stands in the store; None before the first run."""
    with reading("meta", META_COMPLETE):
        return dict(stored.get(META_COMPLETE, ())).get(b"until", b"").decode() or None


def earlier(one: str | None, other: str | None) -> str | None:
    """The one of two `complete_until` that claims less."""
    if one is None or other is None or one == other:
        return None if one is None else other
    with reading("meta", META_COMPLETE):
        return min(one, other, key=_moment)


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)

"""Reading rows: which ones, which of their columns, and going on behind the last row when a stream breaks.

Only the latest version of a cell is ever seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from google.cloud.bigtable_v2.types import data

from pipeline.store.bigtable.calls import Calls
from pipeline.store.bigtable.chunks import RowAssembler
from pipeline.store.bigtable.patience import Patience
from pipeline.store.bigtable.unit import FAMILY
from pipeline.store.contract import Ranges, Rows, merged_ranges, prefix_end

RANGES_PER_READ = 200  # with qualifiers of some tens of bytes: a filter may have 20 KB, cloud.google.com/bigtable/quotas

Filter = data.RowFilter.pb()
ColumnRange = data.ColumnRange.pb()
RowSet = data.RowSet.pb()
RowRange = data.RowRange.pb()
LATEST = Filter(cells_per_column_limit_filter=1)

Selection = Callable[[bytes], Any]  # last row that is done with -> RowSet of those behind it, None when there are none


def read_rows(calls: Calls, patience: Patience, table: str, selected: Selection, row_filter: Any) -> Rows:
    """The selected rows. Raises TransientStoreError when they didn't all come in time."""
    found: Rows = {}
    assembler = RowAssembler()

    def go_on(left_s: Callable[[], float]) -> None:
        rows = selected(assembler.last_row)
        if rows is None:
            return
        assembler.restart()
        for response in calls.read_rows(table, rows, row_filter, left_s()):
            found.update(assembler.rows(response))

    patience.repeat(go_on)
    return found


def keys(wanted: Sequence[bytes]) -> Selection:
    """The rows of these keys."""

    def behind(last: bytes) -> Any:
        left = [key for key in wanted if key > last]
        return RowSet(row_keys=left) if left else None  # an empty set would mean the whole table

    return behind


def beginning_with(prefix: bytes) -> Selection:
    """The rows whose key begins so."""
    end = prefix_end(prefix)
    bound = {} if end is None else {"end_key_open": end}

    def behind(last: bytes) -> Any:
        start = {"start_key_open": last} if last else {"start_key_closed": prefix}
        return RowSet(row_ranges=[RowRange(**start, **bound)])

    return behind


def column_filters(ranges: Ranges | None) -> Iterator[Any]:
    """Filters that together let each cell of these ranges through once, in the order of qualifiers."""
    if ranges is None:
        yield LATEST
        return
    merged = merged_ranges(ranges)
    for at in range(0, len(merged), RANGES_PER_READ):
        yield _within(merged[at : at + RANGES_PER_READ])


def _within(ranges: Sequence[tuple[bytes, bytes]]) -> Any:
    columns = [
        Filter(column_range_filter=ColumnRange(family_name=FAMILY, start_qualifier_closed=start, end_qualifier_open=end))
        for start, end in ranges
    ]
    either = columns[0] if len(columns) == 1 else Filter(interleave=data.RowFilter.Interleave.pb()(filters=columns))
    return Filter(chain=data.RowFilter.Chain.pb()(filters=[either, LATEST]))

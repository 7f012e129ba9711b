"""Rows out of the chunks that ReadRows streams. Knows the wire's rules and nothing of calls or retries.

A row comes in chunks: the first has its key, each new column names its qualifier, a value may be cut over several
chunks (`value_size` > 0 until the last one), `reset_row` takes back what came of an unfinished row, and only
`commit_row` makes a row count.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

Cells = list[tuple[bytes, bytes]]


class RowAssembler:
    """Feeds on the chunks of a read, over all its streams. A retry goes on behind `last_row`."""

    def __init__(self) -> None:
        self.last_row = b""
        self.restart()

    def restart(self) -> None:
        """Drop what came of an unfinished row: its stream has broken, or has taken it back."""
        self._row, self._qualifier = b"", b""
        self._cells: Cells = []
        self._parts: list[bytes] = []

    def rows(self, response: Any) -> Iterator[tuple[bytes, Cells]]:
        """The rows that this ReadRowsResponse completes."""
        yield from self._committed(response.chunks)
        if response.last_scanned_row_key:
            self.last_row = response.last_scanned_row_key

    def _committed(self, chunks: Iterable[Any]) -> Iterator[tuple[bytes, Cells]]:
        # Reads are a hundred thousand chunks at times, and each look at a field of one costs as much as all else here.
        for chunk in chunks:
            status = chunk.WhichOneof("row_status")
            if status == "reset_row" and chunk.reset_row:
                self.restart()
                continue
            if chunk.HasField("qualifier"):
                self._qualifier = chunk.qualifier.value
            if not self._cells and not self._parts:  # the first of a row has its key
                self._row = chunk.row_key or self._row
            if chunk.value_size:
                self._parts.append(chunk.value)
            elif self._parts:
                self._cells.append((self._qualifier, b"".join([*self._parts, chunk.value])))
                self._parts.clear()
            else:
                self._cells.append((self._qualifier, chunk.value))
            if status == "commit_row" and chunk.commit_row:
                row, cells, self.last_row = self._row, self._cells, self._row
                self.restart()
                yield row, cells

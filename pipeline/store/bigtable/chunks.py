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
        for chunk in chunks:
            if chunk.reset_row:
                self.restart()
                continue
            self._row = chunk.row_key or self._row
            if chunk.HasField("qualifier"):
                self._qualifier = chunk.qualifier.value
            self._parts.append(chunk.value)
            if not chunk.value_size:
                self._cells.append((self._qualifier, b"".join(self._parts)))
                self._parts.clear()
            if chunk.commit_row:
                row, cells, self.last_row = self._row, self._cells, self._row
                self.restart()
                yield row, cells

"""Places where a store's data is: open store objects on it, read and write it behind their backs."""

from __future__ import annotations

import sqlite3
import warnings
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from google.api_core.exceptions import NotFound
from google.cloud.bigtable.data import BigtableDataClient, SetCell
from google.cloud.bigtable.data.row_filters import CellsColumnLimitFilter

from pipeline.store import Store, open_store

LATEST_TIMESTAMP_US = (1 << 53) // 1000 * 1000


class Place(ABC):
    """One store's data. Stores opened here are closed by `close`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._opened: list[Store] = []
        self.open(create=True)

    def open(self, *, create: bool = False) -> Store:
        """Another, independent store object on the same data."""
        store = open_store(self.url, create=create)
        self._opened.append(store)
        return store

    def close(self) -> None:
        for store in self._opened:
            store.close()

    @abstractmethod
    def peek(self, table: str, row: bytes) -> dict[bytes, bytes]:
        """A row's cells as they are stored, read without the store."""

    @abstractmethod
    def poke(self, table: str, row: bytes, qualifier: bytes, value: bytes) -> None:
        """Put a cell there without the store, over whatever it holds."""


class SqlitePlace(Place):
    """A file."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"sqlite:///{path}")
        self._db = sqlite3.connect(path, isolation_level=None)

    def peek(self, table: str, row: bytes) -> dict[bytes, bytes]:
        return dict(self._db.execute(f"SELECT qualifier, value FROM {table} WHERE row = ?", [row]).fetchall())

    def poke(self, table: str, row: bytes, qualifier: bytes, value: bytes) -> None:
        self._db.execute(f"INSERT OR REPLACE INTO {table} (row, qualifier, value) VALUES (?, ?, ?)", [row, qualifier, value])

    def close(self) -> None:
        super().close()
        self._db.close()


class BigtablePlace(Place):
    """A table prefix on the emulator. Looks behind the store with Google's own client."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._prefix = url.partition("prefix=")[2]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # the client says that it talks to an emulator
            self._client = BigtableDataClient(project="test-project")

    def peek(self, table: str, row: bytes) -> dict[bytes, bytes]:
        found = self._table(table).read_row(row, row_filter=CellsColumnLimitFilter(1))
        return {cell.qualifier: cell.value for cell in found.cells} if found else {}

    def timestamps(self, table: str, row: bytes) -> dict[bytes, int]:
        """The timestamp of each cell's latest version, in microseconds."""
        found = self._table(table).read_row(row, row_filter=CellsColumnLimitFilter(1))
        return {cell.qualifier: cell.timestamp_micros for cell in found.cells} if found else {}

    def poke(self, table: str, row: bytes, qualifier: bytes, value: bytes) -> None:
        stamp = LATEST_TIMESTAMP_US if table != "meta" else 0
        self._table(table).mutate_row(row, SetCell("c", qualifier, value, timestamp_micros=stamp))

    def exists(self, table: str) -> bool:
        try:
            self._table(table).read_row(b"any")
        except NotFound:
            return False
        return True

    def close(self) -> None:
        super().close()
        self._client.close()

    def _table(self, table: str) -> Any:
        return self._client.get_table("test-instance", self._prefix + table)

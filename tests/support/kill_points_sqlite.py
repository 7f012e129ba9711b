"""The steps within a commit to SQLite, which is one transaction: seen from the connection that the store has."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from functools import partial
from typing import Any

from pipeline.store.sqlite import SqliteStore
from tests.support.strikes import Strike, wrap


class Watched(sqlite3.Connection):
    """Comes by the strike where `is_place` says. `in_unit`: within a commit, so not at notes in `meta`."""

    strike: Strike
    in_unit = False

    def is_place(self, sql: str, *, done: bool) -> bool:
        return False

    def execute(self, sql: str, *given: Any) -> sqlite3.Cursor:  # type: ignore[override]
        if self.is_place(sql, done=False):
            self.strike.passes()
        cursor = super().execute(sql, *given)
        if self.is_place(sql, done=True):
            self.strike.passes()
        return cursor


class HalfMade(Watched):
    def is_place(self, sql: str, *, done: bool) -> bool:
        return done and sql.startswith("CREATE TABLE")


class Begun(Watched):
    def is_place(self, sql: str, *, done: bool) -> bool:
        return self.in_unit and done and sql.startswith("BEGIN")


class BeforeCommit(Watched):
    def is_place(self, sql: str, *, done: bool) -> bool:
        return self.in_unit and not done and sql == "COMMIT"


class AfterCommit(Watched):
    def is_place(self, sql: str, *, done: bool) -> bool:
        return self.in_unit and done and sql == "COMMIT"


class HalfWritten(Watched):
    """Where many cells are written at once, only some of them are before the strike."""

    def executemany(self, sql: str, given: Iterable[Any]) -> sqlite3.Cursor:  # type: ignore[override]
        cells = list(given)
        if self.in_unit and cells and self.strike.is_due():
            super().executemany(sql, self.strike.some(cells))
            self.strike.strike()
        return super().executemany(sql, cells)


def plant(connection: type[Watched], strike: Strike, *_: Any) -> None:
    """Stores are opened with such a connection from now on."""

    def commit(real: Any, store: Any, *given: Any) -> Any:
        store._db.in_unit = True
        try:
            return real(store, *given)
        finally:
            store._db.in_unit = False

    connection.strike = strike
    sqlite3.connect = partial(sqlite3.connect, factory=connection)  # type: ignore[assignment]
    wrap(SqliteStore, "commit", commit)

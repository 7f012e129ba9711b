"""The connection of a SQLite store on which faults strike, statement by statement.

The plan is asked once per statement, with its first word (`BEGIN`, `SELECT`, `COMMIT` ...), and answers with a fault or
None. The errors are SQLite's own, so that all that the store does about them is at work.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any

from pipeline.store import Store
from pipeline.store.sqlite import SqliteStore
from tests.support.faulty_store import Killed


class Harm(Enum):
    """What happens to one statement."""

    BUSY = "database is locked"
    FULL = "database or disk is full"
    IO = "disk I/O error"
    UNHEARD = "disk I/O error, after the statement has done its work"
    KILL_BEFORE = "the process is gone"
    KILL_AFTER = "the process is gone, after the statement has done its work"


DbPlan = Callable[[str], Harm | None]


class FaultyDb:
    """Puts itself in the place of a store's connection."""

    def __init__(self, store: Store, plan: DbPlan) -> None:
        assert isinstance(store, SqliteStore)
        self._plan = plan
        self._db: sqlite3.Connection = store._db
        self._dead = False
        self._db.execute("PRAGMA busy_timeout = 0")  # a lock that is not free at once won't be: one thread runs at a time
        store._db = self  # type: ignore[assignment]

    def execute(self, sql: str, values: Any = ()) -> Any:
        return self._meet(sql, lambda: self._db.execute(sql, values))

    def executemany(self, sql: str, rows: Iterable[Any]) -> Any:
        return self._meet(sql, lambda: self._db.executemany(sql, rows))

    @property
    def in_transaction(self) -> bool:
        return not self._dead and self._db.in_transaction

    def close(self) -> None:
        self._db.close()

    def _meet(self, sql: str, run: Callable[[], Any]) -> Any:
        harm = self._plan(sql.split()[0])
        if harm is None:
            return run()
        if harm in (Harm.UNHEARD, Harm.KILL_AFTER):
            run()
        if harm in (Harm.KILL_BEFORE, Harm.KILL_AFTER):
            self._die()
        if harm is Harm.FULL and self._db.in_transaction:
            self._db.execute("ROLLBACK")  # SQLite does so by itself
        raise sqlite3.OperationalError(harm.value.partition(",")[0])

    def _die(self) -> None:
        """What a dead process had open is rolled back."""
        self._dead = True
        self._db.close()
        raise Killed

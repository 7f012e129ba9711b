"""The embedded store: one SQLite file, the whole protocol in one transaction per unit.

Because a unit is one transaction there is no payload to apply again: a head that has moved has all its cells. Between
`flush` calls commits are ordered and atomic but not yet on disk after a power cut (`synchronous=NORMAL` in WAL mode);
what is lost then is lost together with the progress recorded after it, so it is read again.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import itemgetter
from pathlib import Path

from pipeline.model.damage import reading
from pipeline.model.errors import Fenced, StoreAway, StoreError, TransientStoreError, UsageError
from pipeline.model.layout import TABLES, head_row
from pipeline.store.contract import UNIT_TABLES, Cell, Ranges, Rows, Store, by_table, merged_ranges, prefix_end

BUSY_TIMEOUT_S = 60.0  # another worker's commit takes milliseconds; past this something is stuck
POLL_S = 0.01  # between attempts that SQLite does not wait with
WAL_AUTOCHECKPOINT_PAGES = 8_000  # 32 MB: fewer, larger checkpoints than the default of 1,000
ROWS_PER_SELECT = 400  # with two bounds for each range below SQLite's 999 variables in older builds
RANGES_PER_SELECT = 200

_SCHEMA = "CREATE TABLE IF NOT EXISTS {t} (row BLOB NOT NULL, qualifier BLOB NOT NULL, value BLOB NOT NULL)"
_INDEX = "CREATE UNIQUE INDEX IF NOT EXISTS {t}_key ON {t} (row, qualifier)"
_UPSERT = (
    "INSERT INTO {t} (row, qualifier, value) VALUES (?, ?, ?) "
    "ON CONFLICT (row, qualifier) DO UPDATE SET value = excluded.value"
)
_SEQ = b"seq"
SEQ_MAX = 2**63
_FLUSHED = b"flushed"  # a row of `meta`
_RENEW = "put back a copy of the store from before, or count the raw events into a new one"
_CURES = {  # by what SQLite says
    "is full": "make room and run again",
    "disk I/O error": "look at the disk, make room if it is full, and run again",
    "malformed": _RENEW,
    "not a database": _RENEW,
}


class SqliteStore(Store):
    """See `contract.Store`. Several processes may share the file; SQLite's write lock orders their commits."""

    at_hand = True

    def __init__(self, path: str | Path, *, create: bool = True, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        self.path = Path(path)
        self._in_use = threading.RLock()
        if not create and not self.path.exists():
            raise UsageError(f"no store at {self.path}: run the pipeline first, or correct --store")
        try:
            self._db = sqlite3.connect(self.path, timeout=busy_timeout_s, isolation_level=None, check_same_thread=False)
            self._refuse_foreign()
            self._log_ahead(busy_timeout_s)
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.execute(f"PRAGMA wal_autocheckpoint={WAL_AUTOCHECKPOINT_PAGES}")
            if create:
                for table in TABLES:
                    self._db.execute(_SCHEMA.format(t=table))
                    self._db.execute(_INDEX.format(t=table))
            self._db.execute("SELECT 1 FROM meta LIMIT 1")
            self._file = self._whereabouts()
        except sqlite3.Error as e:
            if _is_busy(e):
                raise StoreAway(f"cannot open the store {self.path}: {e}; try again once others are done with it") from e
            raise UsageError(f"cannot open the store {self.path}: {e}; name a writable path of a Daycount store") from e

    def _log_ahead(self, busy_timeout_s: float) -> None:
        """In WAL mode. Where several make a file at once, SQLite refuses it to one of them instead of waiting.

        **Retry:** harmless.
        """
        until = time.monotonic() + busy_timeout_s
        while True:
            try:
                self._db.execute("PRAGMA journal_mode=WAL")
                return
            except sqlite3.OperationalError as e:
                if not _is_busy(e) or time.monotonic() > until:
                    raise
            time.sleep(POLL_S)

    def _refuse_foreign(self) -> None:
        """Leave another program's database as it is."""
        found = self._db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
        tables = {name for (name,) in found}
        ours = {table for table in TABLES if table in tables and self._columns(table) == ["row", "qualifier", "value"]}
        foreign = sorted(tables.intersection(TABLES) - ours) or ([] if ours else sorted(tables))
        if foreign:
            raise UsageError(
                f"{self.path} is another program's database (it has the table {foreign[0]}); name a path of its own"
            )

    def _columns(self, table: str) -> list[str]:
        return [name for _, name, *_ in self._db.execute(f"PRAGMA table_info({table})")]

    def take(self, shard: int) -> int:
        with self._using():
            return self._seq(shard)

    def _seq(self, shard: int) -> int:
        found = self._db.execute(
            "SELECT value FROM shards WHERE row = ? AND qualifier = ?", (head_row(shard), _SEQ)
        ).fetchone()
        with reading("shards", head_row(shard)):
            seq = int(found[0]) if found else 0
            if not 0 <= seq < SEQ_MAX:
                raise ValueError(f"seq {seq}")
        return seq

    def commit(self, shard: int, seq: int, cells: Sequence[Cell]) -> int:
        tables = by_table(cells)
        with self._using(), self._transaction():
            if self._seq(shard) != seq:
                raise Fenced(f"shard {shard} has moved past seq {seq}")
            for table in UNIT_TABLES:
                # In the order of the index, which takes a quarter less time; of two for one cell the last stays last.
                written = sorted(tables.get(table, ()), key=itemgetter(1, 2))
                gone: list[tuple[bytes, bytes]] = []
                if None in map(itemgetter(3), written):
                    last = {cell[1:3]: cell for cell in written}
                    written = [cell for cell in last.values() if cell.value is not None]
                    gone = [key for key, cell in last.items() if cell.value is None]
                self._db.executemany(_UPSERT.format(t=table), map(itemgetter(1, 2, 3), written))
                self._db.executemany(f"DELETE FROM {table} WHERE row = ? AND qualifier = ?", gone)
            self._db.execute(_UPSERT.format(t="shards"), (head_row(shard), _SEQ, str(seq + 1).encode()))
        return seq + 1

    def settle(self, shards: Iterable[int]) -> None:
        """Nothing to do: a committed unit is applied."""

    def read(self, table: str, rows: Sequence[bytes], ranges: Ranges | None = None) -> Rows:
        found: Rows = {}
        keys = list(dict.fromkeys(rows))
        self._refuse_another_file()
        with self._using():
            for within, bounds in _conditions(ranges):
                for at in range(0, len(keys), ROWS_PER_SELECT):
                    part = keys[at : at + ROWS_PER_SELECT]
                    which = f"row IN ({','.join('?' * len(part))}) AND {within}"
                    self._select(found, table, which, [*part, *bounds])
        return found

    def scan(self, table: str, prefix: bytes) -> Rows:
        found: Rows = {}
        end = prefix_end(prefix)
        which, bounds = ("row >= ?", [prefix]) if end is None else ("row >= ? AND row < ?", [prefix, end])
        self._refuse_another_file()
        with self._using():
            self._select(found, table, which, bounds)
        return found

    def _select(self, found: Rows, table: str, which: str, values: Sequence[bytes | None]) -> None:
        sql = f"SELECT row, qualifier, value FROM {table} WHERE {which} ORDER BY row, qualifier"
        for row, qualifier, value in self._db.execute(sql, values):
            found.setdefault(row, []).append((qualifier, value))

    def put_meta_rows(self, rows: Mapping[bytes, Mapping[bytes, bytes]]) -> None:
        cells = [(row, qualifier, value) for row, of_row in rows.items() for qualifier, value in of_row.items()]
        with self._using(), self._transaction():
            self._db.executemany(_UPSERT.format(t="meta"), cells)

    def create_meta(self, row: bytes, qualifier: bytes, value: bytes) -> bytes:
        with self._using(), self._transaction():
            insert = "INSERT OR IGNORE INTO meta (row, qualifier, value) VALUES (?, ?, ?)"
            self._db.execute(insert, (row, qualifier, value))
            select = "SELECT value FROM meta WHERE row = ? AND qualifier = ?"
            found = self._db.execute(select, (row, qualifier)).fetchone()
        return bytes(found[0])

    def flush(self) -> None:
        # Commits are appended to the log in order: with this one on disk, all before it are. It has to change something,
        # since a transaction without changes writes nothing.
        with self._using():
            self._db.execute("PRAGMA synchronous=FULL")
            try:
                self.put_meta(_FLUSHED, {b"at": str(time.time_ns()).encode()})
            finally:
                self._db.execute("PRAGMA synchronous=NORMAL")
        self._refuse_another_file()

    def _refuse_another_file(self) -> None:
        """SQLite goes on with the file it has open: what is acknowledged would be gone with it, what is read be of old."""
        if self._whereabouts() != self._file:
            raise StoreError(f"{self.path} was moved, removed or replaced in the middle of a run; put it back and run again")

    def _whereabouts(self) -> tuple[int, int] | None:
        """The file that the path names now."""
        try:
            stat = self.path.stat()
        except FileNotFoundError:
            return None
        return stat.st_dev, stat.st_ino

    def close(self) -> None:
        with self._in_use:
            self._db.close()

    @contextmanager
    def _using(self) -> Iterator[None]:
        """Beam tears a step down while another thread may still be at work in it, and a connection that is closed under a
        statement takes the whole process with it.
        """
        with self._in_use, _translated(self.path):
            yield

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # a full disk, for one, has ended it already
                self._db.execute("ROLLBACK")
            raise


def _conditions(ranges: Ranges | None) -> Iterator[tuple[str, list[bytes]]]:
    """Conditions with their values that together select each cell of these ranges once, in the order of qualifiers."""
    if ranges is None:
        yield "true", []
        return
    merged = merged_ranges(ranges)
    for at in range(0, len(merged), RANGES_PER_SELECT):
        part = merged[at : at + RANGES_PER_SELECT]
        either = " OR ".join("(qualifier >= ? AND qualifier < ?)" for _ in part)
        yield f"({either})", [bound for pair in part for bound in pair]


def _is_busy(e: sqlite3.Error) -> bool:
    """Whether others hold on to the file."""
    return isinstance(e, sqlite3.OperationalError) and ("locked" in str(e) or "busy" in str(e))


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """SQLite's errors as the contract's: a lock that was not had may be had later, anything else is for good."""
    try:
        yield
    except sqlite3.Error as e:
        if _is_busy(e):
            raise TransientStoreError(f"{path}: {e}, another process holds on to it") from e
        cure = next((f"; {cure}" for said, cure in _CURES.items() if said in str(e)), "")
        raise StoreError(f"{path}: {e}{cure}") from e

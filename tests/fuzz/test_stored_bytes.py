"""A store with garbage in a cell: an error that names the row and the cure, exit code 1, never a traceback."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest

from pipeline.model.errors import DamagedStore, UsageError
from tests.support.daycount import Shop, daycount, refusal, write_definitions, write_lines
from tests.support.records import order
from tests.support.small_runs import SmallRun

METRIC = {
    "id": "orders",
    "where": {"event": "Order Completed"},
    "measures": {
        "n": {"aggregate": "count"},
        "buyers": {"aggregate": "count", "once_per": "visitor"},
        "first": {"aggregate": "sum", "field": "properties.total", "once_per": "visitor"},
        "least": {"aggregate": "min", "field": "properties.total"},
    },
    "breakdowns": ["context.location.country"],
}
CURE = "put back a copy of the store from before, or count the raw events into a new one"


class Counted(NamedTuple):
    """A store with a few counted events, and what it was made from."""

    store: Path
    definitions: str
    folder: Path

    def run(self, store: Path) -> SmallRun:
        return SmallRun(f"sqlite:///{store}", self.definitions)


class Cell(NamedTuple):
    """One that is there, of each kind there is. `read_by`: the commands that need it."""

    table: str
    row: str
    qualifier: str
    read_by: tuple[str, ...]


CELLS = {
    "a day": Cell("counters", "shop#orders@%", "64000100%", ("query",)),
    "a day of a value": Cell("counters", "shop#orders@%", "64010100%", ("query",)),
    "hours": Cell("counters", "shop#orders@%", "68000100%", ("query", "run")),
    "hours of a value": Cell("counters", "shop#orders@%", "68010100%", ("query", "run")),
    "facts": Cell("visitors", "shop#%", "%", ("run",)),
    "a head": Cell("shards", "head#%", "%", ("run",)),
    "the layout": Cell("meta", "layout", "%", ("run",)),
    "a fanout": Cell("meta", "account#%", "%", ("run",)),
    "since when": Cell("meta", "revision#%", b"since".hex(), ("query",)),
    "the history": Cell("meta", "history#%", "%", ("query",)),
}


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Counted:
    folder = tmp_path_factory.mktemp("stored")
    counted = Counted(folder / "numbers.db", write_definitions(folder / "d.yaml", METRIC), folder)
    events = [order(messageId=f"m{n}", anonymousId=f"v{n % 4}") for n in range(12)]
    counted.run(counted.store).run(write_lines(folder / "in.jsonl", [*events, "junk"]))
    write_lines(folder / "more.jsonl", [{**event, "messageId": f"x{n}"} for n, event in enumerate(events)])
    with sqlite3.connect(counted.store) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    return counted


def garbage(value: bytes) -> Iterator[bytes]:
    """Bytes to stand for a cell's value."""
    random = Random(len(value))
    yield from (b"", b"\x00", b"\x01", b"\x02" + value[1:], value[:-1], value[: len(value) // 2], value + b"\x01", value * 2)
    yield from (b"[]", b"null", b'{"version":1}', b"-1", b"9" * 25, b"\xff" * len(value), b"\x01" + b"\xff" * len(value))
    yield from (random.randbytes(len(value)), b"\x01" + random.randbytes(len(value) - 1))


def damage(counted: Counted, name: str, change: Callable[[bytes], bytes]) -> Path:
    """A copy of the store in which one cell is changed."""
    damaged, cell = counted.folder / "damaged.db", CELLS[name]
    for leftover in counted.folder.glob("damaged.db*"):
        leftover.unlink()
    shutil.copy(counted.store, damaged)
    with sqlite3.connect(damaged) as db:
        where = "CAST(row AS TEXT) LIKE ? AND lower(hex(qualifier)) LIKE ?"
        rowid, value = db.execute(
            f"SELECT rowid, value FROM {cell.table} WHERE {where}", (cell.row, cell.qualifier)
        ).fetchone()
        db.execute(f"UPDATE {cell.table} SET value = ? WHERE rowid = ?", (change(value), rowid))
    db.close()
    return damaged


def attempts(counted: Counted, store: Path) -> dict[str, Callable[[], Any]]:
    run = counted.run(store)
    span = {"from_": "2026-09-30", "to": "2026-10-02"}

    def query() -> None:
        for dimensions in ("time:day", "time:hour", "context.location.country", "time:hour,context.location.country"):
            run.query("orders.n", "orders.least", dimensions=dimensions, **span)

    return {"query": query, "run": lambda: run.run(counted.folder / "in.jsonl", counted.folder / "more.jsonl")}


@pytest.mark.parametrize("name", CELLS)
def test_garbage_in_a_cell_is_told_with_its_row_and_never_a_traceback(counted: Counted, name: str) -> None:
    """Garbage of the right form can't be told from numbers; whatever can't be read at all is."""
    noticed = set()
    for number in range(17):
        for command in CELLS[name].read_by:
            store = damage(counted, name, lambda value, number=number: list(garbage(value))[number])  # type: ignore[misc]
            try:
                attempts(counted, store)[command]()
            except DamagedStore as error:
                noticed.add(command)
                assert CURE in str(error) and f"{CELLS[name].table} row b'" in str(error)
            except UsageError as error:
                noticed.add(command)
                assert name in ("the layout", "a fanout"), error
    assert noticed == set(CELLS[name].read_by)


def test_an_unreadable_old_definition_is_told_with_its_row(counted: Counted) -> None:
    document = {"id": "orders", "where": {}, "breakdowns": [], "revision": "old", "settings": {"timezone": "UTC"}}
    sound = {**document, "measures": {"n": {"aggregate": "count"}}}
    changes = [{"measures": {"n": {"aggregate": "median"}}}, {"settings": {"timezone": "Europe"}}, {"measures": 5}]
    for value in (b"", b"[]", b"{}", b"\xff", *(json.dumps({**sound, **change}).encode() for change in changes)):
        store = counted.folder / "old.db"
        shutil.copy(counted.store, store)
        with sqlite3.connect(store) as db:
            db.execute("INSERT INTO meta VALUES (?, ?, ?)", (b"revision#shop#orders@old", b"definition", value))
        db.close()
        with pytest.raises(DamagedStore, match="revision#shop#orders@old"):
            counted.run(store).query("orders@old.n")
        store.unlink()


def test_the_commands_end_with_1_and_one_line(counted: Counted) -> None:
    store = damage(counted, "hours", lambda value: value[:-1])
    shop = Shop(f"sqlite:///{store}", counted.definitions)
    span = ("--from", "2026-10-01", "--to", "2026-10-01")
    said = refusal(daycount("query", "orders.n", *shop.places, *span, "--dimensions", "time:hour"), code=1)
    assert "counters row b'shop#orders@" in said and CURE in said
    said = refusal(daycount(*shop.run_words(counted.folder / "more.jsonl")), code=1)
    assert "counters row b'shop#orders@" in said and CURE in said

"""What a service holds between queries: how old it may be, by an injected clock over a store that changes underneath."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from pipeline.model.definition import AccountDefinitions, Settings, Snapshot
from pipeline.model.errors import TransientStoreError
from pipeline.model.layout import META_COMPLETE
from pipeline.store.contract import Ranges, Rows
from pipeline.store.fixed import fix
from pipeline.store.sqlite import SqliteStore
from readers.query import run_query
from readers.query.held import REMOTE
from readers.query.over_held import Holdings, NotHeld
from tests.support.counters import Counters
from tests.unit.readers.conftest import COUNTRY, NOW, ORDERS, VISITS

OPEN_S, CLOSED_S, SETTLE_S = REMOTE.open_s, REMOTE.closed_s, REMOTE.settle_s
TODAY, LONG_AGO = "2026-10-31", "2026-10-02"
NUMBERS = "big_orders.orders"


class WatchedStore(SqliteStore):
    """Notes which rows of counters were read; `before` is called before each such read. It is as far away as Bigtable."""

    at_hand = False

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.reads: list[Sequence[bytes]] = []
        self.before: Any = lambda: None

    def read(self, table: str, rows: Sequence[bytes], ranges: Ranges | None = None) -> Rows:
        if table == "counters":
            self.reads.append(rows)
            self.before()
        return super().read(table, rows, ranges)


class Place:
    """A store, what is held of it, and a clock that stands still unless it is told."""

    def __init__(self, path: Path, bytes_max: int = 1 << 20) -> None:
        self.store = WatchedStore(path)
        self.counters = Counters(self.store)
        self.at_s = 1_000.0
        self.holdings = Holdings(lambda: self.at_s, lambda: NOW + timedelta(seconds=self.at_s - 1_000), bytes_max)
        accounts = [AccountDefinitions.of(name, Settings(), (ORDERS, VISITS)) for name in ("acme", "beta")]
        self.definitions = Snapshot.of(accounts)

    def complete(self, until: str) -> None:
        self.store.put_meta(META_COMPLETE, {b"until": until.encode()})

    def ask(self, day: str = TODAY, name: str = NUMBERS, account: str = "acme", **body: Any) -> dict[str, Any]:
        query = {"metrics": [name], "date_range": [day, day], **body}
        source = self.holdings.over(self.store)
        found: dict[str, Any] = orjson.loads(run_query(source, self.definitions, account, query, NOW).to_json())
        return found

    def number(self, *args: Any, **body: Any) -> int:
        number: int = self.ask(*args, **body)["results"][0]["metrics"][0]
        return number

    def at_rest(self) -> None:
        """Long enough that what is read now is known to be of a store at rest."""
        fix(self.store, shards=2, default_shards=2, visitor_key=None)
        self.at_s += CLOSED_S + 1
        self.ask()
        self.at_s += SETTLE_S + 1
        self.ask(), self.ask(LONG_AGO)


@pytest.fixture
def place(tmp_path: Path) -> Any:
    place = Place(tmp_path / "numbers.db")
    for day in (TODAY, LONG_AGO):
        place.counters.day(ORDERS, day, {"orders": 1}, slot=1)
    yield place
    place.store.close()


def test_a_second_query_reads_nothing(place: Place) -> None:
    assert place.number() == 1
    place.store.reads.clear()
    assert place.number() == 1 and place.store.reads == []


@pytest.mark.parametrize(("day", "age_s"), [(TODAY, OPEN_S), ("2026-11-01", OPEN_S), (LONG_AGO, CLOSED_S)])
def test_a_late_event_shows_when_what_is_held_is_too_old(place: Place, day: str, age_s: float) -> None:
    before = place.number(day)
    place.counters.day(ORDERS, day, {"orders": 5}, slot=2)
    place.at_s += age_s * 0.99
    assert place.number(day) == before
    place.at_s += age_s * 0.02
    assert place.number(day) == before + 5


def test_open_days_show_within_two_seconds_and_closed_ones_within_sixty() -> None:
    assert OPEN_S < 2 and CLOSED_S < 60


def test_a_day_is_open_until_it_has_ended_everywhere(place: Place) -> None:
    yesterday = "2026-10-30"  # at noon in London on the 31st it has just ended at UTC-12
    place.at_s -= 1
    assert place.number(yesterday) == 0
    place.counters.day(ORDERS, yesterday, {"orders": 5})
    place.at_s += OPEN_S * 0.99  # a second before noon, as it was read
    place.holdings.over(place.store)
    assert place.number(yesterday) == 0
    place.at_s += 0.02
    assert place.number(yesterday) == 5


def test_a_store_at_rest_is_not_read_again(place: Place) -> None:
    place.at_rest()
    place.store.reads.clear()
    for _ in range(3):
        place.at_s += CLOSED_S * 10
        assert place.number() == 1 and place.number(LONG_AGO) == 1
    assert place.store.reads == []


def test_a_commit_ends_the_rest(place: Place) -> None:
    place.at_rest()
    place.at_s += CLOSED_S * 10
    place.counters.day(ORDERS, TODAY, {"orders": 5}, slot=2)
    assert place.number() == 6 and place.number(LONG_AGO) == 1


def test_a_unit_that_was_applied_after_its_shard_had_moved_is_not_left_out_for_good(place: Place) -> None:
    """On Bigtable cells come after the head: what was read between the two must not pass for a store at rest."""
    fix(place.store, shards=2, default_shards=2, visitor_key=None)
    place.counters.day(VISITS, TODAY, {"views": 1})  # the head has moved
    assert place.number() == 1
    with place.store._transaction():  # and here the unit's cells come, without a further move
        old = place.store.read("counters", place.store.reads[0])
        for row, cells in old.items():
            for qualifier, value in cells:
                if qualifier[2] == 31:
                    place.store._db.execute(
                        "INSERT INTO counters VALUES (?, ?, ?)", (row, qualifier[:3] + b"\x00\x07" + qualifier[5:], value)
                    )
    place.at_s += SETTLE_S * 2
    assert place.number() == 2


def test_complete_until_is_of_the_oldest_part_of_an_answer(place: Place) -> None:
    both = {"date_range": [LONG_AGO, TODAY]}
    place.complete("2026-10-31T11:00:00Z")
    assert place.ask(LONG_AGO)["meta"]["complete_until"] == "2026-10-31T11:00:00Z"
    place.counters.day(ORDERS, LONG_AGO, {"orders": 5}, slot=2)
    place.complete("2026-10-31T11:30:00Z")
    place.at_s += OPEN_S * 2
    old = place.ask(**both)
    assert old["results"][0]["metrics"] == [2] and old["meta"]["complete_until"] == "2026-10-31T11:00:00Z"
    place.at_s += CLOSED_S
    new = place.ask(**both)
    assert new["results"][0]["metrics"] == [7] and new["meta"]["complete_until"] == "2026-10-31T11:30:00Z"


def test_what_becomes_complete_during_a_read_is_not_claimed(place: Place) -> None:
    place.complete("2026-10-31T11:00:00Z")
    place.store.before = lambda: place.complete("2026-10-31T11:30:00Z")
    assert place.ask()["meta"]["complete_until"] == "2026-10-31T11:00:00Z"


def test_without_a_store_only_what_is_held_is_answered(place: Place) -> None:
    query = {"metrics": [NUMBERS], "date_range": [TODAY, TODAY]}

    def ask(rows_max: int) -> list[Any]:
        return run_query(place.holdings.over(None, rows_max), place.definitions, "acme", query, NOW).rows

    with pytest.raises(NotHeld):
        ask(100)
    place.ask()
    assert ask(100)[0].metrics == (1,)
    with pytest.raises(NotHeld):
        ask(0)
    place.at_s += OPEN_S * 2
    with pytest.raises(NotHeld):
        ask(100)


def test_an_account_is_never_given_what_is_held_of_another(place: Place) -> None:
    other = Counters(place.store, account="beta", seq=place.counters.seq)
    other.day(ORDERS, TODAY, {"orders": 70})
    assert [place.number(account=name) for name in ("acme", "beta", "acme", "beta")] == [1, 70, 1, 70]


def test_breakdowns_and_hours_are_held_apart(place: Place) -> None:
    place.counters.day(ORDERS, TODAY, {"orders": 7}, breakdown=COUNTRY, value="DE")
    place.counters.hours(ORDERS, TODAY, {3: {"orders": 9}})
    for _ in range(2):
        assert place.number() == 1
        assert place.number(dimensions=[COUNTRY]) == 7
        assert place.ask(dimensions=["time:hour"])["results"][3]["metrics"] == [9]


def test_memory_is_bounded_and_what_was_asked_for_last_stays(tmp_path: Path) -> None:
    place = Place(tmp_path / "numbers.db", bytes_max=20_000)
    for i in range(200):
        place.counters.day(ORDERS, LONG_AGO, {"orders": 1}, breakdown=COUNTRY, value=f"v{i % 40}", slot=i // 40)
    for month in range(1, 10):
        place.ask(f"2026-0{month}-02")
        assert place.ask(LONG_AGO, dimensions=[COUNTRY])["meta"]["total_rows"] == 40
        assert 0 < place.holdings.size <= 20_000
    place.store.close()


def test_of_equal_queries_at_once_one_reads_and_the_others_wait(place: Place) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def stand_still() -> None:
        begun.set()
        assert go_on.wait(60)

    place.store.before = stand_still
    asked: list[int] = []
    with ThreadPoolExecutor(4) as threads:
        first = threads.submit(place.number)
        assert begun.wait(60)
        others = [threads.submit(lambda: asked.append(1) or place.number()) for _ in range(3)]
        go_on.set()
        assert [one.result(20) for one in (first, *others)] == [1] * 4
    assert len(place.store.reads) == 1


def test_when_a_read_fails_nothing_of_it_is_held(place: Place) -> None:
    def fail() -> None:
        raise TransientStoreError("away")

    place.store.before = fail
    with pytest.raises(TransientStoreError):
        place.number()
    place.store.before = lambda: None
    assert place.number() == 1


def test_a_store_at_hand_is_never_older_than_the_query_and_at_rest_is_not_read_again(tmp_path: Path) -> None:
    place = Place(tmp_path / "numbers.db")
    place.store.at_hand = True
    fix(place.store, shards=2, default_shards=2, visitor_key=None)
    place.counters.day(ORDERS, LONG_AGO, {"orders": 1}, slot=1)
    assert [place.number(LONG_AGO), place.number(LONG_AGO)] == [1, 1]
    place.store.reads.clear()
    assert place.number(LONG_AGO) == 1 and place.store.reads == []
    place.store.commit(1, place.store.take(1), [])
    place.counters.day(ORDERS, LONG_AGO, {"orders": 2}, slot=1)
    place.store.commit(1, place.store.take(1), [])
    assert place.number(LONG_AGO) == 2
    with pytest.raises(NotHeld):
        run_query(place.holdings.over(None), place.definitions, "acme", {"metrics": [NUMBERS], "date_range": "7d"}, NOW)
    place.store.close()

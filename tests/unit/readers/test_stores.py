"""The threads that read: bounded in number and time, and a store that does not answer rests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from pipeline.model.errors import StoreError, TransientStoreError, UsageError
from pipeline.store.contract import Store
from pipeline.store.sqlite import SqliteStore
from readers.problem import Overloaded
from readers.stores import REST_S, Stores


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class House:
    """Stores of one file, and how often one was opened."""

    def __init__(self, folder: Path, threads: int = 1, **options: Any) -> None:
        self.path = folder / "numbers.db"
        SqliteStore(self.path).close()
        self.opened = 0
        self.clock = Clock()
        self.stores = Stores(self.open_one, threads, clock_s=self.clock, **options)

    def open_one(self) -> Store:
        self.opened += 1
        return SqliteStore(self.path, create=False)

    def run(self, read: Callable[[Store], Any], **options: Any) -> Any:
        return asyncio.run(self.stores.run(read, **options))


def silent(_: Store) -> None:
    raise TransientStoreError("no answer")


def test_who_waits_too_long_is_told_and_what_has_not_begun_never_does(tmp_path: Path) -> None:
    house, goes_on, begun = House(tmp_path), Event(), []

    async def both() -> list[Any]:
        hung = house.stores.run(lambda _: goes_on.wait(60), within_s=0.2)
        return await asyncio.gather(hung, house.stores.run(begun.append, within_s=0.1), return_exceptions=True)

    found = asyncio.run(both())
    goes_on.set()
    house.stores.close()
    assert [type(one) for one in found] == [TransientStoreError] * 2 and begun == []


def test_more_than_may_wait_are_turned_away(tmp_path: Path) -> None:
    with pytest.raises(Overloaded):
        House(tmp_path, waiting_max=-1).run(silent)


def test_a_store_without_answers_rests_and_is_asked_again(tmp_path: Path) -> None:
    house = House(tmp_path, threads=2)
    for _ in range(2):
        with pytest.raises(TransientStoreError, match="no answer"):
            house.run(silent)
    with pytest.raises(TransientStoreError, match="rests"):
        house.run(lambda _: pytest.fail("it is not asked"))
    house.clock.now_s += REST_S
    assert house.run(lambda _: 1) == 1
    with pytest.raises(TransientStoreError, match="no answer"):
        house.run(silent)
    assert house.run(lambda _: 1) == 1  # one without an answer among others is no outage


def test_a_store_that_cannot_be_opened_is_no_fault_of_the_query(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.path.unlink()
    with pytest.raises(TransientStoreError, match="no store"):
        house.run(lambda _: 1)


def test_what_is_wrong_with_a_query_is_no_outage(tmp_path: Path) -> None:
    house = House(tmp_path)

    def refuse(_: Store) -> None:
        raise UsageError("asked wrongly")

    for _ in range(3):
        with pytest.raises(UsageError, match="asked wrongly"):
            house.run(refuse)
    assert house.opened == 1


def test_what_fails_for_good_is_tried_once_more_on_a_store_opened_anew(tmp_path: Path) -> None:
    house, failing = House(tmp_path), [True]
    assert house.run(lambda _: 1) == 1

    def read(_: Store) -> int:
        if failing:
            failing.pop()
            raise StoreError("moved")
        return 2

    assert house.run(read) == 2 and house.opened == 2

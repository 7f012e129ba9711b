"""A Redis that is killed, comes back empty, babbles or holds nonsense under a run that follows its input.

The last definitions stay in force, no event is lost or counted twice, and what is pushed afterwards is taken.
"""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any

import pytest

from pipeline.definitions.validate import parse_account
from pipeline.model.definition import Snapshot
from pipeline.store import open_store
from tests.support import naive
from tests.support.forked import PATIENCE_S, ForkedRun, Zygote
from tests.support.outages import KillableRedis
from tests.support.records import ORDERS, order
from tests.support.stored import Numbers, stored_numbers

ACCOUNT = "shop"
KEY = f"definitions:{ACCOUNT}"
LATER = {**ORDERS, "id": "later"}
LOOKS = 3  # of the run at what is at Redis' port, before its definitions are taken to have been in force meanwhile
REFRESH_S = 0.1
NONSENSE = {
    "another protocol": b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
    "an answer cut short": b"*2\r\n$1\r\n0\r\n*1\r\n$16\r\ndefini",
    "an answer of another kind": b":42\r\n" * 8,
    "an error": b"-NOAUTH Authentication required.\r\n" * 8,
    "lengths that cannot be": b"*-7\r\n$99999999999\r\n",
    "bytes": bytes(range(256)),
    "nothing": b"",
}


class Shop:
    """A run that follows one file, its definitions in a Redis of its own, and what was sent to it."""

    def __init__(self, zygote: Zygote, folder: Path) -> None:
        self.redis = KillableRedis(folder / "redis")
        self.events: list[dict[str, Any]] = []
        self._zygote, self._folder = zygote, folder
        self._file = folder / "events.jsonl"
        self._file.touch()
        self._store = f"sqlite:///{folder}/numbers.db"
        self._numbers = count()
        self.push(ORDERS)
        self.run = self.begin("--follow", "--refresh-s", str(REFRESH_S))

    def begin(self, *words: str, definitions: str | None = None) -> ForkedRun:
        return self._zygote.start(
            "run", "--input", str(self._file), "--account", ACCOUNT, "--store", self._store, "--json", *words,
            "--definitions", definitions or self.redis.url,
        )  # fmt: skip

    def push(self, *metrics: dict[str, Any]) -> None:
        self.redis.client.hset(KEY, mapping={f"metric:{m['id']}": json.dumps(m) for m in metrics})

    def send(self, events: int = 3, again: int = 2) -> None:
        """Append so many new events, and so many of the first ones once more."""
        new = [order(messageId=f"m{n}", anonymousId=f"v{n % 5}", total=n % 7) for n in islice(self._numbers, events)]
        self.events += new
        with self._file.open("a") as f:
            f.writelines(json.dumps(event) + "\n" for event in [*new, *self.events[:again]])

    def numbers(self, *metrics: dict[str, Any]) -> Numbers:
        store = open_store(self._store, create=True)
        try:
            return stored_numbers(store, [snapshot_of(*metrics)])
        finally:
            store.close()

    def await_exact(self) -> None:
        """Until all that was sent is counted, no more and no less."""
        expected = numbers_of(self.events, ORDERS)
        self.until(lambda: self.numbers(ORDERS) == expected)

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert not self.run.poll(0.05), self.run.wait()
            assert time.monotonic() < deadline

    def end(self) -> None:
        """The run ends well, and the numbers are still exact."""
        self.run.send(signal.SIGTERM)
        self.run.wait().summary()
        assert self.numbers(ORDERS) == numbers_of(self.events, ORDERS)


def snapshot_of(*metrics: dict[str, Any]) -> Snapshot:
    return Snapshot.of([parse_account({"account": ACCOUNT, "metrics": list(metrics)}, strict=True)])


def numbers_of(events: list[dict[str, Any]], *metrics: dict[str, Any]) -> Numbers:
    """What these events come to."""
    account = snapshot_of(*metrics).accounts[ACCOUNT]
    numbers: Numbers = {}
    for metric in account.metrics.values():
        numbers |= naive.count(ACCOUNT, account.settings, metric, events)
    return numbers


@pytest.fixture
def shop(zygote: Zygote, tmp_path: Path) -> Iterator[Shop]:
    made = Shop(zygote, tmp_path)
    made.send()
    try:
        made.await_exact()
        yield made
    finally:
        made.run.send(signal.SIGKILL)
        made.redis.close()


def test_while_redis_is_gone_the_last_definitions_stay_in_force(shop: Shop) -> None:
    shop.redis.kill()
    for _ in range(3):
        shop.send()
        shop.await_exact()
    shop.end()


def test_one_that_comes_back_empty_changes_nothing_and_what_is_pushed_then_is_taken(shop: Shop) -> None:
    shop.redis.kill()
    shop.redis.start()
    shop.until(lambda: shop.redis.asked() >= LOOKS)
    shop.send()
    shop.await_exact()
    shop.push(ORDERS, LATER)
    while not shop.numbers(LATER):  # in force since some event of now
        shop.send(1, again=0)
        shop.await_exact()
    unseen = len(shop.events) - counted(shop, LATER)
    shop.send(again=0)
    shop.await_exact()
    assert shop.numbers(LATER) == numbers_of(shop.events[unseen:], LATER)
    shop.end()


def test_a_fanout_that_is_changed_meanwhile_stays_as_it_was_and_ends_nothing(shop: Shop) -> None:
    shop.redis.client.hset(KEY, "settings", json.dumps({"fanout": 3}))
    shop.push(ORDERS, LATER)
    while not shop.numbers(LATER):
        shop.send(1, again=0)
        shop.await_exact()
    shop.send(again=len(shop.events))  # each is known in its shard, and in no other
    shop.await_exact()
    shop.end()
    again = shop.begin()
    assert "settings.fanout of account shop is 3, this store was begun with 8: set it back to 8" in again.wait().refusal(2)


def counted(shop: Shop, metric: dict[str, Any]) -> int:
    """How many events the metric has."""
    return int(sum(n for key, n in shop.numbers(metric).items() if key[3:6] == ("n", "", "") and "/" not in key[6]))


@pytest.mark.parametrize("nonsense", NONSENSE)
def test_something_else_that_answers_at_its_port_changes_nothing(shop: Shop, nonsense: str) -> None:
    with shop.redis.replaced_by(NONSENSE[nonsense]) as babbler:
        shop.until(lambda: babbler.asked >= LOOKS)
        shop.send()
        shop.await_exact()
    shop.redis.start()
    shop.push(ORDERS)
    shop.until(lambda: shop.redis.asked() >= LOOKS)
    shop.send()
    shop.await_exact()
    shop.end()


HARMS: dict[str, Callable[[Any], object]] = {
    "the hash is a text": lambda client: (client.delete(KEY), client.set(KEY, "gone wrong")),
    "the hash is a list": lambda client: (client.delete(KEY), client.rpush(KEY, "gone", "wrong")),
    "the metric is not JSON": lambda client: client.hset(KEY, "metric:orders", b"\xff{"),
    "the metric is a list": lambda client: client.hset(KEY, "metric:orders", "[1]"),
    "the settings are wrong": lambda client: client.hset(KEY, "settings", '{"timezone": "Mars/Phobos"}'),
}


@pytest.mark.parametrize("harm", HARMS)
def test_what_came_while_definitions_were_nonsense_is_counted_by_a_run_over_it_again(shop: Shop, harm: str) -> None:
    """A definition that can't be counted by is no definition; the events' ids are new to it when it is one again."""
    asked = shop.redis.asked()
    HARMS[harm](shop.redis.client)
    shop.until(lambda: shop.redis.asked() >= asked + LOOKS)
    shop.send()
    shop.redis.client.delete(KEY)
    shop.push(ORDERS)
    shop.send()
    shop.run.send(signal.SIGTERM)
    shop.run.wait().summary()
    shop.begin().wait().summary()
    assert shop.numbers(ORDERS) == numbers_of(shop.events, ORDERS)


def test_a_redis_that_is_gone_at_the_start_is_a_refusal(shop: Shop) -> None:
    shop.redis.kill()
    assert "cannot be reached" in shop.begin().wait().refusal(code=2)

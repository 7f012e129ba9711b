"""What reaches the demo's shop over the network, in order of arrival: some of it twice, late or broken. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import Any

import orjson

from pipeline.demo.visit import Event, visit
from pipeline.demo.visitors import Assign, Visitors

TWICE = 0.02  # of records: the client did not hear that they had arrived
TWICE_AFTER_S = 20.0  # at most
OFFLINE = 0.01  # of visits: sent when the device is online again
OFFLINE_H = (1.0, 40.0)
BROKEN = 0.0006  # of records are followed by one that can't be counted
# The rate of visits holds for so long. Gaps between visits have no memory, so one that is longer may begin anew.
STEP = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One line that arrives. `event`: what it tells for the first time. `reject`: why it can't be counted."""

    line: bytes
    event: Event | None = None
    reject: str | None = None


class Traffic:
    """All visits from `begin` on. visits_per_s: how many come at a time, of all those around it."""

    def __init__(self, seed: int, begin: datetime, visits_per_s: Callable[[datetime], float], assign: Assign) -> None:
        # Two, so that the traffic is the same in whatever steps it is asked for.
        self._people, self._network = Random(seed), Random(seed + 1)
        self._visitors = Visitors(self._people, assign)
        self._next = begin  # all visits that begin before it are under way
        self._visits_per_s = visits_per_s
        self._under_way: list[tuple[datetime, bool, int, Event | bytes]] = []
        self._number = count()

    def until(self, end: datetime) -> Iterator[Delivery]:
        """What arrives from where the last call ended."""
        while self._next < end:
            gap = timedelta(seconds=self._people.expovariate(self._visits_per_s(self._next)))
            if gap > STEP:
                self._next += STEP
                continue
            self._next += gap
            self._begin_visit(self._next)
        while self._under_way and self._under_way[0][0] <= end:
            arrival, _, _, what = heappop(self._under_way)
            yield from self._deliver(arrival, what)

    def pause_until(self, time: datetime) -> None:
        """No visits begin before this time; those under way go on."""
        self._next = max(self._next, time)

    def _begin_visit(self, start: datetime) -> None:
        offline = timedelta(0)
        if self._people.random() < OFFLINE:
            offline = timedelta(milliseconds=round(self._people.uniform(*OFFLINE_H) * 3_600_000))
        for event in visit(self._people, self._visitors.welcome(), start - offline):
            self._expect(event.time + offline, event)

    def _expect(self, arrival: datetime, what: Event | bytes) -> None:
        heappush(self._under_way, (arrival, isinstance(what, bytes), next(self._number), what))

    def _deliver(self, arrival: datetime, what: Event | bytes) -> Iterator[Delivery]:
        if isinstance(what, bytes):
            yield Delivery(what)
            return
        arrived = rfc3339(arrival)
        record = {**what.record, "timestamp": rfc3339(what.time), "sentAt": arrived, "receivedAt": arrived}
        line = orjson.dumps(record)
        yield Delivery(line, event=what)
        chance = self._network.random()
        if chance < TWICE:
            self._expect(arrival + timedelta(seconds=self._network.uniform(0, TWICE_AFTER_S)), line)
        elif chance < TWICE + BROKEN:
            yield broken(self._network, record, arrival)


def broken(rng: Random, record: dict[str, Any], arrival: datetime) -> Delivery:
    """A record that can't be counted, in one of the ways in which clients break them."""
    line = orjson.dumps(record)
    ahead = rfc3339(arrival + timedelta(days=3))
    lines = {
        "not_json": line[: len(line) // 2],
        "not_an_object": orjson.dumps([record["messageId"], "hello"]),
        "bad_timestamp": orjson.dumps({**record, "timestamp": "yesterday, at noon"}),
        "in_the_future": orjson.dumps({**record, "timestamp": ahead}),
        "wrong_account": orjson.dumps({**record, "account": "another-shop"}),
    }
    reason = rng.choice(list(lines))
    return Delivery(lines[reason], reject=reason)


def rfc3339(time: datetime) -> str:
    """A UTC time in ms."""
    return time.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"

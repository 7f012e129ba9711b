"""One writer of one shard whose requests are late: it is told that the time of one is over and goes on otherwise, and
the request arrives at the service at any step after that.

What is not acknowledged is delivered again, batched otherwise, so that the attempts at one seq differ. After each unit
somebody else applies the head again, as whoever takes the shard over would.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from unittest.mock import patch

from pipeline.model.errors import TransientStoreError
from pipeline.shard import keeper as keepers
from tests.support.empty_places import OpenStore
from tests.support.faulty_wire import Blow, Code, FaultyWire, Land, Struck
from tests.support.one_shard import OneShard


@dataclass(frozen=True, slots=True)
class Late:
    """The request number `number` of a run is late and lands before the one `after` that. `refused`: so is the commit
    that comes next, for good measure.
    """

    number: int
    after: int
    refused: bool


class LateRequests:
    """One run. `requests`: what was asked for; `landed`: whether the late one did before the end."""

    def __init__(self, world: OneShard, late: Late) -> None:
        self.requests: list[str] = []
        self.landed = False
        self._world = world
        self._late = late
        self._in_flight: list[Land] = []
        self._refused = not late.refused

    def wrong(self, open_store: OpenStore) -> list[str]:
        """What is wrong in the end."""
        store, other = open_store(), open_store()
        self._world.adopt(store)
        FaultyWire(store, self._plan, self._in_flight)
        writer = self._world.keeper(store)
        with patch.object(keepers, "ATTEMPTS", 1):
            left = self._world.cut(2)
            while left:
                unit = left.pop(0)
                try:
                    writer.commit(0, unit)
                except TransientStoreError:
                    left = [[*left[0], *unit], *left[1:]] if left else [unit]
                else:
                    other.settle([0])
        for land in self._in_flight:
            land()
        wrong = self._world.wrong(store)
        store.close()
        other.close()
        return wrong

    def _plan(self, name: str) -> Struck | None:
        number = len(self.requests)
        self.requests.append(name)
        if number == self._late.number + self._late.after and self._in_flight:
            self._in_flight.pop()()
            self.landed = True
        if number == self._late.number:
            return Struck(Blow.LATE)
        if number > self._late.number and not self._refused and name == "check shards":
            self._refused = True
            return Struck(Blow.REFUSED, Code.DEADLINE_EXCEEDED)
        return None


NEVER = Late(-1, 0, False)


def late_requests(
    open_stores: Iterator[OpenStore], world: OneShard, method: str, refused: bool
) -> Iterator[tuple[Late, list[str]]]:
    """Each request of a method, landing at each later moment, with what is wrong then."""
    whole = LateRequests(world, NEVER)
    yield NEVER, whole.wrong(next(open_stores))
    for number in [number for number, name in enumerate(whole.requests) if name.startswith(method)]:
        for after in count(1):
            late = Late(number, after, refused)
            run = LateRequests(world, late)
            yield late, run.wrong(next(open_stores))
            if not run.landed:
                break

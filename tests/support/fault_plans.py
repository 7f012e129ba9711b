"""Faults drawn at random, for what one process asks of its store: operations, and the requests or statements beneath."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from tests.support.faulty_sqlite import Harm
from tests.support.faulty_store import Action, Fault, When
from tests.support.faulty_wire import Blow, Code, Struck

PASSING = (
    Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED, Code.ABORTED, Code.RESOURCE_EXHAUSTED, Code.INTERNAL, Code.UNKNOWN,
    Code.CANCELLED,
)  # fmt: skip
FOR_GOOD = (Code.PERMISSION_DENIED, Code.NOT_FOUND, Code.UNAUTHENTICATED, Code.FAILED_PRECONDITION, Code.DATA_LOSS)
THROTTLING = (Code.RESOURCE_EXHAUSTED, Code.UNAVAILABLE)
THROTTLED_CALLS_MAX = 12
PARTS_MAX = 6
STATEMENTS_PER_REQUEST = 4  # roughly: SQLite is asked so much more often than a service
BLOWS = (*Blow, Blow.LATE, Blow.TWICE)  # what lands late has to meet what came after it
KILLS = (Harm.KILL_BEFORE, Harm.KILL_AFTER)
HARMS = {  # by a statement's first word
    "BEGIN": (Harm.BUSY, Harm.IO, *KILLS),
    "SELECT": (Harm.BUSY, Harm.IO, *KILLS),
    "INSERT": (Harm.FULL, Harm.IO, *KILLS),
    "DELETE": (Harm.FULL, Harm.IO, *KILLS),
    "COMMIT": (Harm.BUSY, Harm.FULL, Harm.IO, Harm.UNHEARD, *KILLS),
}


@dataclass(frozen=True, slots=True)
class Roughness:
    """Chances per operation (`failing`), per request or statement (`struck`), and that a time without any answer begins
    (`throttled`). `for_good`: of all errors, those that no second attempt helps against. `requests`: how
    the names begin of those that are struck, with one of `blows`.
    """

    failing: float = 0.02
    struck: float = 0.08
    throttled: float = 0.005
    for_good: float = 0.04
    requests: tuple[str, ...] = ("",)
    blows: Sequence[Blow] = BLOWS


ROUGH = Roughness()


class FaultPlans:
    """The plans of one process. `calm`: whether nothing fails any more; `begun`: until it is set there are fewer faults,
    since a process that ends while it begins shows little.
    """

    def __init__(self, random: Random, rough: Roughness, calm: Callable[[], bool]) -> None:
        self._random = random
        self._rough = rough
        self._calm = calm
        self.begun = False
        self._throttled = 0  # requests that will be refused

    def operation(self, operation: str) -> Fault | None:
        """A `faulty_store.Plan`."""
        if not self._chance(self._rough.failing):
            return None
        action = Action.REFUSE if self._chance(self._rough.for_good) else self._random.choice([Action.FAIL, Action.KILL])
        return Fault(self._random.choice([When.BEFORE, When.AFTER]), action)

    def request(self, name: str) -> Struck | None:
        """A `faulty_wire.WirePlan`."""
        if not self._throttled and self._chance(self._rough.throttled):
            self._throttled = self._random.randint(1, THROTTLED_CALLS_MAX)
        if self._throttled:
            self._throttled -= 1
            return Struck(Blow.REFUSED, self._random.choice(THROTTLING))
        if not name.startswith(self._rough.requests) or not self._chance(self._rough.struck):
            return None
        codes = FOR_GOOD if self._chance(self._rough.for_good) else PASSING
        return Struck(self._random.choice(self._rough.blows), self._random.choice(codes), self._random.randrange(PARTS_MAX))

    def statement(self, word: str) -> Harm | None:
        """A `faulty_sqlite.DbPlan`."""
        if word not in HARMS or not self._chance(self._rough.struck / STATEMENTS_PER_REQUEST):
            return None
        return self._random.choice(HARMS[word])

    def _chance(self, chance: float) -> bool:
        return not self._calm() and self._random.random() < (chance if self.begun else chance / 4)

"""The steps of a run at which a process can be struck, and how that is planted into a forked child.

Production code knows nothing of this: its functions are wrapped in the child before the command begins. Steps of one
store's commit are in `kill_points_sqlite` and `kill_points_bigtable`.
"""

from __future__ import annotations

import pkgutil
import signal
from collections.abc import Callable
from functools import partial
from importlib import import_module
from random import Random
from typing import NamedTuple

import pipeline.sources
from pipeline.adopt import Adoption
from pipeline.sources.source import Source
from pipeline.store import Store
from pipeline.store.bigtable import BigtableStore
from pipeline.store.sqlite import SqliteStore
from pipeline.worker import Worker
from tests.support import kill_points_bigtable as bigtable
from tests.support import kill_points_sqlite as sqlite
from tests.support.forked import Plant
from tests.support.strikes import Strike, struck_after, struck_before

STORES: dict[str, type[Store]] = {"sqlite": SqliteStore, "bigtable": BigtableStore}


class Step(NamedTuple):
    """`plant(strike, store class)` has `strike` pass there. `passes`: how often a small run comes by, at most."""

    plant: Callable[[Strike, type[Store]], None]
    passes: int


def _matching(strike: Strike, _: type[Store]) -> None:
    struck_after(Worker, "match", strike)


def _loaded(strike: Strike, store: type[Store]) -> None:
    """The visitors' rows are there, and what their hits make of them is not known yet."""
    struck_after(store, "read", strike, when=lambda self, table, *rest: table == "visitors")


def _of_sources(wrap: Callable[..., None], name: str) -> Callable[[Strike, type[Store]], None]:
    def plant(strike: Strike, _: type[Store]) -> None:
        for source in (kind for kind in sources() if name in vars(kind)):
            wrap(source, name, strike)

    return plant


UNITS, CHUNKS = 12, 4

EVERYWHERE = {
    "definitions in force": Step(lambda strike, _: struck_after(Adoption, "adopt", strike), CHUNKS),
    "matching": Step(_matching, 8),
    "visitors loaded": Step(_loaded, UNITS),
    "before the commit": Step(lambda strike, store: struck_before(store, "commit", strike), UNITS),
    "applied, nothing further done": Step(lambda strike, store: struck_after(store, "commit", strike), UNITS),
    "before the flush": Step(lambda strike, store: struck_before(store, "flush", strike), CHUNKS),
    "before the acknowledgement": Step(_of_sources(struck_before, "acknowledge"), CHUNKS),
    "after the acknowledgement": Step(_of_sources(struck_after, "acknowledge"), CHUNKS),
}
HALF_MADE = "the store half made"
OF_A_HEAD = ("k of n rows applied again from the head", "applied again from the head")
OF_STORE = {
    "sqlite": {
        HALF_MADE: Step(partial(sqlite.plant, sqlite.HalfMade), 4),
        "within the transaction, nothing written": Step(partial(sqlite.plant, sqlite.Begun), UNITS),
        "within the transaction, k of n cells written": Step(partial(sqlite.plant, sqlite.HalfWritten), 2 * UNITS),
        "before COMMIT": Step(partial(sqlite.plant, sqlite.BeforeCommit), UNITS),
        "after COMMIT": Step(partial(sqlite.plant, sqlite.AfterCommit), UNITS),
    },
    "bigtable": {
        HALF_MADE: Step(bigtable.half_made, 4),
        "head committed, nothing applied": Step(bigtable.head_moved, UNITS),
        "k of n rows applied": Step(bigtable.half_applied, UNITS),
        OF_A_HEAD[0]: Step(bigtable.half_applied_again, 3),
        OF_A_HEAD[1]: Step(bigtable.applied_again, 8),
    },
}


LOCKED = {"within the transaction, nothing written", "within the transaction, k of n cells written", "before COMMIT"}


def steps_of(store: str) -> dict[str, Step]:
    """All steps of a run on this kind of store."""
    return {**EVERYWHERE, **OF_STORE[store]}


def steps_to_stall_at(store: str) -> list[str]:
    """Those at which a run may stop and another go on: it holds no lock on the store."""
    return [step for step in steps_of(store) if step not in LOCKED and step != HALF_MADE]


def striking(step: str, store: str, random: Random, number: int = signal.SIGKILL, nth: int = 0) -> Plant:
    """What strikes a child with this signal when it comes by the step for the n-th time; 0: drawn."""
    # Mostly early: later passes come only where all went well before.
    nth = nth or 1 + int(steps_of(store)[step].passes * random.random() ** 2)
    words = {"step": step, "store": store, "nth": nth, "number": int(number), "seed": random.getrandbits(32)}
    return f"{__name__}:plant", words


def plant(step: str, store: str, nth: int, number: int, seed: int) -> None:
    """In a child."""
    steps_of(store)[step].plant(Strike(nth, number, Random(seed)), STORES[store])


def sources() -> list[type[Source]]:
    """All kinds of input there are."""
    for module in pkgutil.iter_modules(pipeline.sources.__path__, "pipeline.sources."):
        import_module(module.name)
    found = list(Source.__subclasses__())
    for kind in found:
        found += kind.__subclasses__()
    return [kind for kind in found if "acknowledge" in vars(kind)]

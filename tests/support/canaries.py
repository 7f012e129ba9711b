"""Which rule of the protocol each wrong program lacks, and the worlds that must find it out.

`ROWS` are the rules, as the table in the design has them, and two that it takes for granted. Some of them make up for one
another here: those are left out together, and `MADE_UP_FOR` has what does no harm alone, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any, NamedTuple

from pipeline.shard import keeper, plan
from pipeline.store import Store
from tests.support import left_out
from tests.support.at_least_once import Delivered
from tests.support.empty_places import Places
from tests.support.fault_knobs import USUAL, Knobs, Rules
from tests.support.fault_plans import Roughness
from tests.support.fault_world import first_wrong_seed
from tests.support.faulty_wire import Blow
from tests.support.late_requests import late_requests
from tests.support.left_out import Change, nothing
from tests.support.one_fault import each_fault
from tests.support.one_shard import OneShard
from tests.support.planted import PLANTED
from tests.support.second_program import OTHERS, wrong_after
from tests.support.two_writers import Then, TwoWriters, stands

SEEDS = 50
SMALL_WORLD = 16  # two accounts, twelve events, firsts with amounts

ROWS = {
    "fence": "a head moves only from the seq that was read",
    "head first": "the head is read before the rows, and a payload of somebody else's is applied again first",
    "doubt": "on any doubt about a commit all that is held is dropped and the unit begins again at its first step",
    "copies": "a unit is worked out on copies: one that fails leaves no trace in what is held",
    "all rows": "some rows applied is not applied, and there is no next commit before all of them are",
    "acknowledge last": "a source is acknowledged after the apply; all heads are applied again at start and end",
    "nothing new": "a unit with nothing new is committed as well before it is acknowledged",
    "timestamps": "cells are stamped with the seq, not with the clock",
    "never delete": "a cell that becomes zero is overwritten, never taken away",
    "nobody's events": "events without a visitor have ids too",
    "ids and definitions": "an id is remembered with the definitions it was judged under",
    "take back": "what is taken back is the stored cell and amount",
    "fixed": "layout, shards, fanout and visitor key are fixed in the store at first use",
    "horizon": "an id is remembered for as long as it was promised",
}

Search = Callable[[Places], Any]  # what was found wrong, if anything


class LeftOut(NamedTuple):
    """A wrong program: the rule it lacks, and where to look for what that does."""

    row: str
    search: Search
    change: Change = nothing
    on: str = "bigtable"


class MadeUpFor(NamedTuple):
    """What does no harm alone, and why."""

    reason: str
    search: Search
    change: Change = nothing


def worlds(knobs: Knobs = USUAL, seeds: int = SEEDS, **rules: Any) -> Search:
    """Random ones, see `fault_world`."""
    return lambda places: first_wrong_seed(places, range(seeds), knobs, Rules(**rules))


def two_writers(then: Then, around: Callable[[Store], Store] = lambda store: store) -> Search:
    """Every pair of steps, see `two_writers`."""

    def search(places: Places) -> Any:
        found = stands(map(places, count()), TwoWriters(OneShard(SMALL_WORLD, 4), around), then, warm=False)
        return next((each for each in found if each[1]), None)

    return search


def late(method: str) -> Search:
    """Every request of a method that is late, at every later moment, and the next commit refused: see `late_requests`."""

    def search(places: Places) -> Any:
        found = late_requests(map(places, count()), OneShard(SMALL_WORLD, 4), method, refused=True)
        return next((each for each in found if each[1]), None)

    return search


def any_fault(places: Places) -> Any:
    """Every fault at every request, see `one_fault`."""
    found = each_fault(map(places, count()), OneShard(SMALL_WORLD, 4))
    return next((each for each in found if each[2]), None)


def second_program(value: str) -> Search:
    """One that has another value than the store was begun with."""

    def search(places: Places) -> Any:
        found = ((seed, wrong_after(seed, places(seed), OTHERS[value], left_out.FixesNothing)) for seed in range(SEEDS))
        return next((each for each in found if each[1]), None)

    return search


COMMITS_IN_DOUBT = Roughness(struck=0.4, requests=("check shards",), blows=(Blow.REFUSED, Blow.UNHEARD, Blow.LATE))
DOUBTFUL = Knobs(rough=COMMITS_IN_DOUBT)
GIVING_UP = replace(DOUBTFUL, constants=((keeper, "ATTEMPTS", 1),))
DYING = Knobs(  # in the midst of an apply
    delivered=Delivered(events_max=8, changing=False),
    rough=Roughness(struck=0.5, requests=("mutate counters",), blows=(Blow.KILL_BEFORE,)),
)
UNSWEPT = replace(DYING, processes=1, steps=(1,), swept=False)
FIRSTS = {
    "id": "firsts",
    "where": {},
    "measures": {"n": {"aggregate": "count", "once_per": "visitor"}},
    "breakdowns": ["context.country"],
}
LATE_ROWS = Knobs(  # and cells that become zero
    delivered=Delivered(metrics=[FIRSTS], events_max=30, block_events_max=2),
    rough=Roughness(struck=0.3, requests=("mutate",), blows=(Blow.LATE, Blow.TWICE)),
)
SPANS = Knobs(delivered=Delivered(spans=3, redelivered=0.4), held_bytes_max=0, constants=((plan, "FOLD_CELLS", 2),))

LEFT_OUT = {
    "a head moves from any seq": LeftOut("fence", two_writers(Then.GOES_ON), left_out.never_fences),
    "rows are read before the head": LeftOut("head first", worlds(store=left_out.ReadsTheHeadLast)),
    "what somebody else committed is not applied again": LeftOut("head first", worlds(), left_out.never_reapplies),
    "a commit in doubt is applied": LeftOut("doubt", worlds(DOUBTFUL), left_out.applies_in_doubt),
    "a commit in doubt is done if the head has its seq": LeftOut(
        "doubt", late("check"), left_out.infers_success_from_the_seq
    ),
    "a commit in doubt is done if the head has the worker's nonce": LeftOut(
        "doubt", late("check"), left_out.infers_success_from_the_nonce_of_a_worker
    ),
    "what is held is held on to after a doubt": LeftOut("doubt", worlds(keeper=left_out.KeepsWhatItHolds)),
    "worked out in place, and held on to if the head has not moved": LeftOut(
        "copies", worlds(keeper=left_out.KeepsWhatHasNotMoved), left_out.computes_in_place
    ),
    "some rows written are all rows written": LeftOut("all rows", any_fault, left_out.some_rows_are_enough),
    "the next commit does not wait for the last apply": LeftOut(
        "all rows", worlds(DYING), left_out.commits_before_the_last_apply
    ),
    "acknowledged before the commit": LeftOut("acknowledge last", worlds(GIVING_UP, acked_on_failure=True)),
    "acknowledged before the apply, and no head applied again": LeftOut(
        "acknowledge last", worlds(UNSWEPT, acked_at_head=True)
    ),
    "nothing new is acknowledged at once, and no head applied again": LeftOut(
        "nothing new",
        two_writers(Then.DIES, lambda store: left_out.SkipsEmptyUnits(left_out.FactsFirst(store))),
        left_out.nothing_new_is_nothing_to_write,
    ),
    "the last write wins": LeftOut("timestamps", late("mutate"), left_out.stamps_with_the_clock),
    "a cell that becomes zero is taken away": LeftOut("never delete", worlds(LATE_ROWS), left_out.takes_zeros_away),
    "a cell that becomes zero is left as it was": LeftOut(
        "never delete", worlds(LATE_ROWS), PLANTED["a cell that becomes nothing is not written"], "sqlite"
    ),
    "events without a visitor have no ids": LeftOut(
        "nobody's events", worlds(), PLANTED["duplicates of events without a visitor count"], "sqlite"
    ),
    "a known id is known to new metrics": LeftOut(
        "ids and definitions", worlds(), PLANTED["a known id is known to new metrics too"], "sqlite"
    ),
    "a known id is new to all metrics of others": LeftOut(
        "ids and definitions", worlds(), PLANTED["a known id is new to all metrics of other definitions"], "sqlite"
    ),
    "what is taken back is worked out again": LeftOut(
        "take back",
        worlds(),
        PLANTED["what is taken back is worked out from the event that takes its place"],
        "sqlite",
    ),
    **{f"another {value} is not refused": LeftOut("fixed", second_program(value), on="sqlite") for value in OTHERS},
    "ids are forgotten a day early": LeftOut("horizon", worlds(SPANS), left_out.forgets_ids_a_day_early, "sqlite"),
}
FEW = 4
MADE_UP_FOR = {
    "one nonce for all attempts of a worker": MadeUpFor(
        "success is never inferred, so no attempt is ever told from another", late("check"), left_out.one_nonce_per_worker
    ),
    "a commit in doubt is done if the head has its own nonce": MadeUpFor(
        "with a nonce of each attempt that is true; it is left out for want of need, not of rightness",
        late("check"),
        left_out.infers_success_from_the_nonce,
    ),
    "worked out in place": MadeUpFor(
        "whatever was worked out is dropped with all that is held", worlds(seeds=FEW), left_out.computes_in_place
    ),
    "held on to if the head has not moved": MadeUpFor(
        "what is held is what the store has, since a unit is worked out on copies",
        worlds(seeds=FEW, keeper=left_out.KeepsWhatHasNotMoved),
    ),
    "acknowledged before the apply": MadeUpFor(
        "all heads are applied again at start and end", worlds(DYING, FEW, acked_at_head=True)
    ),
    "no head applied again at start and end": MadeUpFor(
        "what is not applied is not acknowledged, and comes again", worlds(UNSWEPT, FEW)
    ),
    "nothing new is acknowledged at once": MadeUpFor(
        "all heads are applied again at start and end",
        worlds(DYING, FEW, store=left_out.SkipsEmptyUnits),
        left_out.nothing_new_is_nothing_to_write,
    ),
}

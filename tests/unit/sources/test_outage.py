"""How a source bears an outage: it rests longer and longer, and a run that takes what there is gives up."""

from __future__ import annotations

import pytest

from pipeline.model.errors import RunError
from pipeline.sources.outage import OUTAGE_MAX_S, PAUSE_MAX_S, PAUSE_MIN_S, Outage


def rests(outage: Outage, now: list[int], count: int) -> list[int]:
    """How long it rests after each of so many attempts in vain, in tenths of a second, by a clock that goes on meanwhile."""
    found = []
    for _ in range(count):
        begun = now[0]
        assert outage.go_on(ConnectionError("gone")) == "waiting for the input: gone"
        while outage.resting:
            now[0] += 1
        found.append(now[0] - begun)
    return found


def test_rests_grow_to_a_bound_and_begin_anew_with_the_next_outage() -> None:
    now = [0]
    outage = Outage(follow=True, clock=lambda: now[0] / 10)
    assert not outage.resting
    grown = rests(outage, now, 10)
    assert grown == sorted(grown)
    assert (grown[0], grown[-1]) == (10 * PAUSE_MIN_S, 10 * PAUSE_MAX_S)
    outage.end()
    assert rests(outage, now, 1) == [grown[0]]


def test_a_run_that_takes_what_there_is_gives_up_only_where_one_outage_lasts_too_long() -> None:
    now = [0.0]
    outage = Outage(follow=False, clock=lambda: now[0])
    for _ in range(5):
        outage.go_on(ConnectionError("gone"))
        now[0] += OUTAGE_MAX_S
        outage.end()
    outage.go_on(ConnectionError("gone"))
    now[0] += OUTAGE_MAX_S + 1
    with pytest.raises(RunError, match="gone; what stood before is counted, run it again"):
        outage.go_on(ConnectionError("gone"))

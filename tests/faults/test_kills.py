"""Real processes killed with -9 on every step, and run again over the same records in another cut: exact in the end.

This is the short version; `make kills` gives each step twenty kills and prints the histogram. Without one of the rules
that make it so the same stories must go wrong.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.conftest import HEAVY_TIMEOUT_S
from tests.faults.conftest import PlacesOn
from tests.faults.kills import STORES, as_text, tell, tell_all
from tests.support.forked import PATIENCE_S
from tests.support.kill_story import ENDED_FROM_OUTSIDE, Story
from tests.support.outages import with_workers_that_never_begin

FIRST_SEED, KILLS = 0, 2
COME_BY_RARELY = {"k of n rows applied again from the head"}  # another kill has to come first; `make kills` insists
STORIES_MAX = 12


@pytest.mark.timeout(HEAVY_TIMEOUT_S)
@pytest.mark.parametrize("store", STORES)
def test_numbers_are_exact_after_kills_at_every_step(store: str, places_on: PlacesOn) -> None:
    told = tell_all(places_on(store), store, FIRST_SEED, KILLS)
    print(as_text({store: told}))
    assert told.wrong == []
    assert set(told.lacking(store, KILLS)) <= COME_BY_RARELY


LEFT_OUT = {  # where it shows, and whether a run is killed there or stalls
    "acknowledge_first": (["before the commit"], 0.0),
    "never_reapply": (["k of n rows applied"], 0.0),
    "never_fence": (["visitors loaded"], 1.0),
}


@pytest.mark.parametrize(
    ("store", "rule"),
    [
        ("sqlite", "acknowledge_first"),
        ("bigtable", "acknowledge_first"),
        ("bigtable", "never_reapply"),
        ("sqlite", "never_fence"),
        ("bigtable", "never_fence"),
    ],
)
def test_a_rule_left_out_is_found_out_by_stories_of_kills(store: str, rule: str, places_on: PlacesOn) -> None:
    canaries = places_on(store, rule)
    told = (tell(seed, canaries.new(), *LEFT_OUT[rule]) for seed in range(STORIES_MAX))
    assert any("instead of" in line for story in told for line in story.wrong)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_workers_whose_run_is_killed_while_they_start_end_too(places_on: PlacesOn) -> None:
    story = Story(0, places_on("sqlite").new(), "files")
    run = story.begin([with_workers_that_never_begin()], workers=2)
    while not run.workers():
        assert not run.poll(0.002)
    started = run.workers()
    run.send(signal.SIGKILL)
    assert run.wait().killed
    until = time.monotonic() + PATIENCE_S
    while any(is_running(worker) for worker in started):
        assert time.monotonic() < until
        time.sleep(0.05)
    assert story.finish().wrong == []
    story.close()


def test_a_worker_killed_while_it_starts_ends_the_run_with_one_line(places_on: PlacesOn) -> None:
    story = Story(0, places_on("sqlite").new(), "files")
    run = story.begin([with_workers_that_never_begin()], workers=2)
    while not run.workers():
        assert not run.poll(0.002)
    os.kill(run.workers()[0], signal.SIGKILL)
    assert ENDED_FROM_OUTSIDE in run.wait().refusal()
    assert story.finish().wrong == []
    story.close()

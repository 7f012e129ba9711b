"""Two pipelines on one store and one input at once, killed at random moments and begun again: exact in the end."""

from __future__ import annotations

import signal

import pytest

from tests.faults.conftest import PlacesOn
from tests.faults.kills import STORES
from tests.support.feeds import feeds
from tests.support.forked import ForkedRun
from tests.support.kill_story import Story
from tests.support.seeds import seeds

KILLS = 3
BETWEEN_KILLS_S = 0.6


@pytest.mark.parametrize("feed", sorted(feeds("")))
@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("seed", seeds(1))
def test_two_pipelines_at_once_that_are_killed_and_begun_again_are_exact(
    seed: int, store: str, feed: str, places_on: PlacesOn
) -> None:
    story = Story(seed, places_on(store).new(), feed)
    pair = [story.begin(), story.begin()]
    for _ in range(KILLS):
        story.feed_for(pair[0], story.random.random() * BETWEEN_KILLS_S)
        which = story.random.randrange(2)
        _kill(pair[which])
        pair[which] = story.begin()
    for run in pair:
        story.fed(run).summary()
    assert story.finish().wrong == []
    story.close()


def _kill(run: ForkedRun) -> None:
    """It may have come to its end before."""
    run.send(signal.SIGKILL)
    ended = run.wait()
    if not ended.killed:
        ended.summary()

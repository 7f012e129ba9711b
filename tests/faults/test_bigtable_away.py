"""A Bigtable that stalls in the middle of runs, shorter and longer than a call waits, or goes away for good.

The emulator is a test's own and stopped with SIGSTOP: connections stay open, what is sent lands late or never.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.emulators import BigtableEmulator, find_bigtable_emulator
from tests.support.forked import Zygote
from tests.support.kill_story import Places, Story
from tests.support.outages import in_haste
from tests.support.seeds import seeds

CALL_S, GIVE_UP_S = 1.0, 2.5  # longer than an emulator takes that is merely busy
BRIEFLY_S, LONGER_S, FOR_EVER_S = CALL_S / 4, 1.5 * CALL_S, 2 * GIVE_UP_S
SOON_S = 50.0  # with what is given up after seconds here given up after a minute, it would be two
STEPS = ("visitors loaded", "before the commit", "head committed, nothing applied", "before the acknowledgement")


@pytest.fixture
def emulator(bigtable_emulator: BigtableEmulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[BigtableEmulator]:
    program = find_bigtable_emulator()  # the other one says where there is none
    assert program is not None
    own = BigtableEmulator(program)
    monkeypatch.setenv("BIGTABLE_EMULATOR_HOST", own.host)
    yield own
    own.stop()


@pytest.fixture
def places(zygote: Zygote, tmp_path: Path, redis_server_url: str, emulator: BigtableEmulator) -> Places:
    return Places(zygote, tmp_path, redis_server_url, emulator.host)


@pytest.mark.parametrize("stall_s", [BRIEFLY_S, LONGER_S], ids=["shorter than a call waits", "longer"])
@pytest.mark.parametrize("seed", seeds(1))
def test_numbers_are_exact_where_it_stalls_and_goes_on(
    seed: int, stall_s: float, places: Places, emulator: BigtableEmulator
) -> None:
    story = Story(seed, places.new(), "files")
    for step in STEPS:
        run = story.paused_at(step, [in_haste(10 * LONGER_S, CALL_S)], nth=1)
        assert run is not None
        with emulator.stalled():
            run.send(signal.SIGCONT)
            time.sleep(stall_s)
        assert story.fed(run).summary()
    assert story.finish().wrong == []


@pytest.mark.parametrize(("step", "workers"), [*((step, 1) for step in STEPS), ("before the acknowledgement", 2)])
def test_where_it_goes_away_for_good_a_run_ends_soon_with_one_line(
    step: str, workers: int, places: Places, emulator: BigtableEmulator
) -> None:
    story = Story(0, places.new(), "files")
    run = story.paused_at(step, [in_haste(GIVE_UP_S)], nth=1, workers=workers)
    assert run is not None
    emulator.stop()
    run.send(signal.SIGCONT)
    assert "bigtable://project/instance" in run.wait(SOON_S).refusal()


def test_a_run_that_gave_up_is_made_good_by_the_next(places: Places, emulator: BigtableEmulator) -> None:
    story = Story(0, places.new(), "files")
    for step in STEPS:
        run = story.paused_at(step, [in_haste(GIVE_UP_S, CALL_S)], nth=1)
        assert run is not None
        with emulator.stalled():
            run.send(signal.SIGCONT)
            assert "bigtable://project/instance" in run.wait(SOON_S).refusal()
    assert story.finish().wrong == []


@pytest.mark.parametrize("feed", ["followed files", "a stream"])
def test_a_run_that_follows_its_input_waits_until_it_is_back(feed: str, places: Places, emulator: BigtableEmulator) -> None:
    story = Story(0, places.new(), feed)
    for step in STEPS:
        run = story.paused_at(step, [in_haste(GIVE_UP_S, CALL_S)])
        if run is not None:
            with emulator.stalled():
                run.send(signal.SIGCONT)
                time.sleep(FOR_EVER_S)
            assert story.fed(run).summary()
    assert story.finish().wrong == []
    story.close()


@pytest.mark.parametrize("feed", ["files", "followed files", "a stream"])
def test_a_run_told_to_end_meanwhile_ends(feed: str, places: Places, emulator: BigtableEmulator) -> None:
    story = Story(0, places.new(), feed)
    run = story.paused_at("before the commit", [in_haste(GIVE_UP_S, CALL_S)], nth=1)
    assert run is not None
    with emulator.stalled():
        run.send(signal.SIGCONT)
        assert not run.poll(BRIEFLY_S)  # a signal that comes together with SIGCONT may wake another thread than the main one
        run.send(signal.SIGTERM)
        assert "bigtable://project/instance" in run.wait(SOON_S).refusal()
    assert story.finish().wrong == []
    story.close()


@pytest.mark.parametrize("feed", ["files", "followed files"])
def test_a_run_told_to_end_while_it_stalls_keeps_its_chunk_when_it_goes_on(
    feed: str, places: Places, emulator: BigtableEmulator
) -> None:
    story = Story(0, places.new(), feed)
    run = story.paused_at("before the commit", nth=1)
    assert run is not None
    with emulator.stalled():
        run.send(signal.SIGCONT)
        assert not run.poll(BRIEFLY_S)  # a signal that comes together with SIGCONT may wake another thread than the main one
        run.send(signal.SIGTERM)
        assert not run.poll(BRIEFLY_S)
    assert run.wait(SOON_S).summary()["interrupted"]
    assert story.finish().wrong == []
    story.close()

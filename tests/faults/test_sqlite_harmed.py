"""A SQLite store on a full disk, locked by somebody, overwritten with garbage or replaced, under real runs."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.conftest import PlacesOn
from tests.support.forked import ForkedRun
from tests.support.kill_story import Place, Story
from tests.support.outages import in_haste, on_a_full_disk

GIVE_UP_S = 1.0
LATER_S = 10.0  # where it must not have given up by itself before it is told to end
SOON_S = 50.0  # with what is given up after a second here given up after a minute, it would be longer
GARBAGE = b"This is no database.\n" * 1000
ROOM_KB = (1, 30, 60, 90, 120)  # too little for the tables, or for their first units
CANNOT_OPEN, FOUND_WRONG = 2, 1
FEEDS = ("files", "followed files", "a stream")


@pytest.fixture
def place(places_on: PlacesOn) -> Place:
    return places_on("sqlite").new()


def file_of(place: Place) -> Path:
    return Path(place.url.removeprefix("sqlite:///"))


def paused(story: Story, step: str = "before the commit", give_up_s: float = GIVE_UP_S) -> ForkedRun:
    run = story.paused_at(step, [in_haste(give_up_s)], nth=1)
    assert run is not None
    return run


@pytest.mark.parametrize("feed", FEEDS)
def test_on_a_full_disk_a_run_ends_with_one_line_and_with_room_again_the_same_one_is_exact(feed: str, place: Place) -> None:
    story = Story(0, place, feed)
    codes = []
    for kilobytes in ROOM_KB:
        ended = story.fed(story.begin([on_a_full_disk(kilobytes * 1024)]))
        assert str(file_of(place)) in ended.refusal(ended.code)
        codes.append(ended.code)
    assert codes == sorted(codes, reverse=True) and {*codes} == {CANNOT_OPEN, FOUND_WRONG}
    assert story.finish().wrong == []
    story.close()


@contextmanager
def locked(place: Place) -> Iterator[None]:
    """Somebody writes to the store, and goes on writing."""
    db = sqlite3.connect(file_of(place), isolation_level=None, timeout=60)
    db.execute("BEGIN IMMEDIATE")
    yield
    db.execute("ROLLBACK")
    db.close()


@pytest.mark.parametrize("feed", FEEDS)
def test_a_run_told_to_end_while_the_store_is_locked_ends_soon_with_one_line(feed: str, place: Place) -> None:
    story = Story(0, place, feed)
    run = paused(story, give_up_s=LATER_S)
    with locked(place):
        run.send(signal.SIGCONT)
        assert not run.poll(GIVE_UP_S / 4)
        run.send(signal.SIGTERM)
        assert "locked" in run.wait(SOON_S).refusal()
    assert story.finish().wrong == []
    story.close()


@pytest.mark.parametrize("feed", FEEDS)
def test_a_store_that_is_locked_for_a_while_is_waited_for(feed: str, place: Place) -> None:
    story = Story(0, place, feed)
    run = story.paused_at("before the commit", nth=1)
    assert run is not None
    with locked(place):
        run.send(signal.SIGCONT)
        assert not run.poll(GIVE_UP_S / 2)
    story.fed(run).summary()
    assert story.finish().wrong == []
    story.close()


def test_a_file_that_is_no_store_is_refused_and_left_as_it_is(place: Place) -> None:
    file_of(place).write_bytes(GARBAGE)
    story = Story(0, place, "files")
    assert str(file_of(place)) in story.begin().wait().refusal(code=2)
    assert file_of(place).read_bytes() == GARBAGE
    file_of(place).unlink()
    assert story.finish().wrong == []


@pytest.mark.parametrize("step", ["visitors loaded", "before the commit", "applied, nothing further done"])
def test_garbage_over_the_file_ends_a_run_with_one_line_and_a_new_store_is_exact(step: str, place: Place) -> None:
    story = Story(0, place, "files")
    story.fed(story.begin()).summary()
    run = paused(story, step)
    for file in file_of(place).parent.glob(f"{file_of(place).name}*"):
        with file.open("r+b") as f:
            f.write(os.urandom(file.stat().st_size))
    run.send(signal.SIGCONT)
    assert str(file_of(place)) in run.wait(SOON_S).refusal()
    assert story.begin().wait().refusal(code=2)
    for file in file_of(place).parent.glob(f"{file_of(place).name}*"):
        file.unlink()
    assert story.finish().wrong == []


@pytest.mark.parametrize("feed", FEEDS)
def test_a_file_that_is_removed_ends_a_run_before_anything_is_acknowledged(feed: str, place: Place) -> None:
    """SQLite would go on with the file that is gone, and with it all that was acknowledged."""
    story = Story(0, place, feed)
    run = paused(story)
    for file in file_of(place).parent.glob(f"{file_of(place).name}*"):
        file.unlink()
    run.send(signal.SIGCONT)
    assert str(file_of(place)) in run.wait(SOON_S).refusal()
    assert story.finish().wrong == []
    story.close()

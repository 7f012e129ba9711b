"""Gathering: what comes while a hand-over is under way goes together in the next turn, bounded, and is answered for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable

import pytest

from pipeline.collect.gather import TURN_BYTES_MAX, TURN_RECORDS_MAX, Gather
from pipeline.collect.hand_over import HandOverError
from pipeline.collect.records import Batch
from tests.unit.collect.conftest import Shelf


def run(story: Callable[[Shelf, Gather], Awaitable[None]]) -> Shelf:
    shelf = Shelf()

    async def tell() -> None:
        gather = Gather(shelf)
        await asyncio.wait_for(story(shelf, gather), 30)
        await gather.close()

    asyncio.run(tell())
    assert shelf.closed
    return shelf


def sizes(shelf: Shelf) -> list[int]:
    return [sum(len(batch.records) for batch in turn) for turn in shelf.turns]


def test_what_waits_goes_together(caplog: pytest.LogCaptureFixture):
    async def story(shelf: Shelf, gather: Gather) -> None:
        shelf.gate = threading.Event()
        tasks = [asyncio.create_task(gather.hand_over(Batch("acme", [b"%d" % n]))) for n in range(50)]
        await asyncio.sleep(0)
        shelf.gate.set()
        await asyncio.gather(*tasks)

    shelf = run(story)
    assert sum(sizes(shelf)) == 50 and len(shelf.turns) <= 2
    assert [record for _, record in shelf.records] == [b"%d" % n for n in range(50)], "in the order they came"


@pytest.mark.parametrize(
    ("record", "count"), [(b"x", TURN_RECORDS_MAX // 4), (b"x" * (TURN_BYTES_MAX // 4), 1)], ids=["many", "large"]
)
def test_a_turn_is_bounded(record: bytes, count: int):
    async def story(shelf: Shelf, gather: Gather) -> None:
        await asyncio.gather(*(gather.hand_over(Batch("acme", [record] * count)) for _ in range(9)))

    shelf = run(story)
    assert sum(sizes(shelf)) == 9 * count and max(sizes(shelf)) <= 4 * count


def test_all_of_a_turn_that_failed_are_told_and_the_next_goes_on():
    async def story(shelf: Shelf, gather: Gather) -> None:
        shelf.failing = True
        failed = await asyncio.gather(*(gather.hand_over(Batch("acme", [b"x"])) for _ in range(3)), return_exceptions=True)
        assert [type(error) for error in failed] == [HandOverError] * 3
        shelf.failing = False
        await gather.hand_over(Batch("acme", [b"y"]))

    assert run(story).records == [("acme", b"y")]


def test_a_request_that_is_gone_does_not_hold_up_the_others():
    async def story(shelf: Shelf, gather: Gather) -> None:
        shelf.gate = threading.Event()
        first, second = (asyncio.create_task(gather.hand_over(Batch("acme", [b"x"]))) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        shelf.gate.set()
        await second

    assert len(run(story).records) == 2


def test_closing_hands_over_what_waits():
    async def story(shelf: Shelf, gather: Gather) -> None:
        tasks = [asyncio.create_task(gather.hand_over(Batch("acme", [b"x"]))) for _ in range(5)]
        await asyncio.sleep(0)
        await gather.close()
        assert all(task.done() for task in tasks) or await asyncio.gather(*tasks) is not None

    assert len(run(story).records) == 5

"""Gathers what requests bring while a hand-over is under way, and hands it over together: one sync for many requests."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from pipeline.collect.hand_over import HandOverError, Place
from pipeline.collect.records import Batch

LOG = logging.getLogger("daycount.collect")
TURN_RECORDS_MAX = 10_000
TURN_BYTES_MAX = 8 * 1024 * 1024


class _Waiting(NamedTuple):
    batch: Batch
    size: int
    done: asyncio.Future[None]


class Gather:
    """Hands over in turns, one at a time, in a thread of its own. For one event loop. How much waits, the caller bounds."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._waiting: deque[_Waiting] = deque()
        self._thread = ThreadPoolExecutor(1, "hand-over")
        self._turns: asyncio.Task[None] | None = None
        self._failing = False

    async def hand_over(self, batch: Batch) -> None:
        """The batch is durably handed over once this returns. Raises HandOverError.

        **Retry:** the records are there twice; those with a messageId count once.
        """
        done = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(batch, sum(map(len, batch.records)), done))
        if self._turns is None or self._turns.done():
            self._turns = asyncio.create_task(self._take_turns())
        await done

    async def close(self) -> None:
        """Hands over what waits, and closes the place."""
        if self._turns is not None:
            await self._turns
        self._thread.shutdown()
        await asyncio.to_thread(self._place.close)

    async def _take_turns(self) -> None:
        while self._waiting:
            turn = self._next_turn()
            error = await self._try(turn)
            for waiting in turn:
                if waiting.done.done():
                    continue  # its request is gone
                if error is None:
                    waiting.done.set_result(None)
                else:
                    waiting.done.set_exception(error)

    def _next_turn(self) -> list[_Waiting]:
        turn = [self._waiting.popleft()]
        records, size = len(turn[0].batch.records), turn[0].size
        while self._waiting:
            records += len(self._waiting[0].batch.records)
            size += self._waiting[0].size
            if records > TURN_RECORDS_MAX or size > TURN_BYTES_MAX:
                break
            turn.append(self._waiting.popleft())
        return turn

    async def _try(self, turn: list[_Waiting]) -> HandOverError | None:
        batches = [waiting.batch for waiting in turn]
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._place.hand_over, batches)
        except HandOverError as error:
            self._say_failing(error)
            return error
        except Exception as error:  # a fault of ours must not leave requests waiting for ever
            LOG.exception("handing over failed")
            return HandOverError(f"handing over failed ({type(error).__name__})")
        if self._failing:
            LOG.warning("events are handed over again")
            self._failing = False
        return None

    def _say_failing(self, error: HandOverError) -> None:
        """Once, and not for each of the requests that fail until it goes on."""
        if not self._failing:
            LOG.error("events can't be handed over, senders are told to try again: %s", error)
            self._failing = True

"""Pulls a subscription's messages by threads, for as long as there is room, and keeps their leases up meanwhile.

Where much waits several pulls are under way side by side, since each is answered with what the service has at hand; else
there is one. An outage is waited out.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

import grpc

from pipeline.sources.pubsub.calls import Away, Calls, Late
from pipeline.sources.pubsub.leases import Leases
from pipeline.sources.pubsub.message import Message

PULLS = 4
PROMPT_S, PROMPT_MIN = 0.1, 5  # so many answers in a row that came so soon: much waits
PULL_S = 100.0  # the service answers a pull for which there is nothing after some 90 s
LOOK_S = 6.0  # for a look at once: a service that doesn't answer is named within ten seconds of the start
KEEP_UP_S = 2.0
IDLE_S = 0.2
NOTHING_S = 0.05  # between looks where there is no room, or where an answer held nothing
PAUSE_MIN_S, PAUSE_MAX_S = 0.1, 5.0  # between attempts while the service is away


class Pulling:
    """What comes of one subscription. `last_at`: when something came last; `failure`: what ended it, if anything did."""

    def __init__(self, calls: Calls, subscription: str, leases: Leases, clock: Callable[[], float]) -> None:
        self._calls = calls
        self._subscription = subscription
        self._leases = leases
        self._clock = clock
        self._come: deque[list[Message]] = deque()
        self._ending = threading.Event()
        self._busy = threading.Event()
        self._prompt = 0  # answers in a row
        self._under_way: set[grpc.Future] = set()
        self._keeping, *self._pulls = (
            threading.Thread(target=work, name=f"pubsub {work.__name__}", daemon=True)
            for work in (self._keep_up, self._pull_on, *[self._pull_too] * (PULLS - 1))
        )
        self.last_at = clock()
        self.failure: Exception | None = None
        self.trouble: str | None = None

    def start(self) -> None:
        self._keep()
        for thread in self._pulls:
            thread.start()

    def stop(self) -> None:
        """Nothing more comes. **Retry:** harmless.

        A pull that is called off may be given messages all the same; these are free when their first lease is over.
        """
        self._ending.set()
        for future in list(self._under_way):
            future.cancel()
        for thread in (self._keeping, *self._pulls):
            if thread.ident is not None:
                thread.join()

    def take(self, bytes_max: int) -> list[Message]:
        """What has come until now; where it is much, one answer of the service more than so many bytes."""
        messages, size = list[Message](), 0
        while self._come and size < bytes_max:
            answer = self._come.popleft()
            messages += answer
            size += sum(len(m.record) for m in answer)
        return messages

    def look(self) -> bool:
        """Whether there is something new at this moment, as far as the service can tell at once; it is taken then, and kept.

        Raises Away, UsageError, RunError.
        """
        found = self._pull(LOOK_S, at_once=True)
        self._keep()  # a run may take longer to begin than a lease lasts
        return found

    def _keep(self) -> None:
        if self._keeping.ident is None:
            self._keeping.start()

    def _pull_too(self) -> None:
        while not self._ending.is_set() and self.failure is None:
            if self._busy.wait(IDLE_S):
                self._pull_on(self._busy.is_set)

    def _pull_on(self, wanted: Callable[[], bool] = lambda: True) -> None:
        pause = PAUSE_MIN_S
        while wanted() and not self._ending.is_set():
            try:
                if not self._leases.room() or not self._pull(PULL_S):
                    self._ending.wait(NOTHING_S)
                pause, self.trouble = PAUSE_MIN_S, None
            except Late:
                pause, self.trouble = PAUSE_MIN_S, None  # there was nothing for so long
            except Away as e:
                self.trouble = f"waiting for the input: {e}"
                self._ending.wait(pause)
                pause = min(2 * pause, PAUSE_MAX_S)
            except Exception as e:  # whatever it is: the run ends with it, and doesn't go on without its input
                self.failure = e
                return

    def _keep_up(self) -> None:
        while not self._ending.wait(KEEP_UP_S):
            self._leases.keep_up()

    def _pull(self, timeout_s: float, *, at_once: bool = False) -> bool:
        asked = self._clock()
        future = self._calls.pull(self._subscription, max(1, self._leases.room()), timeout_s, at_once=at_once)
        self._under_way.add(future)
        try:
            if self._ending.is_set():
                future.cancel()
            answer = self._calls.answer(future)
        finally:
            self._under_way.discard(future)
        self._note_pace(bool(answer.received_messages) and self._clock() - asked < PROMPT_S)
        messages = self._leases.take([Message.of(received) for received in answer.received_messages])
        if messages:
            self.last_at = self._clock()
            self._come.append(messages)
        return bool(messages)

    def _note_pace(self, prompt: bool) -> None:
        self._prompt = self._prompt + 1 if prompt else 0
        if self._prompt >= PROMPT_MIN:
            self._busy.set()
        else:
            self._busy.clear()

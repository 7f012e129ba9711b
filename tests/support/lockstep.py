"""Work in threads of which one runs at a time: each waits before every one of its steps until it is told to go on.

So a test decides who moves and how far, and the same decisions lead to the same run. What a step is, the work says: it
calls `step` before each.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Semaphore, Thread

STUCK_S = 60.0  # a step is a call to a store: past this something is wrong with the test itself


class Ended(BaseException):
    """The test is over: nobody catches this."""


class Stepper:
    """One piece of work. It stands before its first step until `go`."""

    def __init__(self, work: Callable[[Stepper], None]) -> None:
        self.done = False
        self._work = work
        self._may_go, self._stands = Semaphore(0), Semaphore(0)
        self._ended = False
        self._failure: BaseException | None = None
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def step(self) -> None:
        """By the work: wait until told to go on. Raises Ended when there is no going on."""
        if self._ended:
            raise Ended
        self._stands.release()
        _wait(self._may_go)
        if self._ended:
            raise Ended

    def go(self, steps: int = 1) -> int:
        """Let it do so many steps, or what is left of them; returns how many it did. Raises what the work raised."""
        for gone in range(steps):
            if self.done:
                return gone
            self._may_go.release()
            _wait(self._stands)
            if self._failure is not None:
                raise self._failure
        return steps

    def finish(self, steps_max: int = 10_000) -> int:
        """Let it go on to its end; returns how many steps that took."""
        steps = self.go(steps_max)
        assert self.done, f"not done after {steps_max} steps"
        return steps

    def end(self) -> None:
        """Let it go no further: where it stands, Ended is raised."""
        self._ended = True
        self._may_go.release()
        self._thread.join(STUCK_S)

    def _run(self) -> None:
        try:
            _wait(self._may_go)
            if not self._ended:
                self._work(self)
        except Ended:
            pass
        except BaseException as e:
            self._failure = e
        self.done = True
        self._stands.release()


def _wait(semaphore: Semaphore) -> None:
    if not semaphore.acquire(timeout=STUCK_S):
        raise AssertionError("nothing moves any more")

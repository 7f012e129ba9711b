"""A strike: the n-th time a process comes by a place, it sends itself a signal. And how functions are made such places."""

from __future__ import annotations

import functools
import signal
from collections.abc import Callable, Sequence
from random import Random
from threading import Lock, get_ident
from typing import Any, TypeVar

T = TypeVar("T")
When = Callable[..., bool]  # is given what the function is given


class Strike:
    """SIGKILL ends the process here and now; after SIGSTOP it goes on from here once somebody continues it."""

    def __init__(self, nth: int, number: int, random: Random) -> None:
        self._left = nth
        self._number = number
        self._random = random
        self._lock = Lock()

    def is_due(self) -> bool:
        """Count one passing; whether it is the one."""
        with self._lock:
            self._left -= 1
            return self._left == 0

    def strike(self) -> None:
        # To this very thread: one to the process may stop it by another thread, and meanwhile this one goes on past the
        # place, into a transaction whose lock it keeps while it is stopped.
        signal.pthread_kill(get_ident(), self._number)

    def passes(self) -> None:
        if self.is_due():
            self.strike()

    def some(self, of: Sequence[T]) -> list[T]:
        """Some of these in any order, at times none, never all."""
        return self._random.sample(of, self._random.randrange(len(of)))


def always(*_: Any, **__: Any) -> bool:
    return True


def struck_before(owner: Any, name: str, strike: Strike, when: When = always) -> None:
    """The function passes the strike before it does anything."""

    def around(real: Callable[..., T], *given: Any, **named: Any) -> T:
        if when(*given, **named):
            strike.passes()
        return real(*given, **named)

    wrap(owner, name, around)


def struck_after(owner: Any, name: str, strike: Strike, when: When = always) -> None:
    """The function passes the strike when it has done all."""

    def around(real: Callable[..., T], *given: Any, **named: Any) -> T:
        result = real(*given, **named)
        if when(*given, **named):
            strike.passes()
        return result

    wrap(owner, name, around)


def wrap(owner: Any, name: str, around: Callable[..., Any]) -> None:
    """`around(real, *given)` takes the place of a function of a module or a class, for good."""
    real = getattr(owner, name)

    @functools.wraps(real)
    def wrapped(*given: Any, **named: Any) -> Any:
        return around(real, *given, **named)

    setattr(owner, name, wrapped)

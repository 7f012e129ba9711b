"""How blocks and definitions reach the steps of a graph: shipped whole, or lent within this process under a number.

A runner pickles and compresses what a graph begins with, several times before a step gets it. For a block that is read
from its file that is nothing; for one that carries its data (unpacked, or from standard input), or for the definitions
of thousands of accounts, it takes longer than all work on it. So a runner in this process is given numbers, and its
steps fetch the things themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from apache_beam.utils.shared import Shared


class HandedOver(NamedTuple):
    """What the graph begins with, and how a step finds the thing of each. Hold it for as long as the graph runs."""

    names: Sequence[Any]
    find: Callable[[Any], Any]


def ship(things: Sequence[Any], find: Callable[[Any], Any] | None = None) -> HandedOver:
    """For runners elsewhere: the things themselves. find: what a step makes of each."""
    return HandedOver(things, find or _itself)


def lend(things: Sequence[Any]) -> HandedOver:
    """For a runner in this process."""
    return HandedOver(range(len(things)), _Lent(things))


def _itself(thing: Any) -> Any:
    return thing


class _Things:
    """Something that can be shared, which a list can't."""

    def __init__(self, things: Sequence[Any]) -> None:
        self.things = things


class _Lent:
    """Pickled without its things; a copy finds them in the process where the original is still held."""

    def __init__(self, things: Sequence[Any]) -> None:
        self._shared = Shared()
        self._held = self._shared.acquire(lambda: _Things(things))

    def __getstate__(self) -> dict[str, Any]:
        return {"_shared": self._shared}

    def __call__(self, number: int) -> Any:
        found: _Things = self._shared.acquire(_not_here)
        return found.things[number]


def _not_here() -> Any:
    raise RuntimeError("this was lent to another process; ship it")

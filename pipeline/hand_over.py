"""How blocks reach the steps of a graph: shipped whole, or lent within this process under a number.

A runner pickles and compresses what a graph begins with, several times before a step gets it. For a block that is read
from its file that is nothing; for one that carries its data (unpacked, or from standard input) it takes longer than all
work on it. So a runner in this process is given numbers, and its steps fetch the blocks themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from apache_beam.utils.shared import Shared

from pipeline.sources.blocks import Block


class HandedOver(NamedTuple):
    """What the graph begins with, and how a step finds the block of each. Hold it for as long as the graph runs."""

    names: Sequence[Any]
    find: Callable[[Any], Block]


def ship(blocks: Sequence[Block]) -> HandedOver:
    """For runners elsewhere: the blocks themselves."""
    return HandedOver(blocks, _itself)


def lend(blocks: Sequence[Block]) -> HandedOver:
    """For a runner in this process."""
    return HandedOver(range(len(blocks)), _Lent(blocks))


def _itself(block: Block) -> Block:
    return block


class _Blocks:
    """Something that can be shared, which a list can't."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        self.blocks = blocks


class _Lent:
    """Pickled without its blocks; a copy finds them in the process where the original is still held."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        self._shared = Shared()
        self._held = self._shared.acquire(lambda: _Blocks(blocks))

    def __getstate__(self) -> dict[str, Any]:
        return {"_shared": self._shared}

    def __call__(self, number: int) -> Block:
        found: _Blocks = self._shared.acquire(_not_here)
        return found.blocks[number].loaded()


def _not_here() -> Any:
    raise RuntimeError("blocks were lent to another process; ship them")

"""How rough a world of faults is, and which of the rules hold in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.shard.keeper import ShardKeeper
from pipeline.store import Store
from tests.support.at_least_once import AS_USUAL, Delivered
from tests.support.fault_plans import ROUGH, Roughness


@dataclass(frozen=True, slots=True)
class Knobs:
    """`steps`: that a process does in a turn, one of these; `standing_still`, `landing`: chances per turn that a process
    does nothing for long, and that something late arrives; `thrown_away`: per unit, that another process goes on;
    `held_bytes_max`: 0, and keepers hold nothing between units; `swept`: all heads are applied again at start and end;
    `constants`: (module, name, value) of those that are other than usual.
    """

    delivered: Delivered = AS_USUAL
    rough: Roughness = ROUGH
    processes: int = 3
    steps: Sequence[int] = (1, 1, 2, 5, 20)
    standing_still: float = 0.05
    landing: float = 0.1
    thrown_away: float = 0.05
    held_bytes_max: int = 1 << 26
    swept: bool = True
    constants: tuple[tuple[Any, str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Rules:
    """How keepers are made and when a unit counts as done; a canary leaves one of these out."""

    store: Callable[[Store], Store] = lambda store: store
    keeper: Callable[..., ShardKeeper] = ShardKeeper
    acked_at_head: bool = False
    acked_on_failure: bool = False


USUAL = Knobs()
ALL_RULES = Rules()

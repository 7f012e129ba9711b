"""A world's hits, all of one shard and judged beforehand, and keepers that commit them into any store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from random import Random
from typing import Any

from pipeline.adopt import Adoption
from pipeline.shard.keeper import ShardKeeper
from pipeline.store import Store
from tests.support.deliver import NOW, Judging, Manner, expected_numbers
from tests.support.generate import make_world
from tests.support.stored import Numbers, differences, stored_numbers


class OneShard:
    """`messages`: the hits, block by block; each distinct event is in one of them."""

    def __init__(self, seed: int, block_events_max: int = 8) -> None:
        world = make_world(seed)
        self.snapshot = world.snapshot
        judging = Judging(Manner(shards=1, block_events_max=block_events_max, redelivered=0), Random(seed))
        judging.judge_by(world.snapshot)
        judging.judge(judging.shuffled(world.events), world.trusted)
        self.messages: list[bytes] = judging.pending[0]
        self.expected: Numbers = expected_numbers(world.snapshot, world)

    def adopt(self, store: Store) -> None:
        """Take the definitions into force."""
        Adoption(store).adopt(self.snapshot, NOW)

    def keeper(self, store: Store, sleep: Callable[[float], None] = lambda _: None, **options: Any) -> ShardKeeper:
        """A keeper that holds nothing, as a new process has it."""
        keeper = ShardKeeper(store, clock=NOW.timestamp, sleep=sleep, **options)
        keeper.adopt(self.snapshot)
        return keeper

    def cut(self, parts: int) -> list[list[bytes]]:
        """The messages as so many units."""
        ends = [len(self.messages) * part // parts for part in range(parts + 1)]
        return [self.messages[begin:end] for begin, end in pairwise(ends)]

    def numbers(self, store: Store) -> Numbers:
        """What the store says."""
        return stored_numbers(store, [self.snapshot])

    def wrong(self, store: Store) -> list[str]:
        """A line for each number that is not as expected."""
        return differences(self.numbers(store), self.expected)


def commit_one_by_one(keeper: ShardKeeper, messages: Sequence[bytes]) -> None:
    """Each message as a unit."""
    for message in messages:
        keeper.commit(0, [message])

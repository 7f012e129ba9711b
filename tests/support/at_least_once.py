"""A source of a world's hits that delivers each of them once or more, in any order and batches, until it is told that
it may forget it. Knows what the numbers must be in the end, from the raw events alone.

Hits are judged beforehand, under definitions that change on the way; who commits them takes into force what it meets.
Time may pass in spans: a message is delivered only within its own span, which is no longer than ids are remembered.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import count
from random import Random
from typing import Any, NamedTuple

from pipeline.model.definition import Snapshot
from pipeline.model.hit import HitBlock
from tests.support.changing import expected_of, with_new_metric, without_first_metric
from tests.support.deliver import Judging, Manner
from tests.support.generate import World, make_world
from tests.support.generate_definitions import parse

SHARDS = 2


@dataclass(frozen=True, slots=True)
class Delivered:
    """How messages are delivered, as chances. `mixed`: units of hits that were judged under any definitions;
    `accounts`: how many there are (0: as the seed has it); `spans`: into how many the messages are cut; `metrics`: that
    each account has instead of its own; `changing`: whether definitions do.
    """

    lost_ack: float = 0.2
    redelivered: float = 0.15
    mixed: float = 0.3
    accounts: int = 0
    spans: int = 1
    events_max: int = 24
    block_events_max: int = 8
    unit_messages_max: int = 5
    metrics: Sequence[dict[str, Any]] = ()
    changing: bool = True


AS_USUAL = Delivered()


class Message(NamedTuple):
    """Hits of one block that are of one shard. `judged`: under which of the snapshots."""

    shard: int
    hits: bytes
    judged: int
    span: int
    accounts: frozenset[str]


class Source:
    """See the module. Messages are known by their numbers."""

    def __init__(self, seed: int, random: Random, manner: Delivered) -> None:
        self._random = random
        self._manner = manner
        self.world = _world_of(seed, random, manner)
        added = with_new_metric(self.world.snapshot, random)
        self.snapshots = [self.world.snapshot, added, without_first_metric(added)][
            : random.choice([2, 2, 3]) if manner.changing else 1
        ]
        self.expected = expected_of(self.world, [(snapshot, self.world.events) for snapshot in self.snapshots])
        self.messages: list[Message] = []
        for span in range(manner.spans):
            for number, snapshot in enumerate(self.snapshots):
                self.messages += self._judge(number, snapshot, span)
        self.span = 0
        self._open = {number for number, message in enumerate(self.messages) if message.span == 0}

    @property
    def has_more(self) -> bool:
        """Whether anything of this span is not acknowledged yet."""
        return bool(self._open)

    def next_span(self) -> bool:
        """Go on with what comes next, if there is anything."""
        self.span += 1
        self._open = {number for number, message in enumerate(self.messages) if message.span == self.span}
        return self.span < self._manner.spans

    def deliver(self) -> tuple[int, list[int]]:
        """Some messages of one shard: most of them open, some of them known already."""
        first = self.messages[self._random.choice(sorted(self._open) or range(len(self.messages)))]
        mixed = self._random.random() < self._manner.mixed
        alike = [
            number
            for number, message in enumerate(self.messages)
            if (message.shard, message.span) == (first.shard, self.span) and (mixed or message.judged == first.judged)
        ]
        wanted = [number for number in alike if number in self._open] or alike
        if self._random.random() < self._manner.redelivered:
            wanted = alike
        return first.shard, self._random.sample(
            wanted, min(len(wanted), self._random.randint(1, self._manner.unit_messages_max))
        )

    def acknowledge(self, numbers: Collection[int], surely: bool) -> None:
        """They need not come again. Unless it is `surely` heard, the word of each may get lost."""
        chance = 0 if surely else self._manner.lost_ack
        self._open -= {number for number in numbers if self._random.random() >= chance}

    def _judge(self, judged: int, snapshot: Snapshot, span: int) -> list[Message]:
        manner = Manner(shards=SHARDS, block_events_max=self._manner.block_events_max)
        judging = Judging(manner, self._random)
        judging.judge_by(snapshot)
        events = self.world.events[span :: self._manner.spans]
        judging.judge(judging.shuffled(events), self.world.trusted)
        found = [(shard, hits) for shard, waiting in judging.pending.items() for hits in waiting]
        return [
            Message(shard, hits, judged, span, frozenset(key.account for key in HitBlock.from_bytes(hits).accounts))
            for shard, hits in found
        ]


def _world_of(seed: int, random: Random, manner: Delivered) -> World:
    """The world of a seed, or the first one behind it with so many accounts; some of its events."""
    worlds = (make_world(seed if not manner.accounts else seed * 1000 + n) for n in count())
    world = next(world for world in worlds if manner.accounts in (0, len(world.snapshot.accounts)))
    if manner.metrics:
        accounts = world.snapshot.accounts.values()
        snapshot = Snapshot.of(parse(a.account, a.settings.document(), list(manner.metrics)) for a in accounts)
        world = replace(world, snapshot=snapshot)
    return replace(world, events=random.sample(world.events, min(len(world.events), manner.events_max)))

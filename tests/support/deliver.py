"""Delivers a world's events to the real pipeline, in process and without Beam, in a way drawn from a seed.

Order, duplicates, blocks, batches, units, restarts and the bounds of what is held are the delivery's; none of them may
show in the numbers.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any

from pipeline.adopt import Adoption
from pipeline.decode.odd import Span
from pipeline.match.block import BlockMatcher
from pipeline.model.definition import Snapshot
from pipeline.model.errors import TransientStoreError
from pipeline.shard.keeper import ShardKeeper
from pipeline.store.contract import Store
from tests.support.generate import Event, World
from tests.support.naive import count
from tests.support.stored import Numbers

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
KEY = b"a visitor key for tests"


@dataclass(frozen=True, slots=True)
class Manner:
    """How events are delivered. `restarted`: the chance, before each unit, of a new keeper that holds nothing."""

    shards: int = 2
    block_events_max: int = 30
    redelivered: float = 0.3
    batched: float = 0.2
    restarted: float = 0.1
    held_bytes_max: int = 1 << 26


def expected_numbers(snapshot: Snapshot, world: World) -> Numbers:
    """The oracle's numbers of a world under these definitions."""
    numbers: Numbers = {}
    for definitions in snapshot.accounts.values():
        for metric in definitions.metrics.values():
            numbers |= count(definitions.account, definitions.settings, metric, world.of(definitions.account))
    return numbers


class Judging:
    """Makes hits of events, in a manner drawn from `random`. They wait in `pending`, by shard."""

    def __init__(self, manner: Manner, random: Random) -> None:
        self.manner = manner
        self.random = random
        self.pending: dict[int, list[bytes]] = defaultdict(list)
        self._offset = 0

    def judge_by(self, snapshot: Snapshot, key: bytes = KEY) -> None:
        """Judge by these definitions from now on."""
        self.matcher = BlockMatcher(snapshot, self.manner.shards, key)

    def shuffled(self, events: Sequence[Event]) -> list[Event]:
        again = [event for event in events if self.random.random() < self.manner.redelivered]
        return self.random.sample([*events, *again], len(events) + len(again))

    def judge(self, events: Sequence[Event], trusted: str | None = None) -> None:
        """Match blocks of these events, in this order; hits wait for a commit."""
        at = 0
        while at < len(events):
            size = self.random.randint(1, self.manner.block_events_max)
            data = self._written(events[at : at + size])
            matched = self.matcher.match(data, Span("events", self._offset, trusted), int(NOW.timestamp() * 1e9))
            assert not matched.rejects, matched.rejects
            self._offset += len(data)
            at += size
            for shard, hits in matched.hits:
                self.pending[shard].append(hits)

    def _written(self, events: Sequence[Event]) -> bytes:
        lines: list[Any] = list(events)
        if len(lines) > 1 and self.random.random() < self.manner.batched:
            cut = self.random.randint(1, len(lines))
            lines[:cut] = [{"batch": lines[:cut]}]
        spaced = self.random.random() < 0.1
        texts = [json.dumps(line, ensure_ascii=self.random.random() < 0.5, indent=None) for line in lines]
        return b"\n".join((f" {t} \r" if spaced else t).encode() for t in texts) + b"\n"


class Delivery(Judging):
    """Judges and commits, with the keepers' whole life. One delivery may take several snapshots one after the other."""

    def __init__(self, store: Store, manner: Manner, random: Random) -> None:
        super().__init__(manner, random)
        self.store = store
        self._snapshots: list[Snapshot] = []

    def adopt(self, snapshot: Snapshot) -> None:
        """Take these definitions into force, and judge by them from now on."""
        Adoption(self.store).adopt(snapshot, NOW)
        self._snapshots.append(snapshot)
        self.judge_by(snapshot)
        self.keeper = self.new_keeper()

    def new_keeper(self, store: Store | None = None) -> ShardKeeper:
        """A keeper that holds nothing, as a new process has it."""
        keeper = ShardKeeper(
            store or self.store, held_bytes_max=self.manner.held_bytes_max, clock=NOW.timestamp, sleep=lambda _: None
        )
        for snapshot in self._snapshots:
            keeper.adopt(snapshot)
        return keeper

    def run(self, events: Sequence[Event], trusted: str | None = None) -> None:
        """Deliver the events in any order, some of them again, and commit everything."""
        self.judge(self.shuffled(events), trusted)
        self.commit_all()

    def units(self) -> list[tuple[int, list[bytes]]]:
        """All waiting hits as units in a random order."""
        units = []
        for shard, messages in self.pending.items():
            while messages:
                size = self.random.randint(1, len(messages))
                units.append((shard, messages[:size]))
                del messages[:size]
        self.random.shuffle(units)
        self.pending.clear()
        return units

    def commit_all(self) -> None:
        """Commit every unit until it is committed."""
        for shard, messages in self.units():
            if self.random.random() < self.manner.restarted:
                self.keeper = self.new_keeper()
            self.commit(shard, messages)

    def commit(self, shard: int, messages: list[bytes]) -> None:
        try:
            self.keeper.commit(shard, messages)
        except TransientStoreError:
            self.keeper = self.new_keeper()
            self.keeper.commit(shard, messages)

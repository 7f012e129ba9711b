"""A store that a second program uses with other values than those it was begun with: other shards, another fanout,
visitor key or layout. It is refused, or what is counted already counts again.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from random import Random

import pytest

from pipeline.adopt import Adoption
from pipeline.model import layout
from pipeline.model.definition import Snapshot
from pipeline.model.errors import UsageError
from pipeline.shard.keeper import ShardKeeper
from pipeline.store import Store
from pipeline.store.fixed import fix
from tests.support.deliver import KEY, NOW, Judging, Manner, expected_numbers
from tests.support.empty_places import OpenStore
from tests.support.generate import World, make_world
from tests.support.generate_definitions import parse
from tests.support.stored import differences, stored_numbers


def nothing(patch: pytest.MonkeyPatch) -> None:
    """Leaves all as it is."""


def another_layout(patch: pytest.MonkeyPatch) -> None:
    """A program that keeps facts in rows of other names."""
    patch.setattr(layout, "LAYOUT_VERSION", layout.LAYOUT_VERSION + 1)
    patch.setattr(layout, "visitors_row", lambda account, shard, bucket: f"{account}/{shard}/{bucket}".encode())


@dataclass(frozen=True, slots=True)
class Program:
    """The values a program runs with. `fanout`: of every account, as the definitions say it."""

    shards: int = 2
    key: bytes = KEY
    fanout: int = 2
    layout: Callable[[pytest.MonkeyPatch], None] = nothing


FIRST = Program()
OTHERS = {
    "shards": Program(shards=3),
    "visitor key": Program(key=b"another visitor key"),
    "fanout": Program(fanout=3),
    "layout": Program(layout=another_layout),
}


def wrong_after(
    seed: int, open_store: OpenStore, second: Program, around: Callable[[Store], Store] = lambda store: store
) -> list[str]:
    """What is wrong after both programs have counted the same, if the second one could."""
    world = make_world(seed)
    with closing(around(open_store())) as store:
        _count(world, store, FIRST)
        with suppress(UsageError):
            _count(world, store, second)
        snapshot = _with_fanout(world.snapshot, FIRST.fanout)
        return differences(stored_numbers(store, [snapshot]), expected_numbers(snapshot, world))


def _count(world: World, store: Store, program: Program) -> None:
    """All of a run, from the store's own constants to the last unit."""
    with pytest.MonkeyPatch.context() as patch:
        program.layout(patch)
        snapshot = _with_fanout(world.snapshot, program.fanout)
        fixed = fix(store, shards=program.shards, default_shards=program.shards, visitor_key=program.key)
        Adoption(store).adopt(snapshot, NOW)
        judging = Judging(Manner(shards=fixed.shards), Random(world.seed))
        judging.judge_by(snapshot, fixed.visitor_key)
        judging.judge(world.events, world.trusted)
        keeper = ShardKeeper(store, clock=NOW.timestamp)
        keeper.adopt(snapshot)
        for shard, messages in judging.pending.items():
            keeper.commit(shard, messages)


def _with_fanout(snapshot: Snapshot, fanout: int) -> Snapshot:
    return Snapshot.of(
        parse(a.account, {**a.settings.document(), "fanout": fanout}, a.document()["metrics"])
        for a in snapshot.accounts.values()
    )

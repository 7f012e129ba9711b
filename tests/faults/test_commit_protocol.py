"""The commit protocol on real stores under random faults: totals are exact at the end, whatever happened meanwhile.

The canaries leave out one rule of the protocol each and must be found out; otherwise these tests prove nothing.
`PROTOCOL_SEEDS=n` runs more seeds.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.model.layout import head_row
from pipeline.store import Store, open_store
from pipeline.store.bigtable import BigtableStore, unit
from pipeline.store.bigtable.store import MICROS_PER_SEQ
from pipeline.store.bigtable.unit import Head
from pipeline.store.contract import UnitRows
from tests.support.protocol_world import World

SEEDS = int(os.environ.get("PROTOCOL_SEEDS", "25"))
CANARY_SEEDS = 50
BY_THE_SERVER = -1  # Bigtable's timestamp of a cell that is to get the server's clock


Opener = Callable[[], Store]
Places = Callable[[int], Opener]  # of a seed: how to open its own data, empty at first


def first_wrong_seed(places: Places, seeds: range) -> tuple[int, object] | None:
    """The first seed whose totals are wrong, with its differences."""
    for seed in seeds:
        world = World(seed, places(seed))
        world.run()
        differences = world.differences()
        world.close()
        if differences:
            return seed, differences
    return None


@pytest.fixture
def on_bigtable(bigtable_prefix: str) -> Callable[[type[BigtableStore]], Places]:
    """For a kind of BigtableStore: how to open it on the data of a seed."""

    def places(kind: type[BigtableStore]) -> Places:
        return lambda seed: lambda: kind("p", "i", prefix=f"{bigtable_prefix}{seed}", create=True)

    return places


def test_totals_on_sqlite_are_exact(tmp_path: Path) -> None:
    def places(seed: int) -> Opener:
        return lambda: open_store(f"sqlite:///{tmp_path}/{seed}.db", create=True)

    assert first_wrong_seed(places, range(SEEDS)) is None


def test_totals_on_bigtable_are_exact(on_bigtable: Callable[[type[BigtableStore]], Places]) -> None:
    assert first_wrong_seed(on_bigtable(BigtableStore), range(SEEDS)) is None


class NeverReapplies(BigtableStore):
    """Takes a shard over without finishing what its head says."""

    def _finish(self, shard: int) -> Head:
        return self._head(shard)


class StampsWithTheClock(BigtableStore):
    """The last write wins, instead of the last commit."""

    def _apply(self, rows: UnitRows, seq: int) -> None:
        wanted = list(unit.requests(rows, seq * MICROS_PER_SEQ))
        for mutation in (m for _, entries in wanted for entry in entries for m in entry.mutations):
            if mutation.HasField("set_cell"):
                mutation.set_cell.timestamp_micros = BY_THE_SERVER
        self._write(wanted)


class NeverFences(BigtableStore):
    """Moves the head whoever has moved it meanwhile."""

    def _move_head(self, shard: int, seq: int, head: list[Any]) -> None:
        self._write([("shards", [unit.Entry(row_key=head_row(shard), mutations=head)])])


class GoesOnInDoubt(BigtableStore):
    """Takes a commit for done when the head has the seq it wanted, whoever wrote that."""

    def _move_head(self, shard: int, seq: int, head: list[Any]) -> None:
        try:
            super()._move_head(shard, seq, head)
        except Exception:
            if self._head(shard).seq != seq + 1:
                raise


@pytest.mark.parametrize("kind", [NeverReapplies, StampsWithTheClock, NeverFences, GoesOnInDoubt])
def test_a_canary_without_one_rule_is_found_out(
    on_bigtable: Callable[[type[BigtableStore]], Places], kind: type[BigtableStore]
) -> None:
    assert first_wrong_seed(on_bigtable(kind), range(CANARY_SEEDS)) is not None

"""Real keepers over real stores under faults: exact at the end, whatever happened meanwhile.

Each rule of the design's table that the pipeline itself must keep is left out once and must be found out by this within
fifty seeds. `DAYCOUNT_SEEDS` says which worlds; see `tests.support.seeds`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from pipeline.model.errors import TransientStoreError
from pipeline.shard import plan
from pipeline.shard.keeper import ShardKeeper
from pipeline.store import Cell, Store, open_store
from tests.support.changed_store import ChangedStore
from tests.support.fault_world import Knobs, Rules, first_wrong_seed
from tests.support.planted import PLANTED
from tests.support.seeds import seeds

CANARY_SEEDS = range(50)
Place = Callable[[int], Callable[[], Store]]


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Place:
    return lambda seed: lambda: open_store(f"sqlite:///{tmp_path}/{seed}.db", create=True)


@pytest.fixture
def on_bigtable(bigtable_url: str) -> Place:
    return lambda seed: lambda: open_store(f"{bigtable_url}s{seed}-", create=True)


@pytest.mark.parametrize("held_bytes_max", [1 << 26, 0], ids=["held", "never held"])
def test_numbers_on_sqlite_are_exact(on_sqlite: Place, held_bytes_max: int) -> None:
    assert first_wrong_seed(on_sqlite, seeds(40), Knobs(held_bytes_max=held_bytes_max)) is None


def test_numbers_on_bigtable_are_exact(on_bigtable: Place) -> None:
    assert first_wrong_seed(on_bigtable, seeds(12)) is None


def test_they_are_when_most_calls_fail(on_sqlite: Place) -> None:
    assert first_wrong_seed(on_sqlite, seeds(10), Knobs(fault=0.4, lost_ack=0.5, thrown_away=0.3)) is None


def test_they_are_with_folding(on_sqlite: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "FOLD_CELLS", 2)
    assert first_wrong_seed(on_sqlite, seeds(15)) is None


class InfersSuccess(ChangedStore):
    """Takes a commit of unknown outcome for done."""

    def commit(self, shard: int, seq: int, cells: Sequence[Cell]) -> int:
        try:
            return super().commit(shard, seq, cells)
        except TransientStoreError:
            return super().take(shard)


class ReadsTheHeadLast(ChangedStore):
    """Commits on whatever head there is by then, not on the one that was there before the rows were read."""

    def commit(self, shard: int, seq: int, cells: Sequence[Cell]) -> int:
        return super().commit(shard, super().take(shard), cells)


class KeepsWhatItHolds(ShardKeeper):
    """After a doubt it looks at the head again and goes on with what it held before."""

    def __init__(self, store: Store, **options: Any) -> None:
        super().__init__(store, **options)
        self._held = _Keeping(store)


class _Keeping(dict):  # type: ignore[type-arg]
    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store

    def pop(self, shard: int, default: Any = None) -> Any:
        if shard in self:
            self[shard].seq = self._store.take(shard)


LEFT_OUT = {
    "never infer success": Rules(store=InfersSuccess),
    "head before rows": Rules(store=ReadsTheHeadLast),
    "on any doubt drop everything held": Rules(keeper=KeepsWhatItHolds),
    "acknowledge after the commit": Rules(acked_on_failure=True),
}


@pytest.mark.parametrize("rule", LEFT_OUT)
def test_a_rule_of_the_protocol_left_out_is_found_out(on_sqlite: Place, rule: str) -> None:
    knobs = Knobs(fault=0.3) if rule == "acknowledge after the commit" else Knobs()
    assert first_wrong_seed(on_sqlite, CANARY_SEEDS, knobs, LEFT_OUT[rule]) is not None


@pytest.mark.parametrize(
    "fault",
    [
        "duplicates count",
        "duplicates of events without a visitor count",
        "a known id is known to new metrics too",
        "a known id is new to all metrics of other definitions",
        "what is taken back is worked out from the event that takes its place",
        "a cell that becomes nothing is not written",
    ],
)
def test_a_rule_of_counting_left_out_is_found_out_under_faults(
    on_sqlite: Place, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    PLANTED[fault](monkeypatch)
    assert first_wrong_seed(on_sqlite, CANARY_SEEDS) is not None


def test_computing_in_place_alone_is_made_up_for_by_dropping_what_is_held(
    on_sqlite: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Either rule would do; that plans are worked out on copies is held by `tests/unit/shard`."""
    real, accept = plan.Planner.plan, plan.Plan.accept

    def in_place(planner: plan.Planner, held: plan.Held, unit: Any) -> plan.Plan:
        made = real(planner, held, unit)
        accept(made, held, held.seq)
        return made

    monkeypatch.setattr(plan.Planner, "plan", in_place)
    monkeypatch.setattr(plan.Plan, "accept", lambda made, held, seq: setattr(held, "seq", seq))
    assert first_wrong_seed(on_sqlite, seeds(10)) is None

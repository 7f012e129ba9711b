"""What one unit writes: worked out on copies, the same whether facts are held, loaded or folded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pipeline.counters.slots import Slots
from pipeline.model.judged import Judged
from pipeline.model.layout import parse_counter_qualifier, unpack_totals
from pipeline.shard import plan
from pipeline.shard.plan import Held, Plan, Planner
from pipeline.store.sqlite import SqliteStore
from pipeline.visitors.known import Known
from tests.support.hits import ACCOUNT, NOW, event, snapshot_of, unit_of

SNAPSHOT = snapshot_of({"id": "all", "breakdowns": ["properties.plan"]})
NAMES = Judged.of(SNAPSHOT.accounts[ACCOUNT]).names
TODAY = int(NOW.timestamp() // 86_400)
EVENTS = [
    event("a", "ann", "05T10:00", plan="x"),
    event("b", "ann", "03T10:00", total=2.5, plan="y"),
    event("c", "bob", "05T11:00", total="none", plan="x"),
    event("d", None, "05T12:00"),
]


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    return SqliteStore(tmp_path / "numbers.db")


def fresh() -> Held:
    return Held(0, Known(), Slots(0))


def plan_of(store: SqliteStore, held: Held, events: Sequence[dict[str, Any]], today: int = TODAY, **options: Any) -> Plan:
    return Planner(0, store, lambda digest: NAMES, today, 7, **options).plan(held, unit_of(SNAPSHOT, events))


def commit(store: SqliteStore, held: Held, events: Sequence[dict[str, Any]], **options: Any) -> Plan:
    made = plan_of(store, held, events, **options)
    made.accept(held, store.commit(0, held.seq, made.cells))
    return made


def test_a_plan_that_is_never_accepted_leaves_no_trace(store: SqliteStore) -> None:
    held = fresh()
    commit(store, held, EVENTS[:1])
    first = plan_of(store, held, EVENTS)
    assert plan_of(store, held, EVENTS).cells == first.cells
    assert plan_of(store, Held(held.seq, Known(), Slots(0)), EVENTS).cells == first.cells


def test_it_says_how_many_were_new_and_how_many_dropped(store: SqliteStore) -> None:
    held = fresh()
    commit(store, held, EVENTS[:2])
    made = plan_of(store, held, [*EVENTS, EVENTS[3]])
    assert (made.new, made.duplicates) == (2, 3)


def test_a_unit_with_nothing_new_notes_its_duplicates_and_no_facts(store: SqliteStore) -> None:
    held = fresh()
    commit(store, held, EVENTS)
    assert {cell.table for cell in plan_of(store, held, EVENTS).cells} == {"counters"}


def test_no_cell_is_taken_away_but_folded_facts(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "FOLD_CELLS", 2)
    held = fresh()
    for number in range(6):
        made = commit(store, held, [event(f"m{number}", "ann", f"{20 - number}T10:00", plan="x")])
        assert {cell.table for cell in made.cells if cell.value is None} <= {"visitors"}
    (cells,) = store.scan("visitors", b"").values()
    assert len(cells) <= 2
    assert plan_of(store, fresh(), [event("m0", "ann", "20T10:00")]).new == 0


def test_an_id_is_remembered_until_the_horizon(store: SqliteStore) -> None:
    commit(store, fresh(), EVENTS[:1])
    assert plan_of(store, fresh(), EVENTS[:1], today=TODAY + 7).new == 0
    assert plan_of(store, fresh(), EVENTS[:1], today=TODAY + 8).new == 1


def test_rows_with_little_in_them_are_read_by_the_hundred(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    events = [event(f"m{number}", f"v{number}", "05T10:00") for number in range(800)]
    commit(store, fresh(), events)
    rows = store.scan("visitors", b"").keys()
    read: list[int] = []
    real = store.read
    monkeypatch.setattr(store, "read", lambda *a: read.append(len(a[1])) or real(*a))
    held = fresh()
    assert plan_of(store, held, events).new == 0
    assert held.known.rows.keys() == rows
    assert len(read) < len(rows) / plan.ROWS_PER_LOAD
    assert max(read[:-1]) <= plan.ROWS_PER_LOAD_MAX


def test_beyond_the_bound_values_count_under_other_and_those_named_stay_so(store: SqliteStore) -> None:
    held = fresh()
    plans = ["x", "y", "x", "z", "(none)", "y"]
    for number, name in enumerate(plans):
        made = [event(f"m{number}", f"v{number}", "05T10:00", plan=name)]
        commit(store, held, made, breakdown_values_max=2)
    assert _counts(store) == {"x": 2, "y": 2, "(other)": 1, "(none)": 1}


def test_a_first_under_other_is_taken_back_from_there(store: SqliteStore) -> None:
    held = fresh()
    commit(store, held, [event("a", "ann", "05T10:00", plan="x")], breakdown_values_max=1)
    commit(store, held, [event("b", "ann", "05T09:00", plan="z")], breakdown_values_max=1)
    commit(store, held, [event("c", "ann", "04T09:00", plan="z")], breakdown_values_max=1)
    assert _counts(store, measure="first") == {"x": 1, "(other)": 0}
    assert _counts(store, measure="first", day=4) == {"z": 1}


def _counts(store: SqliteStore, measure: str = "n", day: int = 5) -> dict[str, int]:
    """Totals of a count by breakdown value on a day."""
    metric = Judged.of(SNAPSHOT.accounts[ACCOUNT]).metrics[0]
    column = [c.measure for c in metric.columns].index(measure)
    found = {}
    for cells in store.scan("counters", b"").values():
        for qualifier, value in cells:
            key = parse_counter_qualifier(qualifier)
            if key.kind == b"d" and key.breakdown == 1 and key.day == day:
                found[key.value] = int(unpack_totals(value)[column])
    return found

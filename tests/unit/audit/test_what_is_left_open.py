"""What events alone don't decide is told and raises no alarm: values beyond the bound, copies that differ, revisions."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pipeline.audit.compare import Days
from pipeline.model.definition import Snapshot
from pipeline.model.layout import EPOCH_ORDINAL
from pipeline.shard import plan
from tests.support.deliver import Delivery, Manner
from tests.support.generate import World, make_world
from tests.support.hits import event, snapshot_of
from tests.support.seeds import seeds
from tests.unit.audit.auditing import Audited, lines, recount_world
from tests.unit.audit.damage import cells_of

BOUND = 2


@pytest.fixture
def small_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planners that name two values of a breakdown in each slot."""

    def bounded(*args: Any, **kwargs: Any) -> plan.Planner:
        return plan.Planner(*args, **kwargs, breakdown_values_max=BOUND)

    monkeypatch.setattr("pipeline.shard.keeper.Planner", bounded)


def shop(folder: Path, *events: dict[str, Any], snapshot: Snapshot | None = None) -> Audited:
    """A world of our own making, of one trusted account."""
    world = World(1, snapshot or snapshot_of(), list(events), "acme")
    return Audited(world, folder / "numbers.db", Manner(shards=1, redelivered=0, restarted=0))


@pytest.mark.parametrize("seed", seeds(20))
def test_beyond_the_bound_of_named_values_their_sum_is_compared(seed: int, tmp_path: Path, small_bound: None) -> None:
    audited = Audited(make_world(seed), tmp_path / "numbers.db", Manner(restarted=0.3, block_events_max=4))
    audited.deliver()
    assert lines(audited.audit(values_max=BOUND)) == []
    audited.store.close()


def test_a_day_with_too_many_values_is_named_and_its_sum_still_found_out(tmp_path: Path, small_bound: None) -> None:
    by_plan = snapshot_of({"id": "all", "breakdowns": ["properties.plan"]})
    events = [event(f"m{i}", f"v{i}", "04T10:00", plan=f"p{i}") for i in range(5)]
    audited = shop(tmp_path, *events, event("m9", "v9", "05T10:00", plan="p9"), snapshot=by_plan)
    audited.deliver()
    found = audited.audit(values_max=BOUND)
    assert lines(found) == []
    assert (
        len(found.notes) == 1 and "all@" in found.notes[0] and "by properties.plan on 2024-01-04: a slot" in found.notes[0]
    )
    named = next(c for c in cells_of(audited) if c.key.value.startswith("p") and c.key.day == 4)
    named.shift([name for name, _ in named.names].index("n"), 1)
    [day, hour] = audited.audit(values_max=BOUND).shown
    assert (day.value, day.stored, day.recounted, hour.hour) == ("(all values)", "6", "5", 10)
    audited.store.close()


def test_copies_that_differ_are_told(tmp_path: Path) -> None:
    first, other = event("m1", "v1", "04T10:00", total=1), event("m1", "v1", "05T10:00", total=2)
    audited = shop(tmp_path, first, other, first, first)
    delivery = Delivery(audited.store, Manner(shards=1, redelivered=0, restarted=0), Random(0))
    delivery.adopt(audited.world.snapshot)
    for one in (first, other):
        delivery.run([one], "acme")
    assert lines(audited.audit()) == []
    tally = recount_world(audited.world, [audited.file], audited.world.snapshot).tally
    assert (tally["counted"], tally["copies"], tally["differing_copies"]) == (1, 3, 2)
    audited.store.close()


def test_a_revision_that_no_run_has_known_is_one_line(tmp_path: Path) -> None:
    audited = shop(tmp_path, event("m1", "v1", "04T10:00"))
    audited.deliver()
    new = snapshot_of({"id": "all"}, {"id": "new", "breakdowns": ["properties.plan"]})
    revision = new.accounts["acme"].metrics["new"].revision
    detail = "the input has events for this revision, but no run on this store has ever known it"
    found = audited.audit(new)
    assert lines(found) == [f"acme new@{revision}: {detail}"]
    assert (found.differing.total(), found.notes) == (1, [])
    audited.store.close()


def test_a_revision_pushed_after_some_events_is_told_with_its_beginning(tmp_path: Path) -> None:
    old, new = snapshot_of(), snapshot_of({"id": "all"}, {"id": "new", "breakdowns": ["properties.plan"]})
    audited = shop(tmp_path, event("m1", "v1", "04T10:00"), event("m2", "v2", "04T11:00"), snapshot=new)
    delivery = Delivery(audited.store, Manner(shards=1, redelivered=0, restarted=0), Random(0))
    for snapshot, one in zip((old, new), audited.world.events, strict=True):
        delivery.adopt(snapshot)
        delivery.run([one], "acme")
    found = audited.audit()
    assert {metric.partition("@")[0] for _, metric in found.differing} == {"new"}
    [note] = found.notes
    assert "in force since 2026-12-01T12:00:00.000Z; events that were processed before are not in its numbers" in note
    audited.store.close()


def test_days_that_are_asked_for_are_compared_and_no_others(tmp_path: Path) -> None:
    events = [event(f"m{day}", "v1", f"{day:02d}T10:00") for day in range(4, 8)]
    audited = shop(tmp_path, *events)
    audited.deliver()
    damaged = next(c for c in cells_of(audited) if c.key.day == 5)
    damaged.shift([name for name, _ in damaged.names].index("n"), 1)
    assert {d.day for d in audited.audit().shown} == {date(2024, 1, 5).toordinal() - EPOCH_ORDINAL}
    sixth = date(2024, 1, 6)
    assert lines(audited.audit(days=Days(sixth, None))) == []
    assert lines(audited.audit(days=Days(None, sixth - timedelta(2)))) == []
    assert lines(audited.audit(days=Days(sixth - timedelta(1), sixth))) != []
    audited.store.close()


def test_days_are_compared_on_which_only_the_store_has_something(tmp_path: Path) -> None:
    audited = shop(tmp_path, *(event(f"m{day}", "v1", f"{day:02d}T10:00") for day in (4, 5, 6, 8)))
    audited.deliver()
    audited.file.write_text("\n".join(line for line in audited.file.read_text().splitlines() if '"m5"' not in line))
    assert {d.as_record()["day"] for d in audited.audit().shown} == {"2024-01-05"}
    audited.file.write_text("\n".join(line for line in audited.file.read_text().splitlines() if '"m8"' not in line))
    assert {d.as_record()["day"] for d in audited.audit().shown} == {"2024-01-05"}, "an input covers its own days"
    asked = audited.audit(days=Days(None, date(2024, 1, 9)))
    assert {d.as_record()["day"] for d in asked.shown} == {"2024-01-05", "2024-01-08"}, "unless more is asked for"
    audited.store.close()


def test_an_account_without_events_is_told(tmp_path: Path) -> None:
    audited = shop(tmp_path, {"event": "x", "timestamp": "no time"})
    found = audited.audit()
    assert (found.spans, lines(found)) == ({}, [])
    assert found.notes == ["acme: the input has no event of it that a metric counts; nothing was compared"]
    audited.store.close()

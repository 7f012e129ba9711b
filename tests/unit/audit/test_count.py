"""Counting at its edges: sums beyond 64 bits, days centuries apart, ties, copies, several accounts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.audit.cells import added_up, columns_of, shown_numbers
from pipeline.audit.gather import Kind, MessageIds
from pipeline.audit.recount import Recount
from pipeline.model.definition import Snapshot
from pipeline.model.layout import HOURS_PER_DAY
from tests.support.daycount import write_lines
from tests.support.generate import World
from tests.support.generate_definitions import parse
from tests.support.hits import ACCOUNT, event, snapshot_of
from tests.unit.audit.auditing import recount_world


@pytest.fixture
def recounted(tmp_path: Path) -> Any:
    """Recounts events of the account, in the order given."""

    def recount(*events: dict[str, Any], snapshot: Snapshot | None = None, passes: int = 1) -> Recount:
        world = World(0, snapshot or snapshot_of(), list(events), ACCOUNT if snapshot is None else None)
        return recount_world(world, [write_lines(tmp_path / "events.jsonl", events)], world.snapshot, passes)

    return recount


def days_of(recount: Recount, account: str = ACCOUNT, metric: int = 0, breakdown: int = 0) -> list[dict[str, Any]]:
    """The account's numbers, a day each, in order."""
    cols = columns_of(recount.judged[account].metrics[metric].metric, breakdown)
    hours = recount.cells(Kind(account, metric, breakdown))
    days = added_up(hours._replace(when=hours.when // HOURS_PER_DAY), cols)
    return [shown_numbers(cols, row) for row in days.rows.tolist()]


def test_sums_beyond_64_bits_are_exact(recounted: Any) -> None:
    events = [event(f"m{i}", f"v{i}", "04T10:00", total=999_999_999_999.999999) for i in range(30)]
    less = [event(f"n{i}", f"w{i}", "05T10:00", total=-999_999_999_999.5) for i in range(30)]
    fourth, fifth = days_of(recounted(*events, *less))
    assert (fourth["sum"], fifth["sum"]) == ("30000000000000", "-29999999999985")


def test_days_may_lie_centuries_apart(recounted: Any) -> None:
    times = ("1680-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "2024-01-04T10:00:00Z")
    events = [{**event(f"m{i}", "v", "04T10:00"), "timestamp": at} for i, at in enumerate(times)]
    assert [(day["n"], day["first"], day["daily"]) for day in days_of(recounted(*events))] == [
        ("1", "1", "1"), ("1", "0", "1"), ("1", "0", "1"),
    ]  # fmt: skip


@pytest.mark.parametrize("turned", [False, True])
def test_of_equal_times_the_smallest_message_id_is_the_first(recounted: Any, turned: bool) -> None:
    events = [event(message, "v1", "04T10:00", total=total) for message, total in (("m10", 1), ("m2", 2), ("m1", 4))]
    [day] = days_of(recounted(*(events[::-1] if turned else events), event("m0", "v2", "04T09:00", total=8)))
    assert (day["first_sum"], day["sum"], day["least"]) == ("12", "15", "1")


def test_each_event_counts_once_and_the_first_copy_is_taken(recounted: Any) -> None:
    copies = [event("m1", "v1", "04T10:00", total=total) for total in (5, 7, 5)]
    recount = recounted(*copies, event("m1", None, "04T10:00", total=1), event("m1", None, "04T10:00", total=1))
    [day] = days_of(recount)
    assert (day["n"], day["sum"], day["quality.no_visitor"], day["first"]) == ("2", "6", "1", "1")
    assert (recount.tally["copies"], recount.tally["differing_copies"]) == (3, 2)


def test_what_is_no_number_is_noted(recounted: Any) -> None:
    [day] = days_of(recounted(event("m1", "v1", "04T10:00", total="5"), event("m2", "v1", "04T11:00", total=3)))
    assert (day["sum"], day["first_sum"], day["first"], day["quality.no_number"]) == ("3", "0", "1", "1")


@pytest.mark.parametrize("passes", [1, 4])
def test_accounts_are_counted_apart(recounted: Any, passes: int) -> None:
    metric = {"id": "all", "where": {}, "measures": {"first": {"aggregate": "count", "once_per": "visitor"}}}
    snapshot = Snapshot.of(parse(name, {"timezone": "UTC"}, [{**metric, "breakdowns": []}]) for name in ("acme", "bolt"))
    events = [{**event(f"m{i % 3}", f"v{i % 5}", "04T10:00"), "account": ("acme", "bolt")[i % 2]} for i in range(30)]
    recount = recounted(*events, {**events[0], "account": "cord"}, snapshot=snapshot, passes=passes)
    assert [days_of(recount, account)[0]["first"] for account in ("acme", "bolt")] == ["5", "5"]
    assert (recount.tally["events"], recount.tally["rejected.unknown_account"]) == (30, 1)
    assert (recount.tally["counted"], recount.tally["copies"]) == (30, 0)


def test_message_ids_keep_their_texts() -> None:
    ids = MessageIds()
    ids.add(["a", "", "ü"])
    ids.add(["\ud800"])
    assert [ids[i] for i in range(4)] == [b"a", b"", "ü".encode(), b"\xed\xa0\x80"]

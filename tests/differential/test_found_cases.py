"""What random worlds once found wrong, as small cases, for good."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

from pipeline.model.definition import Snapshot
from pipeline.store.sqlite import SqliteStore
from tests.support.deliver import Delivery, Manner
from tests.support.generate_definitions import parse
from tests.support.stored import Numbers, stored_numbers

DAY = "2026-03-01"
ALL = {"id": "all", "where": {}, "measures": {"n": {"aggregate": "count"}}}


def counted(path: Path, *accounts: tuple[str, dict[str, Any]], events: list[dict[str, Any]]) -> Numbers:
    """The numbers of these events, delivered once; each account has one metric."""
    snapshot = Snapshot.of(parse(name, {"timezone": "UTC"}, [metric]) for name, metric in accounts)
    store = SqliteStore(path / "numbers.db")
    delivery = Delivery(store, Manner(shards=1, redelivered=0), Random(0))
    delivery.adopt(snapshot)
    delivery.run([{"timestamp": f"{DAY}T10:00:00Z", **event} for event in events])
    numbers = stored_numbers(store, [snapshot])
    store.close()
    return numbers


def day_totals(numbers: Numbers) -> dict[tuple[str, str], Any]:
    return {(account, measure): n for (account, _, _, measure, path, _, when), n in numbers.items() if when == DAY}


def test_events_without_a_visitor_of_two_accounts_may_share_a_message_id(tmp_path: Path) -> None:
    events = [{"account": "acme", "messageId": "m"}, {"account": "bolt", "messageId": "m"}]
    numbers = counted(tmp_path, ("acme", ALL), ("bolt", ALL), events=events)
    assert day_totals(numbers) == {("acme", "n"): 1, ("bolt", "n"): 1}


@pytest.mark.parametrize(
    ("field", "event"),
    [
        ("items.q", {"items": [{"q": 1}, {"q": 2.5}]}),
        ("context.items.q", {"context": {"items": [{"q": 1}, {"q": 2.5}]}}),
        ("properties.items.q", {"properties": {"items": [{"q": 1}, {"q": 2.5}]}}),
        ("properties.a.items.q", {"properties": {"a": {"items": [{"q": 1}, {"q": 2.5}]}}}),
        ("a.b.items.q", {"a": {"b": {"items": [{"q": 1}, {"q": 2.5}]}}}),
    ],
)
def test_a_field_adds_up_an_array_wherever_it_stands(tmp_path: Path, field: str, event: dict[str, Any]) -> None:
    metric = {**ALL, "measures": {"sum": {"aggregate": "sum", "field": field}}}
    numbers = counted(tmp_path, ("acme", metric), events=[{"account": "acme", "messageId": "m", **event}])
    assert {key: str(n) for key, n in day_totals(numbers).items()} == {("acme", "sum"): "3.5"}


@pytest.mark.parametrize("number", [2**64, -(2**63) - 1, 123456789012345678901234, 2**53 + 1, 7])
def test_an_id_that_is_a_number_is_the_same_alone_and_in_a_batch(tmp_path: Path, number: int) -> None:
    event = {"account": "acme", "messageId": number, "anonymousId": number, "timestamp": f"{DAY}T10:00:00Z"}
    metric = {**ALL, "breakdowns": ["anonymousId"]}
    numbers = counted(tmp_path, ("acme", metric), events=[event, {"batch": [event]}])
    assert day_totals(numbers) == {("acme", "n"): 1}
    assert len({value for *_, value, _ in numbers if value}) == 1

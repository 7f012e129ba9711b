"""The notes beside the numbers: exact where they are a function of the events, at least what was dropped where not."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from pipeline.match import compile_condition
from pipeline.model.counter import QUALITY, columns
from pipeline.model.definition import AccountDefinitions, Metric
from pipeline.model.layout import DAY, counter_row, parse_counter_qualifier, unpack_totals
from pipeline.store import Store
from tests.differential.conftest import OpenStore
from tests.support.deliver import Delivery, Manner
from tests.support.generate import Event, make_world
from tests.support.naive import amount_of, visitor_of
from tests.support.seeds import seeds

EXACT = ("no_visitor", "no_number")


def stored_notes(store: Store, account: str, metric: Metric) -> Counter[str]:
    """A metric's notes, of all days together."""
    notes: Counter[str] = Counter()
    prefix = counter_row(account, metric.id, metric.revision, 1, 1)[: -len("0001-01")]
    for cells in store.scan("counters", prefix).values():
        for qualifier, value in cells:
            key = parse_counter_qualifier(qualifier)
            if key.kind == DAY and key.breakdown == 0:
                found = unpack_totals(value)[len(columns(metric.measures)) :].tolist()
                notes.update(dict(zip(QUALITY, found, strict=True)))
    return notes


def expected_notes(account: AccountDefinitions, metric: Metric, events: list[Event]) -> Counter[str]:
    notes: Counter[str] = Counter()
    fields = {measure.field for measure in metric.measures if measure.field}
    for event in filter(compile_condition(metric.where, metric.groups), events):
        notes["no_visitor"] += visitor_of(event, account.settings) is None
        notes["no_number"] += any(amount_of(event, field.split(".")) is None for field in fields)
    return notes


@pytest.mark.parametrize("seed", seeds(30))
def test_notes_are_what_a_naive_reading_gives(seed: int, new_store: OpenStore) -> None:
    world, store = make_world(seed), new_store()
    delivery = Delivery(store, Manner(redelivered=1, restarted=0.2), Random(seed))
    delivery.adopt(world.snapshot)
    delivery.run(world.events, world.trusted)
    for account in world.snapshot.accounts.values():
        for metric in account.metrics.values():
            found = stored_notes(store, account.account, metric)
            expected = expected_notes(account, metric, world.of(account.account))
            matching = sum(map(compile_condition(metric.where, metric.groups), world.of(account.account)))
            assert {note: found[note] for note in EXACT} == {note: expected[note] for note in EXACT}
            assert found["duplicates"] == matching  # each event was delivered twice, and no commit failed

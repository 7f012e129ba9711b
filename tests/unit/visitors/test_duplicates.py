"""Which hits are new."""

from __future__ import annotations

from typing import Any

from pipeline.model.definition import Snapshot
from pipeline.model.facts import NO_FIRSTS
from pipeline.model.judged import Judged
from pipeline.visitors.duplicates import drop_duplicates
from pipeline.visitors.known import Known, Learnt
from tests.support.hits import ACCOUNT, event, snapshot_of, unit_of

ONE, TWO = snapshot_of(), snapshot_of({"id": "all"}, {"id": "more"})
NAMES = {j.digest: j.names for j in (Judged.of(s.accounts[ACCOUNT]) for s in (ONE, TWO))}
FIRST, SECOND = event("m1", "ann", "03T10:00"), event("m2", "ann", "03T10:00")


def take(known: Known, snapshot: Snapshot, *events: dict[str, Any]) -> list[tuple[int, list[str]]]:
    """What is new of these events, and in which metrics; it is known from then on."""
    unit = unit_of(snapshot, events)
    verdict = drop_duplicates(unit, known, NAMES.__getitem__)
    known.learn(Learnt(verdict.ids, verdict.judged, NO_FIRSTS, {}))
    assert sorted([*verdict.new.tolist(), *verdict.dropped.tolist()]) == list(range(len(events)))
    metrics = unit.table.judged[0].metrics
    counted = [[metrics[s.metric].metric.id for s in unit.table.combos[c].series] for c in verdict.combo.tolist()]
    return list(zip(verdict.new.tolist(), counted, strict=True))


def test_of_copies_in_one_unit_the_first_counts() -> None:
    assert take(Known(), ONE, FIRST, FIRST, SECOND, FIRST) == [(0, ["all"]), (2, ["all"])]


def test_a_copy_of_what_is_known_is_dropped() -> None:
    known = Known()
    take(known, ONE, FIRST)
    assert take(known, ONE, SECOND, FIRST) == [(0, ["all"])]


def test_equal_message_ids_of_two_visitors_are_two_events() -> None:
    assert len(take(Known(), ONE, FIRST, event("m1", "bob", "03T10:00"), event("m1", None, "03T10:00"))) == 3


def test_an_event_without_a_visitor_is_known_by_its_message_id() -> None:
    nobody = event("m1", None, "03T10:00")
    known = Known()
    assert len(take(known, ONE, nobody, nobody)) == 1
    assert take(known, ONE, nobody) == []


def test_a_known_event_is_new_to_a_metric_that_was_not_there() -> None:
    known = Known()
    take(known, ONE, FIRST)
    assert take(known, TWO, FIRST, SECOND) == [(0, ["more"]), (1, ["all", "more"])]


def test_an_event_known_under_more_metrics_is_not_new_to_fewer() -> None:
    known = Known()
    take(known, TWO, FIRST)
    assert take(known, ONE, FIRST) == []


def test_an_event_known_under_two_definitions_is_new_to_neither() -> None:
    known = Known()
    take(known, ONE, FIRST)
    take(known, TWO, FIRST)
    assert take(known, ONE, FIRST) == []
    assert take(known, TWO, FIRST) == []

"""The simulated traffic: seeded, at the rate that was asked for, with the repeats and breakage of real traffic."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random

from pipeline.decode.odd import Span
from pipeline.definitions import parse_account
from pipeline.demo.traffic import Delivery, broken
from pipeline.demo.visit import CLICK_RATES
from pipeline.match.block import BlockMatcher
from pipeline.model.definition import Snapshot
from pipeline.model.rejects import RejectReason
from tests.unit.demo.conftest import BEGIN, EVENTS_PER_S, SECONDS, traffic

ACCOUNT = "shop"


def test_the_same_seed_is_the_same_traffic_however_it_is_asked_for(delivered: list[Delivery]) -> None:
    again = traffic()
    in_steps = [d for s in range(1, SECONDS + 1) for d in again.until(BEGIN + timedelta(seconds=s))]
    assert in_steps == delivered
    assert next(traffic(seed=2).until(BEGIN + timedelta(seconds=9))) != delivered[0]


def test_the_rate_is_what_was_asked_for(delivered: list[Delivery]) -> None:
    fresh = sum(1 for d in delivered if d.event is not None)
    warm_s = SECONDS - 30  # the first visits have just begun
    assert 0.9 < fresh / (EVENTS_PER_S * warm_s) < 1.1


def test_about_one_in_fifty_records_comes_twice_to_the_byte(delivered: list[Delivery]) -> None:
    first = {d.line for d in delivered if d.event is not None}
    again = [d.line for d in delivered if d.event is None and d.reject is None]
    assert all(line in first for line in again)
    assert 0.015 < len(again) / len(first) < 0.025


def test_some_tell_late_and_some_tell_nothing_of_who_it_was(delivered: list[Delivery]) -> None:
    events = [d.event for d in delivered if d.event is not None]
    assert any(event.time < BEGIN - timedelta(hours=1) for event in events)
    assert any(event.visitor is None for event in events)
    assert all("anonymousId" not in event.record for event in events if event.visitor is None)


def test_visitors_come_back_and_keep_their_variation(delivered: list[Delivery]) -> None:
    seen: dict[str, set[str]] = {}
    visits: Counter[str] = Counter()
    for event in (d.event for d in delivered if d.event is not None):
        if event.record.get("event") == "Experiment Viewed" and event.visitor is not None:
            seen.setdefault(event.visitor, set()).add(event.record["properties"]["variationName"])
            visits[event.visitor] += 1
    assert all(len(variations) == 1 for variations in seen.values())
    assert max(visits.values()) > 1


def test_each_variation_is_clicked_at_about_its_true_rate(delivered: list[Delivery]) -> None:
    counts: Counter[tuple[str, str]] = Counter()
    for event in (d.event for d in delivered if d.event is not None):
        if event.record.get("event", "").startswith("Experiment "):
            counts[event.record["event"], event.record["properties"]["variationName"]] += 1
    for variation, rate in CLICK_RATES.items():
        observed = counts["Experiment Clicked", variation] / counts["Experiment Viewed", variation]
        assert abs(observed - rate) < 0.03


def test_nothing_happens_in_a_pause() -> None:
    asleep = traffic()
    list(asleep.until(BEGIN + timedelta(seconds=60)))
    asleep.pause_until(BEGIN + timedelta(hours=8))
    after = [d.event for d in asleep.until(BEGIN + timedelta(hours=8)) if d.event is not None]
    assert after and len(after) < 60 * EVENTS_PER_S


def test_the_pipeline_rejects_each_broken_record_for_the_reason_it_was_broken_for(delivered: list[Delivery]) -> None:
    record = json.loads(next(d.line for d in delivered if d.event is not None))
    rng, now = Random(1), datetime.now(UTC)
    many = {d.reject: d.line for d in (broken(rng, record, BEGIN) for _ in range(200))}
    assert set(many) == {"not_json", "not_an_object", "bad_timestamp", "in_the_future", "wrong_account"}
    matcher = BlockMatcher(_nothing_defined(), 1, b"k" * 16)
    for reason, line in sorted(many.items()):
        matched = matcher.match(line + b"\n", Span("events", 0, ACCOUNT), int(now.timestamp()) * 10**9)
        assert [r.reason for r in matched.rejects] == [RejectReason(reason)]


def _nothing_defined() -> Snapshot:
    return Snapshot.of([parse_account({"account": ACCOUNT, "metrics": []}, strict=True)])

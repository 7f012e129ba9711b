"""Which days an epoch's totals are read of: all that its events can lie on."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipeline.store import open_store
from pipeline.store.fixed import fix
from readers.experiments.always_valid import Sequence
from readers.experiments.over_time import cumulative
from readers.experiments.reading import read_totals
from readers.experiments.totals import TrialTotals
from readers.query.limits import DAYS_MAX
from tests.support import trials
from tests.support.trial_world import ACCOUNT, EPOCHS, SHARDS, experiment, hits_of, keeper_of, snapshot

EPOCH_OF_MAY = replace(EPOCHS[1], effective_at="2024-05-01T00:00:00.000Z")


def read(directory: Path, epoch: int, *times: str, zone: str = "UTC") -> TrialTotals:
    """The totals of one exposure at each of the times."""
    store = open_store(f"sqlite:///{directory}/s.db", create=True)
    fix(store, shards=SHARDS, default_shards=SHARDS, visitor_key=None)
    of = experiment(epochs=(EPOCHS[0], EPOCH_OF_MAY))
    definitions = snapshot(of, timezone=zone)
    seen: dict[str, Any] = {"event": "Viewed", "properties": {"variation": "control", "plan": "b"}}
    events = [{**seen, "messageId": at, "anonymousId": at, "timestamp": at} for at in times]
    for shard, hits in hits_of(definitions, events):
        keeper_of(store, definitions).commit(shard, [hits])
    totals = read_totals(store, ACCOUNT, of, of.epochs[epoch - 1], date(2024, 6, 1))
    store.close()
    return totals


def test_the_first_epoch_is_open_to_the_past(tmp_path: Path) -> None:
    totals = read(tmp_path, 1, "2008-03-20T10:00:00Z", "1970-01-01T00:00:00Z", "2024-05-02T00:00:00Z")
    assert totals.variations["control"].days == {"1970-01-01": 1, "2008-03-20": 1}


@pytest.mark.parametrize(("zone", "day"), [("America/New_York", "2024-04-30"), ("UTC", "2024-05-01")])
def test_a_later_one_begins_on_the_accounts_day(tmp_path: Path, zone: str, day: str) -> None:
    totals = read(tmp_path, 2, "2024-05-01T00:00:00Z", "2024-04-30T23:59:59Z", zone=zone)
    assert totals.variations["control"].days == {day: 1}


def test_what_is_drawn_over_time_ends_with_all_and_is_bounded() -> None:
    days = {date.fromordinal(700_000 + n).isoformat(): 1 for n in range(DAYS_MAX + 5)}
    control, friendly = (
        replace(trials.counted(name, len(days), trials.converted(0)), days=days) for name in ("control", "friendly")
    )
    drawn = cumulative("rate", control, friendly, 0, Sequence())
    assert [point["day"] for point in drawn] == list(days)[5:]

"""The pipeline held against SQL in DuckDB, which shares no code with it."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from pipeline.model.definition import Snapshot
from tests.differential.conftest import OpenStore
from tests.differential.test_oracle import any_manner
from tests.support.deliver import Delivery
from tests.support.duck import CONDITIONS, COUNTRY, MEASURES, sql_events, sql_numbers
from tests.support.generate_definitions import ZONES, parse
from tests.support.seeds import seeds
from tests.support.stored import differences, stored_numbers

VISITORS = (["anonymousId", "userId"], ["userId", "anonymousId"], ["userId"])


@pytest.mark.parametrize("seed", seeds(40))
def test_the_counters_are_what_sql_gives(seed: int, new_store: OpenStore, tmp_path: Path) -> None:
    random, store = Random(seed), new_store()
    zone, visitor = random.choice(ZONES), random.choice(VISITORS)
    metrics = [
        {"id": name, "where": where, "measures": MEASURES, "breakdowns": [COUNTRY]}
        for name, (where, _) in CONDITIONS.items()
    ]
    definitions = parse("acme", {"timezone": zone, "visitor": visitor}, metrics)
    snapshot = Snapshot.of([definitions])
    events = sql_events(random, definitions)
    delivery = Delivery(store, any_manner(random), random)
    delivery.adopt(snapshot)
    delivery.run(events, "acme")
    numbers = stored_numbers(store, [snapshot])
    by_day = {(metric, *rest): n for (_, metric, _, *rest), n in numbers.items() if "/" not in rest[-1]}
    assert differences(by_day, sql_numbers(tmp_path / "events.jsonl", events, zone, visitor)) == []

"""A shop's traffic at a fixed time, the same in every run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pipeline.demo.traffic import Delivery, Traffic
from pipeline.demo.visit import EVENTS_PER_VISIT
from pipeline.demo.visitors import VARIATIONS

BEGIN = datetime(2026, 10, 20, 9, tzinfo=UTC)
EVENTS_PER_S = 200
SECONDS = 300


def traffic(seed: int = 1) -> Traffic:
    return Traffic(
        seed, BEGIN, lambda _: EVENTS_PER_S / EVENTS_PER_VISIT, lambda visitor: VARIATIONS[int(visitor[-1], 16) % 2]
    )


@pytest.fixture(scope="session")
def delivered() -> list[Delivery]:
    """What arrives in five minutes."""
    return list(traffic().until(BEGIN + timedelta(seconds=SECONDS)))

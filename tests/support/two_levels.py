"""Owns how little makes what is held of visitors two-levelled, so that small worlds have rows in both levels."""

from __future__ import annotations

import pytest

from pipeline.visitors import levels

ROWS = 5


@pytest.fixture(autouse=True)
def two_levels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(levels, "SMALL_ROWS_MIN", ROWS)

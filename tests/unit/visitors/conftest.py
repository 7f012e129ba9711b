"""What is held of visitors is held in two levels: everything must come out with rows in either, or in both."""

from __future__ import annotations

import pytest

from pipeline.visitors import levels


@pytest.fixture(autouse=True, params=[0, 2, levels.SMALL_ROWS_MIN])
def small_rows_min(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many rows the small level may hold however small the large one is."""
    monkeypatch.setattr(levels, "SMALL_ROWS_MIN", request.param)
    return int(request.param)

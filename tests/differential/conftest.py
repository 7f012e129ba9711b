"""Stores for the differential tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from pipeline.store import Store, open_store
from tests.support.emulators import bigtable_emulator, bigtable_prefix, bigtable_url
from tests.support.two_levels import two_levels

__all__ = ["bigtable_emulator", "bigtable_prefix", "bigtable_url", "two_levels"]

OpenStore = Callable[[], Store]


@pytest.fixture
def new_store(tmp_path: Path) -> Iterator[OpenStore]:
    """Opens a new, empty SQLite store each time."""
    opened: list[Store] = []
    numbers = count()

    def new() -> Store:
        opened.append(open_store(f"sqlite:///{tmp_path}/{next(numbers)}.db", create=True))
        return opened[-1]

    yield new
    for store in opened:
        store.close()

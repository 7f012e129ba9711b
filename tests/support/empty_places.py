"""Where tests that need many stores find empty ones: by name, below one URL."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.store import Store, open_store

OpenStore = Callable[[], Store]  # another, independent store object on the same data
Places = Callable[[object], OpenStore]  # of a name: its own data, empty at first


def places_at(url: str) -> Places:
    """Names are what the stores' URLs end with."""
    return lambda name: lambda: open_store(f"{url}{name}", create=True)

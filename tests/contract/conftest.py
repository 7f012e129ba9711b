"""Both stores as places: somewhere to open any number of store objects on the same data, and to look behind them."""

from __future__ import annotations

from tests.support.emulators import bigtable_emulator, bigtable_prefix, bigtable_url

__all__ = ["bigtable_emulator", "bigtable_prefix", "bigtable_url"]

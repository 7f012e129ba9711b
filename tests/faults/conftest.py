"""The emulator for fault tests."""

from __future__ import annotations

from tests.support.emulators import bigtable_emulator, bigtable_prefix, bigtable_url

__all__ = ["bigtable_emulator", "bigtable_prefix", "bigtable_url"]

"""The servers for fault tests, the process that runs are forked from, and places for their stories."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.emulators import bigtable_emulator, bigtable_prefix, bigtable_url
from tests.support.forked import Zygote, zygote
from tests.support.kill_story import Places
from tests.support.redis_server import redis_server_url, redis_url
from tests.support.two_levels import two_levels

__all__ = ["bigtable_emulator", "bigtable_prefix", "bigtable_url", "redis_server_url", "redis_url", "two_levels", "zygote"]

PlacesOn = Callable[..., Places]  # a store's kind, and canaries' rules to leave out


@pytest.fixture
def places_on(request: pytest.FixtureRequest, zygote: Zygote, tmp_path: Path, redis_server_url: str) -> PlacesOn:
    """New places on a kind of store; asks for the emulator only where it is needed."""

    def places(store: str, *rules: str) -> Places:
        left_out = [(f"tests.support.kill_canaries:{rule}", {}) for rule in rules]
        if store == "sqlite":
            return Places(zygote, tmp_path, redis_server_url, rules=left_out)
        request.getfixturevalue("bigtable_prefix")  # lets this process find the emulator too
        return Places(zygote, tmp_path, redis_server_url, request.getfixturevalue("bigtable_emulator").host, left_out)

    return places

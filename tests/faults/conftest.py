"""The servers and the forking process for fault tests."""

from __future__ import annotations

from tests.support.emulators import bigtable_emulator, bigtable_prefix, bigtable_url
from tests.support.forked import zygote
from tests.support.redis_server import redis_server_url, redis_url

__all__ = ["bigtable_emulator", "bigtable_prefix", "bigtable_url", "redis_server_url", "redis_url", "zygote"]

"""The servers that tests of what the runbook says run against."""

from tests.support.emulators import bigtable_emulator, bigtable_prefix, bigtable_url
from tests.support.redis_server import redis_server_url, redis_url

__all__ = ["bigtable_emulator", "bigtable_prefix", "bigtable_url", "redis_server_url", "redis_url"]

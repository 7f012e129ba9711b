"""The servers that end-to-end tests run against."""

from tests.support.chromium import chromium
from tests.support.emulators import bigtable_emulator, bigtable_prefix, bigtable_url
from tests.support.redis_server import redis_server_url, redis_url

__all__ = ["bigtable_emulator", "bigtable_prefix", "bigtable_url", "chromium", "redis_server_url", "redis_url"]

"""The servers that jobs on engines run against, and one Flink cluster for all tests."""

from collections.abc import Iterator

import pytest

from tests.support.emulators import BigtableEmulator, bigtable_emulator, bigtable_prefix, bigtable_url
from tests.support.flink_cluster import FlinkCluster
from tests.support.redis_server import redis_server_url, redis_url

__all__ = ["bigtable_emulator", "bigtable_prefix", "bigtable_url", "redis_server_url", "redis_url"]


@pytest.fixture(scope="session")
def flink(bigtable_emulator: BigtableEmulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlinkCluster]:
    """Two task managers to begin with; a test that kills one starts another. Jobs are ended by whoever began them."""
    cluster = FlinkCluster(tmp_path_factory.mktemp("flink"), environment={"BIGTABLE_EMULATOR_HOST": bigtable_emulator.host})
    yield cluster
    cluster.close()

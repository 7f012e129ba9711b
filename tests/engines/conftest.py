"""The servers that jobs on engines run against, and one Flink cluster for all tests."""

from collections.abc import Iterator

import pytest

from tests.support.emulators import BigtableEmulator, bigtable_emulator, bigtable_prefix, bigtable_url
from tests.support.flink_cluster import FlinkCluster
from tests.support.redis_server import redis_server_url, redis_url

ENDED = {"CANCELED", "FAILED", "FINISHED"}

__all__ = ["bigtable_emulator", "bigtable_prefix", "bigtable_url", "redis_server_url", "redis_url"]


@pytest.fixture(scope="package")
def flink_cluster(bigtable_emulator: BigtableEmulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlinkCluster]:
    """It starts once for the tests here; two task managers to begin with, and a test that kills one starts another."""
    cluster = FlinkCluster(tmp_path_factory.mktemp("flink"), environment={"BIGTABLE_EMULATOR_HOST": bigtable_emulator.host})
    yield cluster
    cluster.close()


@pytest.fixture
def flink(flink_cluster: FlinkCluster) -> Iterator[FlinkCluster]:
    """Without jobs. Those that a test which failed has left would take the next one's slots, and are cancelled."""
    yield flink_cluster
    for job, state in flink_cluster.rest.jobs().items():
        if state not in ENDED:
            flink_cluster.rest.cancel(job)

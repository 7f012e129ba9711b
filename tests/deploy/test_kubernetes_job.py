"""The job as Kubernetes' manifest submits it, on a real Flink: with Python workers in a pool of their own beside Flink's."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import orjson
import pytest
import yaml

from tests.support.daycount import command, write_definitions
from tests.support.deploy import DEPLOY
from tests.support.engines import Program, worker_environment
from tests.support.flink_cluster import FlinkCluster
from tests.support.ports import free_port
from tests.support.records import ORDERS, order
from tests.support.redis_feed import RedisFeed
from tests.support.small_runs import SmallRun

STAGES = re.compile(r"ArtifactStagingService started on localhost:(\d+)")
POOL = "apache_beam.runners.worker.worker_pool_main"
PATIENCE_S = 180
SENT = 60


@pytest.fixture
def flink(tmp_path: Path) -> Iterator[FlinkCluster]:
    (tmp_path / "flink").mkdir()
    cluster = FlinkCluster(tmp_path / "flink", task_managers=1)
    yield cluster
    cluster.close()


@pytest.fixture
def pool(tmp_path: Path, bigtable_prefix: str) -> Iterator[str]:
    """What the sidecar's `--worker_pool` starts; where it listens. It starts workers with the `python` that it finds."""
    port = free_port()
    own = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    environment = worker_environment({**own, "BIGTABLE_EMULATOR_HOST": os.environ["BIGTABLE_EMULATOR_HOST"]})
    program = Program([sys.executable, "-m", POOL, f"--service_port={port}"], tmp_path / "pool.log", environment)
    yield f"localhost:{port}"
    program.kill_all()


def words(given: dict[str, str]) -> list[str]:
    """The manifest's arguments, at places of this machine."""
    job = yaml.safe_load((DEPLOY / "kubernetes" / "submit.yaml").read_text())
    [container] = job["spec"]["template"]["spec"]["containers"]
    words = [str(word) for word in container["args"]]
    for name, place in given.items():
        assert any(name in word for word in words), name
        words = [word.replace(name, place) for word in words]
    return words


@pytest.mark.timeout(600)  # a cluster starts, takes 150 MB of jars, and shares the machine
def test_what_is_sent_is_counted_by_the_workers_of_the_pool(
    flink: FlinkCluster, pool: str, redis_url: str, bigtable_url: str, tmp_path: Path
) -> None:
    definitions = write_definitions(tmp_path / "shop.yaml", ORDERS)
    [jobs] = [option.partition("=")[2] for option in flink.beam_options() if option.startswith("--job_endpoint=")]
    artifacts = STAGES.search((tmp_path / "flink" / "job-server.log").read_text())
    assert artifacts
    places = {
        "$(EVENTS)": f"{redis_url}?stream=events&trim=1",
        "$(DAYCOUNT_STORE)": bigtable_url,
        "$(REJECTS)": f"{redis_url}?stream=rejects",
        "daycount-job-server:8099": jobs,
        "daycount-job-server:8098": f"localhost:{artifacts[1]}",
        "localhost:50000": pool,
        "--parallelism=4": "--parallelism=2",
    }
    environment = {**worker_environment({}), "DAYCOUNT_DEFINITIONS": definitions}
    environment["BIGTABLE_EMULATOR_HOST"] = os.environ["BIGTABLE_EMULATOR_HOST"]
    submitting = Program(command(*words(places)), tmp_path / "submit.log", environment)
    with closing(RedisFeed(redis_url)) as feed:
        feed.send(*(order_of(n) for n in range(SENT)), account="shop")
        until = time.monotonic() + PATIENCE_S
        while feed.client.xlen("events") and time.monotonic() < until:  # trimmed when it is counted
            assert submitting.runs(), submitting.said()
            time.sleep(0.5)
        left = feed.client.xlen("events")
    submitting.kill_all()
    assert left == 0, f"{submitting.said()}\n{flink.logs()}\n{(tmp_path / 'pool.log').read_text()[-2000:]}"
    answer = SmallRun(bigtable_url, definitions).query("orders", from_="2026-10-01", to="2026-10-01")
    assert sorted(answer["results"][0]["metrics"]) == [6, SENT, 10 * SENT]


def order_of(n: int) -> bytes:
    return orjson.dumps(order(messageId=f"m{n}", anonymousId=f"v{n % 6}"))

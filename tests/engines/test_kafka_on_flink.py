"""A Kafka topic on a real Flink cluster, read by Beam's own source: exact through a killed worker and a cancelled job."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.daycount import Shop
from tests.support.engine_jobs import as_words
from tests.support.flink_cluster import FlinkCluster
from tests.support.kafka_broker import KafkaBroker, kafka_broker
from tests.support.kafka_feed import KafkaFeed
from tests.support.kafka_source import kafka_source
from tests.support.live_run import LiveRun, live_runs
from tests.support.retail import DEFINITIONS, check_everything, retail_lines
from tests.support.small_runs import SmallRun

__all__ = ["kafka_broker"]

PARTITIONS = 4
REPEATED = 10  # every tenth record is sent again


@pytest.fixture
def flink(bigtable_emulator, tmp_path: Path) -> Iterator[FlinkCluster]:
    with closing(FlinkCluster(tmp_path, environment={"BIGTABLE_EMULATOR_HOST": bigtable_emulator.host})) as cluster:
        yield cluster


@pytest.fixture
def shop(flink: FlinkCluster, bigtable_url: str, tmp_path: Path) -> Iterator[Shop]:
    environment = {"BIGTABLE_EMULATOR_HOST": os.environ["BIGTABLE_EMULATOR_HOST"]}
    with kafka_source(tmp_path) as options:
        words = as_words([*flink.beam_options(), *options])
        extra = ("--shards", "8", "--create-tables", "--rejects", f"{tmp_path}/rejects.jsonl", *words)
        yield Shop(bigtable_url, DEFINITIONS, extra=extra, environment=environment)


@pytest.fixture
def begin(shop: Shop, tmp_path: Path) -> Iterator[Callable[..., LiveRun]]:
    with live_runs(shop, tmp_path) as begin:
        yield begin


@pytest.fixture
def feed(kafka_broker: KafkaBroker) -> Iterator[KafkaFeed]:
    with closing(KafkaFeed(kafka_broker.host, PARTITIONS)) as feed:
        yield feed


def running(flink: FlinkCluster) -> list[str]:
    return [job for job, state in flink.rest.jobs().items() if state == "RUNNING"]


def cancel(flink: FlinkCluster) -> None:
    flink.rest.wait(lambda: len(running(flink)) == 1, "the job to run")
    [job] = running(flink)
    flink.rest.cancel(job)


def test_a_month_is_exact_though_a_task_manager_is_killed_and_a_job_cancelled_with_records_in_work(
    flink: FlinkCluster, feed: KafkaFeed, shop: Shop, begin: Callable[..., LiveRun]
) -> None:
    lines = retail_lines()
    parts = [[*lines[n::3], *lines[n::REPEATED]] for n in range(3)]
    run = begin(feed.url)
    feed.send(*parts[0], account="shop")
    run.until(lambda: max(feed.committed()) > 0)
    flink.replace_task_manager()
    feed.send(*parts[1], account="shop")
    run.until(feed.is_counted)
    feed.send(*parts[2], account="shop")
    cancel(flink)
    run.until_ended()
    run = begin(feed.url)
    run.until(feed.is_counted)
    cancel(flink)
    run.until_ended()
    check_everything(SmallRun(shop.store, shop.definitions, "shop").query)

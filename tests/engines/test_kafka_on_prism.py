"""A Kafka topic on Prism, read by Beam's own source: exact through a job that is killed with records in work."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from tests.support.daycount import Shop
from tests.support.engine_jobs import as_words
from tests.support.kafka_broker import KafkaBroker, kafka_broker
from tests.support.kafka_feed import KafkaFeed
from tests.support.kafka_source import kafka_source
from tests.support.live_run import live_runs
from tests.support.prism import local_prism_options
from tests.support.retail import DEFINITIONS, check_everything, retail_lines
from tests.support.small_runs import SmallRun

__all__ = ["kafka_broker"]

PARTITIONS = 4
REPEATED = 10  # every tenth record is sent again


def test_a_month_is_exact_though_a_job_is_killed_with_records_in_work(kafka_broker: KafkaBroker, tmp_path: Path) -> None:
    lines = retail_lines()
    with kafka_source(tmp_path) as options, closing(KafkaFeed(kafka_broker.host, PARTITIONS)) as feed:
        extra = ("--rejects", f"{tmp_path}/rejects.jsonl", *as_words([*local_prism_options(), *options]))
        shop = Shop(f"sqlite:///{tmp_path}/numbers.db", DEFINITIONS, extra=extra)
        with live_runs(shop, tmp_path) as begin:
            run = begin(feed.url)
            feed.send(*lines[::2], *lines[::REPEATED], account="shop")
            run.until(lambda: max(feed.committed()) > 0)
            run.kill()
            feed.send(*lines[1::2], account="shop")
            run = begin(feed.url)
            run.until(feed.is_counted)
            run.end()
        check_everything(SmallRun(shop.store, shop.definitions, "shop").query)

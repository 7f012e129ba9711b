"""A Kafka topic behind the source's contract, on a real broker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.source_contract import SourceContract
from tests.support.kafka_broker import KafkaBroker, kafka_broker, patient_kafka
from tests.support.kafka_feed import KafkaFeed

__all__ = ["kafka_broker", "patient_kafka"]

pytestmark = pytest.mark.usefixtures("patient_kafka")


@pytest.fixture(params=[1, 3])
def feed(kafka_broker: KafkaBroker, request: pytest.FixtureRequest) -> Iterator[KafkaFeed]:
    feed = KafkaFeed(kafka_broker.host, request.param)
    yield feed
    feed.close()


class TestKafkaTopic(SourceContract):
    pass

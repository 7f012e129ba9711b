"""Owns a topic of a real Kafka for tests of its source: what a producer does, and a look behind."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

from confluent_kafka import OFFSET_END, Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

from pipeline.sources.kafka import KafkaTopic
from pipeline.sources.source import Source
from tests.contract.source_contract import Feed

CALL_S = 120.0
AGAIN_S = 0.05
GROUP = "daycount"

_numbers = itertools.count()


class KafkaFeed(Feed):
    """host: the broker's. options: more of the source's URL, such as `group=g`."""

    def __init__(self, host: str, partitions: int = 1, options: str = "", config: Mapping[str, str] | None = None) -> None:
        self.host = host
        self.topic = f"t{os.getpid()}-{next(_numbers)}"
        self.partitions = partitions
        self.url = f"kafka://{host}/{self.topic}" + (f"?{options}" if options else "")
        self._admin = AdminClient({"bootstrap.servers": host, "log_level": 0})
        self._producer = self._new_producer()
        self._sent = itertools.count()
        self.make(config or {})

    def make(self, config: Mapping[str, str]) -> None:
        """The topic, where it is not there. Some moments after it was made the broker answers that it doesn't know it."""
        topic = NewTopic(self.topic, self.partitions, 1, config={"max.message.bytes": str(64 << 20), **config})
        self._through(self._admin.create_topics([topic]))
        until = time.monotonic() + CALL_S
        while not self._is_known():
            assert time.monotonic() < until, f"the broker never knows {self.topic}"
            time.sleep(AGAIN_S)

    def _is_known(self) -> bool:
        """Whether the broker tells of the topic with all its partitions."""
        told = self._admin.list_topics(self.topic, timeout=CALL_S).topics[self.topic]
        return told.error is None and [p.error for p in told.partitions.values()] == [None] * self.partitions

    def drop(self) -> None:
        self._through(self._admin.delete_topics([self.topic]))

    def grow(self, partitions: int) -> None:
        self._through(self._admin.create_partitions([NewPartitions(self.topic, partitions)]))
        self.partitions = partitions
        self._producer = self._new_producer()  # it doesn't know yet

    def send(self, *records: bytes, account: str | None = None) -> None:
        self.produce(records, [] if account is None else [("account", account.encode())])

    def produce(
        self, records: Sequence[bytes | None], headers: Sequence[tuple[str, bytes | None]] = (), partition: int | None = None
    ) -> None:
        """Records with any headers, in turn to all partitions or to one."""
        for record in records:
            to = next(self._sent) % self.partitions if partition is None else partition
            self._producer.produce(self.topic, record, partition=to, headers=list(headers))
            self._producer.poll(0)
        assert self._producer.flush(CALL_S) == 0

    def transact(self, records: Sequence[bytes], partition: int = 0, abort: bool = False) -> None:
        """Records in a transaction, which takes up one offset more."""
        end = self.ends()[partition] + len(records) + 1
        told = {"bootstrap.servers": self.host, "transactional.id": self.topic, "log_level": 0}
        producer = Producer(told)
        producer.init_transactions(CALL_S)
        producer.begin_transaction()
        for record in records:
            producer.produce(self.topic, record, partition=partition)
        producer.flush(CALL_S)
        (producer.abort_transaction if abort else producer.commit_transaction)(CALL_S)
        until = time.monotonic() + CALL_S
        while self.ends()[partition] < end:  # its end is written a moment later
            assert time.monotonic() < until

    def open(self, follow: bool = True, more: str = "", **given: Any) -> Source:
        return KafkaTopic(self.url + more, follow=follow, **given)

    def abandon(self, source: Source) -> None:
        """Its group sees it go at once, instead of when its session is over."""
        assert isinstance(source, KafkaTopic)
        source._group.close()

    def committed(self, group: str = GROUP) -> list[int]:
        """The group's offset of each partition; those of which it has none are -1001."""
        return [at.offset for at in self._asked(group, "committed")]

    def ends(self) -> list[int]:
        return [at.offset for at in self._asked(GROUP, "offsets_for_times")]

    def is_counted(self, group: str = GROUP) -> bool:
        """Whether everything sent has been acknowledged by the group."""
        return self.committed(group) == self.ends()

    def members(self, group: str = GROUP) -> int:
        """How many the group has now."""
        (asked,) = self._admin.describe_consumer_groups([group], request_timeout=CALL_S).values()
        return len(asked.result(CALL_S).members)

    def close(self) -> None:
        self._producer.flush(CALL_S)

    def _new_producer(self) -> Producer:
        return Producer({"bootstrap.servers": self.host, "message.max.bytes": 64 << 20, "log_level": 0})

    def _asked(self, group: str, question: str) -> list[TopicPartition]:
        consumer = Consumer({"bootstrap.servers": self.host, "group.id": group, "log_level": 0})
        try:
            until = time.monotonic() + CALL_S
            while True:
                partitions = [TopicPartition(self.topic, n, OFFSET_END) for n in range(self.partitions)]
                try:
                    answer: list[TopicPartition] = getattr(consumer, question)(partitions, timeout=CALL_S)
                    return answer
                except KafkaException as error:
                    # Those above 0 are the broker's own: it has just started, and says that it isn't ready.
                    if error.args[0].code() <= 0 or time.monotonic() > until:
                        raise
                time.sleep(AGAIN_S)
        finally:
            consumer.close()

    @staticmethod
    def _through(futures: Mapping[str, Any]) -> None:
        for future in futures.values():
            future.result(CALL_S)

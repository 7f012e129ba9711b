"""A member of a consumer group, or somebody beside it, and what its cluster says. Owns the client and what errors mean."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from confluent_kafka import (
    OFFSET_BEGINNING,
    OFFSET_END,
    OFFSET_INVALID,
    Consumer,
    KafkaError,
    KafkaException,
    TopicPartition,
)

from pipeline.model.errors import RunError, UsageError
from pipeline.sources.kafka.offsets import Tenures
from pipeline.sources.kafka.url import KafkaUrl

START_S = 3.0  # for a question at the start
ANSWER_S = 2.0  # for a question later
WAIT_S = 0.1
CLOSE_S = 5.0
SETTINGS = {
    "session.timeout.ms": 10_000,  # so long a killed run's partitions are kept from the next one
    "heartbeat.interval.ms": 1_000,
    "partition.assignment.strategy": "cooperative-sticky",  # who stays keeps what it has in work
    "auto.offset.reset": "earliest",
    "enable.auto.offset.store": False,  # an offset is told when everything before it is counted,
    "enable.auto.commit": True,  # and sent by the client, which knows when it may be
    "auto.commit.interval.ms": 1_000,
    "allow.auto.create.topics": False,
    "enable.partition.eof": True,
    "fetch.wait.max.ms": 100,
    "queued.max.messages.kbytes": 32 * 1024,
    "reconnect.backoff.max.ms": 2_000,
    "topic.metadata.refresh.interval.ms": 60_000,  # so soon a new partition is seen
    "log_level": 0,
}
_CURES = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "grant Read and Describe on the topic",
    KafkaError.GROUP_AUTHORIZATION_FAILED: "grant Read on the group, or name another with group=",
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "grant the right to read",
    KafkaError._AUTHENTICATION: "correct the login, sasl.mechanism or security.protocol",
    KafkaError.SASL_AUTHENTICATION_FAILED: "correct the login, sasl.mechanism or security.protocol",
    KafkaError._SSL: "correct security.protocol or the certificates",
    KafkaError._RESOLVE: "correct the host's name",
    KafkaError.UNKNOWN_TOPIC_OR_PART: "create it, or correct the name",
    KafkaError._UNKNOWN_TOPIC: "create it, or correct the name",  # the same, of which the client knows already
    KafkaError._UNKNOWN_PARTITION: "create it, or correct the name",
    KafkaError.FENCED_INSTANCE_ID: "give each run a group.instance.id of its own, or none",
    KafkaError.INCONSISTENT_GROUP_PROTOCOL: "other programs are in this group; name another with group=",
}
_LASTING = (
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.INCONSISTENT_GROUP_PROTOCOL,
)
_SILENT = (KafkaError._TRANSPORT, KafkaError._TIMED_OUT, KafkaError._ALL_BROKERS_DOWN)  # the client tells the cause apart
_SILENCE = "start it, or correct the URL"
_DETAILS = re.compile(r" \(after [^()]*\)|, \d+ identical error\(s\) suppressed")


class Away(Exception):
    """The cluster can't be asked now, and may be later. The message is a line that names it.

    settling: it answers, and says that it isn't ready, as it does for a while after a topic or a group was made.
    """

    def __init__(self, line: str, settling: bool = False) -> None:
        super().__init__(line)
        self.settling = settling


class Came(NamedTuple):
    """Messages, and where there were no more: (partition, the offset behind the last)."""

    messages: list[Any]
    ends: list[tuple[Any, Any]]


class Group:
    """A member from `join` on. Raises UsageError for settings that the client refuses; nothing is sent yet."""

    def __init__(self, url: KafkaUrl) -> None:
        self._url = url
        self._said: KafkaError | None = None  # what went wrong last, as the client tells it on the way
        self._failure: KafkaError | None = None
        self._joined = False
        given = {"bootstrap.servers": url.servers, "group.id": url.group, "error_cb": self._note}
        try:
            self._consumer = Consumer({**SETTINGS, **url.settings, **given})
        except KafkaException as e:
            raise UsageError(f"--input {url}: {_words(e.args[0])}; correct the URL") from None

    def partitions(self) -> list[int]:
        """The topic's. Raises Away, UsageError."""
        with self._asking():
            found = self._consumer.list_topics(self._url.topic, timeout=START_S).topics[self._url.topic]
            if found.error is not None:
                raise KafkaException(found.error)
            return sorted(found.partitions)

    def beginnings(self, partitions: Iterable[int]) -> dict[int, int]:
        """The offset of each partition's first record. Raises Away, RunError."""
        return self._offsets(partitions, OFFSET_BEGINNING)

    def ends(self, partitions: Iterable[int]) -> dict[int, int]:
        """The offset behind the last record of each that can be read now. Raises Away, RunError."""
        return self._offsets(partitions, OFFSET_END)

    def committed(self, partitions: Iterable[int], timeout_s: float = ANSWER_S) -> dict[int, int]:
        """The group's offsets; a partition of which it has none is left out. Raises Away, RunError."""
        with self._asking():
            answer = self._consumer.committed(self._all(partitions), timeout=timeout_s)
            return {at.partition: at.offset for at in _answered(answer) if at.offset >= 0}

    def join(self, tenures: Tenures) -> None:
        """Take part in sharing out the partitions; `take` keeps `tenures` up to date."""

        def give(_: Consumer, given: Sequence[TopicPartition]) -> None:
            tenures.give(at.partition for at in given)

        def take_away(_: Consumer, taken: Sequence[TopicPartition]) -> None:
            tenures.take_away(at.partition for at in taken)

        self._joined = True
        self._consumer.subscribe([self._url.topic], on_assign=give, on_revoke=take_away)

    def take(self, messages_max: int, wait_s: float) -> Came:
        """What has come, after so many seconds if it is less. Raises RunError for what does not pass by itself."""
        self._raise_failure()
        came = self._consumer.consume(messages_max, wait_s)
        messages = [message for message in came if message.error() is None]
        ends = []
        for message in came if len(messages) < len(came) else ():
            error: Any = message.error()
            if error is not None and error.code() == KafkaError._PARTITION_EOF:
                ends.append((message.partition(), message.offset()))
            elif error is not None:
                self._note(error)
        return Came(messages, ends)

    def tell(self, partition: int, offset: int) -> None:
        """Everything of a partition before this offset is counted. **Retry:** harmless."""
        with suppress(KafkaException):  # it has just been taken away
            self._consumer.store_offsets(offsets=[TopicPartition(self._url.topic, partition, offset)])

    def commit(self, partition: int, offset: int) -> None:
        """The same at once, of a group that has no members. Raises Away, RunError. **Retry:** harmless."""
        with self._asking():
            told = [TopicPartition(self._url.topic, partition, offset)]
            answer: Any = self._consumer.commit(offsets=told, asynchronous=False)
            list(_answered(answer))

    def first_from(self, partition: int, offset: int) -> int | None:
        """The offset of the first record at or behind this one; None where it doesn't come. Not for a member.

        Raises RunError.
        """
        self._consumer.assign([TopicPartition(self._url.topic, partition, offset)])
        try:
            until = time.monotonic() + ANSWER_S
            while time.monotonic() < until:
                for message in self.take(1, WAIT_S).messages:
                    found: int = message.offset()
                    return found
            return None
        finally:
            self._consumer.unassign()

    def close(self) -> None:
        """Leave the group; what was told is sent before, if the cluster can be reached. **Retry:** harmless."""
        leaving = threading.Thread(target=self._leave, name="kafka leaving", daemon=True)
        leaving.start()
        leaving.join(CLOSE_S)  # the client would wait for minutes for one that doesn't answer

    def _leave(self) -> None:
        """A member leaves before its client closes, in which librdkafka may wait for ever for the answer to what it takes
        away (librdkafka#4884), and the whole process with it. One with a name of its own (`group.instance.id`) stays, so
        that its next run goes on with the same partitions at once.
        """
        with suppress(KafkaException, RuntimeError):
            if self._joined and "group.instance.id" not in self._url.settings:
                self._consumer.unsubscribe()
                until = time.monotonic() + ANSWER_S
                while time.monotonic() < until and self._consumer.memberid():  # it is one until its offsets are sent
                    self._consumer.poll(WAIT_S)
        self._consumer.close()

    def _all(self, partitions: Iterable[int], offset: int = OFFSET_INVALID) -> list[TopicPartition]:
        return [TopicPartition(self._url.topic, partition, offset) for partition in partitions]

    def _offsets(self, partitions: Iterable[int], which: int) -> dict[int, int]:
        with self._asking():
            answer = self._consumer.offsets_for_times(self._all(partitions, which), timeout=ANSWER_S)
            return {at.partition: at.offset for at in _answered(answer)}

    def _note(self, error: KafkaError) -> None:
        """Called by the client, while it is asked for something."""
        if error.code() != KafkaError._ALL_BROKERS_DOWN:  # others say why
            self._said = error
        if error.fatal() or error.code() in _LASTING:
            self._failure = error

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise RunError(f"{self._line(self._failure)}; what was counted before holds")

    @contextmanager
    def _asking(self) -> Iterator[None]:
        self._said = None
        try:
            yield
        except KafkaException as e:
            if not self._joined:
                self._consumer.poll(0)  # what the client has to say of it; a member would be given a message
            error = e.args[0]
            if error.code() in _LASTING:
                raise RunError(self._line(error)) from e
            raise Away(self._line(error), settling=error.code() > 0 and error.code() not in _CURES) from e

    def _line(self, error: KafkaError) -> str:
        """What an error means for people."""
        if error.code() in _SILENT and self._said is not None:
            error = self._said
        cure = _CURES.get(error.code())
        said = _words(error)
        if cure:
            return f"{self._url}: {said}; {cure}"
        return (
            f"{self._url} is not ready ({said})"
            if error.code() > 0
            else f"{self._url} cannot be reached ({said}); {_SILENCE}"
        )


def _words(error: KafkaError) -> str:
    return _DETAILS.sub("", " ".join((error.str() or error.name()).split()))[:200].rstrip(".")


def _answered(partitions: Iterable[TopicPartition]) -> Iterator[TopicPartition]:
    for at in partitions:
        if at.error is not None:
            raise KafkaException(at.error)
        yield at

"""A real Kafka broker for tests: one process, broker and controller in one, with topics of one's own per test.

Without its jars, or Java, a test is skipped with a reason; where `CI` is set it fails instead.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from confluent_kafka import Consumer, TopicPartition

from pipeline.sources.kafka import group, topic
from tests.support.engines import Program, engine
from tests.support.missing import missing
from tests.support.ports import free_port

KAFKA = "kafka-3.9.1"
SMALL_JVM = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
LOGGED = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
START_LOGGED = "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info"
STARTED = b"Kafka Server started"
CLUSTER = "ZGF5Y291bnQtdGVzdHMtMQ"
START_TIMEOUT_S = 120.0
PATIENT_S = 60.0  # for an answer of a broker that shares its processor
POLL_S = 0.05
PROPERTIES = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "offsets.topic.num.partitions": "1",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "100",
}


class KafkaBroker:
    """A running broker at one address for all its lives. folder: what it keeps. properties: more of its own.

    guarded: a second port, by TLS and login, whose listener's name is `guarded`.
    """

    def __init__(self, folder: Path, properties: Mapping[str, str] | None = None, guarded: int | None = None) -> None:
        jars = engine(KAFKA)
        java = shutil.which("java") or missing("Java: install default-jre-headless")
        self._java = [java, *SMALL_JVM, LOGGED, START_LOGGED, "-cp", f"{jars}/*"]
        self._folder = folder
        self._lives = 0
        port, controller = free_port(), free_port()
        self.host = f"127.0.0.1:{port}"
        doors = [f"PLAINTEXT://{self.host}", f"CONTROLLER://127.0.0.1:{controller}"]
        every = {
            **PROPERTIES,
            "listeners": ",".join([*doors, *([f"GUARDED://127.0.0.1:{guarded}"] if guarded else [])]),
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,GUARDED:SASL_SSL",
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "log.dirs": str(folder / "data"),
            **(properties or {}),
        }
        self._config = folder / "server.properties"
        self._config.write_text("".join(f"{name}={value}\n" for name, value in every.items()))
        formatting = [*self._java, "kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", str(self._config)]
        subprocess.run(formatting, check=True, capture_output=True, timeout=START_TIMEOUT_S)
        self.start()

    def start(self) -> None:
        """With what it kept."""
        self._lives += 1
        log = self._folder / f"broker-{self._lives}.log"
        self._program = Program([*self._java, "kafka.Kafka", str(self._config)], log)
        until = time.monotonic() + START_TIMEOUT_S
        while STARTED not in log.read_bytes():
            if not self._program.runs() or time.monotonic() > until:
                self.stop()
                raise RuntimeError(f"Kafka did not start: {self._program.said()}")
            time.sleep(POLL_S)
        self._await_groups()

    def _await_groups(self) -> None:
        """The first question for a group has it make or load the topic of their offsets, for which runs wait for seconds."""
        asking = Consumer({"bootstrap.servers": self.host, "group.id": "nobody", "log_level": 0})
        try:
            asking.committed([TopicPartition("nothing", 0)], timeout=START_TIMEOUT_S)
        finally:
            asking.close()

    def stop(self) -> None:
        """-9; what it has written stays. **Retry:** harmless."""
        self._program.kill_all()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Answers nothing for as long as the block, and goes on then."""
        os.kill(self._program.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._program.pid, signal.SIGCONT)


@contextmanager
def running_kafka(properties: Mapping[str, str] | None = None, guarded: int | None = None) -> Iterator[KafkaBroker]:
    """A broker of one's own."""
    with TemporaryDirectory() as folder:
        broker = KafkaBroker(Path(folder), properties, guarded)
        try:
            yield broker
        finally:
            broker.stop()


@pytest.fixture(scope="module")
def kafka_broker() -> Iterator[KafkaBroker]:
    """One for all tests of a module."""
    with running_kafka() as broker:
        yield broker


@pytest.fixture
def patient_kafka(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sources wait for a broker that takes its time, for tests that are not about how soon it is told."""
    for module, name in ((group, "START_S"), (group, "ANSWER_S"), (topic, "START_S")):
        monkeypatch.setattr(module, name, PATIENT_S)
    monkeypatch.setattr(group.Group.committed, "__defaults__", (PATIENT_S,))

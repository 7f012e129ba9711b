"""A real Kafka broker for tests: one process, broker and controller in one, with topics of one's own per test.

Without its jars, or Java, a test is skipped with a reason; where `CI` is set it fails instead.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.support.missing import missing

VERSION = "3.9.1"
POM = "tests/support/kafka.pom.xml"
JARS = Path(os.environ.get("KAFKA_JARS", f"~/.cache/daycount-tests/kafka-{VERSION}")).expanduser()
JAVA = ("java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")
CLUSTER = "ZGF5Y291bnQtdGVzdHMtMQ"
START_TIMEOUT_S = 60.0
POLL_S = 0.05
STARTED = b"Kafka Server started"
LOGGED = "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info"
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
    "log.cleaner.enable": "false",
}


def kafka_is_here() -> bool:
    return shutil.which("java") is not None and any(JARS.glob("kafka_*.jar"))


class KafkaBroker:
    """A running broker at one address for all its lives. folder: what it keeps. properties: more of its own."""

    def __init__(self, folder: Path, properties: Mapping[str, str] | None = None) -> None:
        self._folder = folder
        port, controller = _free_port(), _free_port()
        self.host = f"127.0.0.1:{port}"
        every = {
            **PROPERTIES,
            "listeners": f"PLAINTEXT://{self.host},CONTROLLER://127.0.0.1:{controller}",
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "log.dirs": str(folder / "data"),
            **(properties or {}),
        }
        self._config = folder / "server.properties"
        self._config.write_text("".join(f"{name}={value}\n" for name, value in every.items()))
        self._log = folder / "broker.log"
        formatting = self._java("kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", str(self._config))
        subprocess.run(formatting, check=True, capture_output=True, timeout=START_TIMEOUT_S)
        self.start()

    @staticmethod
    def _java(*words: str) -> list[str]:
        return [*JAVA, "-cp", f"{JARS}/*", *words]

    def start(self) -> None:
        """With what it kept."""
        with self._log.open("wb") as log:
            words = [*JAVA, LOGGED, "-cp", f"{JARS}/*", "kafka.Kafka", str(self._config)]
            self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        until = time.monotonic() + START_TIMEOUT_S
        while STARTED not in self._log.read_bytes():
            if self._process.poll() is not None or time.monotonic() > until:
                self.stop()
                raise RuntimeError(f"Kafka did not start: {self._log.read_text()[-2000:]}")
            time.sleep(POLL_S)

    def stop(self) -> None:
        """-9; what it has written stays. **Retry:** harmless."""
        self._process.kill()
        self._process.wait()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Answers nothing for as long as the block, and goes on then."""
        os.kill(self._process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._process.pid, signal.SIGCONT)


@contextmanager
def running_kafka(properties: Mapping[str, str] | None = None) -> Iterator[KafkaBroker]:
    """A broker of one's own."""
    if not kafka_is_here():
        missing(f"Kafka: no java or no jars in {JARS}; mvn -q -B -f {POM} dependency:copy-dependencies")
    with TemporaryDirectory() as folder:
        broker = KafkaBroker(Path(folder), properties)
        try:
            yield broker
        finally:
            broker.stop()


@pytest.fixture(scope="module")
def kafka_broker() -> Iterator[KafkaBroker]:
    """One for all tests of a module."""
    with running_kafka() as broker:
        yield broker


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port

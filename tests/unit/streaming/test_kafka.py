"""A Kafka topic on an engine: what Java is told, what rows become, and that Beam's own service expands it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from pipeline.model.errors import UsageError
from pipeline.model.limits import EVENT_BYTES_MAX
from pipeline.sources.kafka.group import Away, Group
from pipeline.sources.kafka.url import KafkaUrl
from pipeline.streaming.kafka import GatherRecords, check, java_settings, take_records
from pipeline.streaming.kafka_offsets import TellOffsets
from pipeline.streaming.taken import Taken
from tests.support.kafka_broker import KafkaBroker, kafka_broker, patient_kafka
from tests.support.kafka_feed import KafkaFeed
from tests.support.kafka_source import kafka_source
from tests.support.kept_state import KeptBag, KeptTimer, KeptValue

__all__ = ["kafka_broker", "patient_kafka"]

pytestmark = pytest.mark.usefixtures("patient_kafka")

URN = "beam:transform:org.apache.beam:kafka_read_with_metadata:v1"


def settings(url: str) -> dict[str, str]:
    return java_settings(KafkaUrl.parse(url))


def test_java_reads_on_where_the_group_stands_and_tells_nothing_by_itself() -> None:
    assert settings("kafka://a:1,b:2/t?group=g&fetch.wait.max.ms=50") == {
        "bootstrap.servers": "a:1,b:2",
        "group.id": "g",
        "auto.offset.reset": "earliest",
        "enable.auto.commit": "false",
        "isolation.level": "read_committed",
        "fetch.max.wait.ms": "50",
    }


def test_a_login_and_authorities_are_said_as_java_wants_them() -> None:
    told = settings('kafka://me:a"b\\c@h:1/t?ssl.ca.location=/ca.pem&ssl.endpoint.identification.algorithm=none')
    assert told["security.protocol"] == "SASL_SSL"
    assert told["sasl.jaas.config"] == (
        'org.apache.kafka.common.security.plain.PlainLoginModule required username="me" password="a\\"b\\\\c";'
    )
    assert (told["ssl.truststore.type"], told["ssl.truststore.location"]) == ("PEM", "/ca.pem")
    assert told["ssl.endpoint.identification.algorithm"] == ""
    assert not [name for name in told if name in ("sasl.username", "sasl.password", "ssl.ca.location")]
    assert "scram.ScramLoginModule" in settings("kafka://u:p@h:1/t?sasl.mechanism=SCRAM-SHA-256")["sasl.jaas.config"]


def test_what_java_can_not_be_told_is_refused() -> None:
    with pytest.raises(UsageError, match=r"ssl\.key\.location can't be given to an engine"):
        settings("kafka://h:1/t?ssl.key.location=k.pem")


def row(offset: int, value: bytes | None, *headers: tuple[str, bytes | None], partition: int = 0) -> Any:
    named = [SimpleNamespace(key=key, value=value) for key, value in headers]
    return SimpleNamespace(topic="t", partition=partition, offset=offset, value=value, headers=named)


def gathered(rows: Sequence[Any]) -> list[Taken]:
    """What becomes of a bundle."""
    step = GatherRecords(7, "t")
    step.start_bundle()
    at_once = [element for row in rows for element in step.process(row)]
    return [Taken.from_bytes(element) for element in [*at_once, *(w.value for w in step.finish_bundle())]]


def test_a_bundles_rows_become_blocks_by_account_that_know_their_offsets() -> None:
    acme = ("account", b"acme")
    found = gathered([row(4, b"1", acme), row(5, b"2"), row(6, None, acme), row(9, b"4", acme, partition=1)])
    assert {taken.block.account: taken.block.data for taken in found} == {"acme": b"1\n\n4\n", None: b"2\n"}
    places = {taken.block.account: taken.block.places for taken in found}
    assert places == {"acme": ["t/0@4", "t/0@6", "t/1@9"], None: ["t/0@5"]}
    assert {taken.block.account: taken.receipt for taken in found} == {
        "acme": (7, ["0:4-5,6-7", "1:9-10"]),
        None: (7, ["0:5-6"]),
    }


def test_a_bundle_of_much_is_cut_and_a_record_far_too_large_is_cut_short() -> None:
    found = gathered([row(n, b"1" * (8 * EVENT_BYTES_MAX)) for n in range(9)])
    assert len(found) > 1
    assert all(len(line) == 4 * EVENT_BYTES_MAX for taken in found for line in (taken.block.data or b"").split())


def test_a_topic_that_is_not_there_is_refused(kafka_broker: KafkaBroker) -> None:
    with pytest.raises(UsageError, match="create it, or correct the name"):
        check(f"kafka://{kafka_broker.host}/absent")


@pytest.fixture
def feed(kafka_broker: KafkaBroker) -> Iterator[KafkaFeed]:
    feed = KafkaFeed(kafka_broker.host, partitions=2)
    yield feed
    feed.close()


class Ledger:
    """`TellOffsets` for one partition, on an engine that has lost nothing yet."""

    def __init__(self, feed: KafkaFeed) -> None:
        self.now = 0.0
        self.step = TellOffsets([feed.url], clock=lambda: self.now)
        self.step.setup()
        self.runs, self.done, self.timer = KeptBag(), KeptValue(), KeptTimer()

    def tell(self, text: str) -> None:
        self.step.process(((0, 1), text), self.runs, self.done, self.timer)

    def pass_time(self) -> None:
        """Until the timer is due."""
        assert self.timer.at is not None, "it waits for nothing"
        self.now = float(self.timer.at)
        self.timer.clear()
        self.step.tell_again((0, 1), self.runs, self.done, self.timer)


@pytest.fixture
def ledger(feed: KafkaFeed) -> Iterator[Ledger]:
    ledger = Ledger(feed)
    yield ledger
    ledger.step.teardown()


def test_a_group_is_told_up_to_what_is_not_counted_and_goes_on_after_a_loss_of_state(
    feed: KafkaFeed, ledger: Ledger
) -> None:
    feed.produce([b"x"] * 10, partition=1)
    ledger.tell("3-5")
    assert feed.committed() == [-1001, 0]
    ledger.tell("0-3")
    assert feed.committed() == [-1001, 5]
    ledger.done, ledger.runs = KeptValue(), KeptBag()
    ledger.tell("7-8")
    ledger.tell("5-7")
    assert feed.committed() == [-1001, 8]


def test_offsets_that_are_missing_are_passed_once_kafka_says_so(feed: KafkaFeed, ledger: Ledger) -> None:
    feed.produce([b"x"] * 3, partition=1)
    feed.transact([b"y"] * 2, partition=1)  # offsets 3 and 4, and the end of the transaction is 5
    feed.produce([b"z"] * 2, partition=1)
    ledger.tell("0-5")
    ledger.tell("6-8")
    assert feed.committed()[1] == 5
    ledger.pass_time()
    assert feed.committed()[1] == 8
    assert ledger.timer.at is None


def test_what_is_in_work_is_not_passed_however_long_it_takes_and_that_is_said(
    feed: KafkaFeed, ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    feed.produce([b"x"] * 9, partition=1)
    ledger.tell("0-5")
    ledger.tell("6-8")
    while ledger.now < 30:
        ledger.pass_time()
    assert not caplog.messages
    while ledger.now < 120:
        ledger.pass_time()
    assert feed.committed()[1] == 5
    assert f"{feed.url}: partition 1 has been told up to offset 5 only" in caplog.messages[0]
    ledger.tell("5-6")
    assert feed.committed()[1] == 8
    assert ledger.runs.read() == []


def test_what_could_not_be_told_is_told_later_though_nothing_more_comes(
    feed: KafkaFeed, ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    feed.produce([b"x"] * 9, partition=1)
    ledger.tell("0-2")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Group, "commit", away)
        ledger.tell("2-5")
        ledger.pass_time()
    assert feed.committed()[1] == 2
    assert "offsets are not told, records may come again: it is away" in caplog.messages
    ledger.pass_time()
    assert feed.committed()[1] == 5
    assert ledger.timer.at is None


def away(*_: object) -> None:
    raise Away("it is away")


def test_beams_own_service_expands_it_with_the_place_of_each_record(feed: KafkaFeed, tmp_path: Path) -> None:
    with kafka_source(tmp_path) as options:
        root = beam.Pipeline(options=PipelineOptions([*options, "--environment_type=LOOPBACK"]))
        take_records(root, 0, feed.url)
        expanded = root.to_runner_api().components
    names = {transform.unique_name for transform in expanded.transforms.values()}
    assert any("Gather records of input 0" in name for name in names)
    assert any(
        name.startswith(f"Read records of input 0({URN})") or "KafkaIO.ReadSourceDescriptors" in name for name in names
    )
    required = [pardo for pardo in expanded.environments.values() if pardo.urn == "beam:env:process:v1"]
    assert len(required) == 1
    assert "stable_input" not in str(root.to_runner_api().requirements)

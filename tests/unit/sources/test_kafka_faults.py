"""Kafka gone, silent, back, without the topic, or refusing the login: waited out, or one clear line in time."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient

from pipeline.model.errors import RunError, UsageError
from pipeline.sources.kafka import KafkaTopic
from pipeline.sources.kafka.group import Away, Group
from pipeline.sources.outage import OUTAGE_MAX_S
from tests.contract.source_contract import QUIET_S, A, B, C, Reader, reading, records_of
from tests.support.kafka_broker import KafkaBroker, kafka_broker, running_kafka
from tests.support.kafka_feed import CALL_S, KafkaFeed
from tests.support.outages import Babbler
from tests.support.own_time import OwnTime
from tests.support.ports import free_port

__all__ = ["kafka_broker"]

WITHIN_S = 10.0  # a mistake is told


@pytest.fixture
def feed(kafka_broker: KafkaBroker) -> Iterator[KafkaFeed]:
    with closing(KafkaFeed(kafka_broker.host)) as feed:
        yield feed


def await_trouble(reader: Reader, said: str = "") -> str:
    """What it waits for, once it says so, in these words too."""
    found = ""

    def told() -> bool:
        nonlocal found
        found = reader.source.trouble or ""
        return bool(found) and said in found

    reader.wait_until(told)
    return found


def refused_in_time(url: str) -> str:
    own = OwnTime()
    with pytest.raises(UsageError) as refused:
        KafkaTopic(url)
    assert own.seconds() < WITHIN_S and "\n" not in str(refused.value)
    return str(refused.value)


def test_an_outage_is_waited_out_and_nothing_is_lost(kafka_broker: KafkaBroker, feed: KafkaFeed) -> None:
    feed.send(A, B)
    with reading(feed) as reader:
        reader.take(2)
        kafka_broker.stop()
        assert f"waiting for the input: topic {feed.topic} of Kafka at 127.0.0.1" in await_trouble(reader)
        reader.acknowledge()
        kafka_broker.start()
        feed.send(C)
        came = records_of(reader.take(1))
        while C not in came:  # a session that was over has the others come again
            came += records_of(reader.take(1))
        assert set(came) <= {A, B, C}
        reader.take_within(QUIET_S)
        assert reader.source.trouble is None
        reader.acknowledge()
    assert feed.is_counted()


def test_a_broker_that_answers_nothing_is_waited_for_and_does_not_hold_up_the_end(
    kafka_broker: KafkaBroker, feed: KafkaFeed
) -> None:
    feed.send(A)
    source = feed.open()
    reader = Reader(source)
    reader.take(1)
    with kafka_broker.paused():
        await_trouble(reader)
        own = OwnTime()
        source.close()
        assert own.seconds() < WITHIN_S
    with reading(feed) as reader:
        assert records_of(reader.take(1)) == {A: 1}


def test_a_run_that_takes_what_there_is_does_not_wait_for_ever(kafka_broker: KafkaBroker, feed: KafkaFeed) -> None:
    feed.send(A)
    times = itertools.count(step=0.2)  # hastier than the real ones
    with closing(feed.open(follow=False, clock=lambda: next(times))) as source:
        kafka_broker.stop()
        try:
            with pytest.raises(RunError, match="what stood before is counted, run it again"):
                list(source.blocks())
        finally:
            kafka_broker.start()
    assert next(times) >= OUTAGE_MAX_S


def test_a_topic_deleted_meanwhile_is_waited_for_and_said_so(feed: KafkaFeed) -> None:
    feed.send(A, A)
    with reading(feed) as reader:
        reader.take(2)
        feed.drop()
        said = await_trouble(reader, "Unknown")  # the broker says it, or the client; at first it may be another thing
    assert said.endswith("create it, or correct the name")


@pytest.mark.parametrize("dropped", [False, True])
@pytest.mark.parametrize("option, members", [("", 0), ("&group.instance.id=one", 1)])
def test_who_ends_leaves_the_group_at_once_but_for_one_with_a_name_of_its_own(
    kafka_broker: KafkaBroker, dropped: bool, option: str, members: int
) -> None:
    group = f"leaves-{members}-{dropped}"
    with closing(KafkaFeed(kafka_broker.host, options=f"group={group}{option}")) as feed:
        feed.send(A)
        with reading(feed) as reader:
            reader.take(1)
            reader.acknowledge()
            assert feed.members(group) == 1
            if dropped:
                feed.drop()
        assert feed.members(group) == members


def test_a_topic_that_is_not_there_is_refused_and_not_made(kafka_broker: KafkaBroker) -> None:
    url = f"kafka://{kafka_broker.host}/absent"
    for _ in range(2):
        assert "Unknown topic or partition; create it, or correct the name" in refused_in_time(url)


def test_a_cluster_that_takes_its_time_over_its_first_group_is_waited_for(
    feed: KafkaFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    committed, slow = Group.committed, [Away("no answer")]

    def first_slow(self: Group, *given: Any) -> dict[int, int]:
        if slow:
            raise slow.pop()
        return committed(self, *given)

    monkeypatch.setattr(Group, "committed", first_slow)
    feed.send(A)
    with reading(feed) as reader:
        assert records_of(reader.take(1)) == {A: 1} and not slow


def test_a_server_that_is_not_there_is_told_in_time() -> None:
    said = refused_in_time(f"kafka://user:secret@127.0.0.1:{free_port()}/t")
    assert "cannot be reached" in said and "start it, or correct the URL" in said and "secret" not in said


def test_a_host_without_an_address_is_told_in_time() -> None:
    assert "correct the host's name" in refused_in_time("kafka://nowhere.invalid:9092/t")


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", bytes(range(256)), b"\x00\x00\x00\x04\x00\x00\x00\x01"]
)
def test_something_else_that_listens_there_is_told_in_time(answer: bytes) -> None:
    babbler = Babbler(answer)
    try:
        assert f"127.0.0.1:{babbler.port}" in refused_in_time(f"kafka://127.0.0.1:{babbler.port}/t")
    finally:
        babbler.stop()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A broker with a second door, by TLS and login: (its address, the file of who vouches for it)."""
    folder = tmp_path_factory.mktemp("tls")
    port = free_port()
    store = ("-keystore", str(folder / "server.p12"), "-storepass", "changeit")
    made = ("-alias", "server", "-keyalg", "EC", "-dname", "CN=localhost", "-ext", "SAN=IP:127.0.0.1", "-validity", "9")
    subprocess.run(["keytool", "-genkeypair", *store, *made], check=True, capture_output=True, timeout=60)
    shown = subprocess.run(
        ["keytool", "-exportcert", "-rfc", "-alias", "server", *store], check=True, capture_output=True, timeout=60
    )
    (folder / "ca.pem").write_bytes(shown.stdout)
    plain = 'org.apache.kafka.common.security.plain.PlainLoginModule required user_me="right";'
    with (
        running_kafka(
            {
                "ssl.keystore.location": str(folder / "server.p12"),
                "ssl.keystore.password": "changeit",
                "sasl.enabled.mechanisms": "PLAIN",
                "listener.name.guarded.plain.sasl.jaas.config": plain,
            },
            guarded=port,
        ) as broker,
        closing(KafkaFeed(broker.host)) as feed,
    ):
        feed.send(A)
        knock(f"127.0.0.1:{port}", folder / "ca.pem")
        yield f"127.0.0.1:{port}/{feed.topic}", folder / "ca.pem"


def knock(host: str, authorities: Path) -> None:
    """Through the door once: the first to come waits until the broker has loaded what it needs for TLS."""
    login = {"security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN", "sasl.username": "me", "sasl.password": "right"}
    told = {"bootstrap.servers": host, **login, "ssl.ca.location": str(authorities), "log_level": 0}
    AdminClient(told).list_topics(timeout=CALL_S)


def test_a_login_over_tls_reads(guarded: tuple[str, Path]) -> None:
    place, authorities = guarded
    with closing(KafkaTopic(f"kafka://me:right@{place}?ssl.ca.location={authorities}")) as source:
        assert records_of(Reader(source).take(1)) == {A: 1}


@pytest.mark.parametrize(
    ("login", "settings", "says"),
    [
        ("me:wrong", "ssl.ca.location={}", "correct the login"),
        ("me:right", "", "certificate"),
        ("me:right", "security.protocol=sasl_plaintext", "cannot be reached"),
    ],
)
def test_a_login_or_a_connection_that_is_refused_is_told_without_the_password(
    guarded: tuple[str, Path], login: str, settings: str, says: str
) -> None:
    place, authorities = guarded
    said = refused_in_time(f"kafka://{login}@{place}?{settings.format(authorities)}")
    assert says in said and "right" not in said.replace("rights", "") and "wrong" not in said

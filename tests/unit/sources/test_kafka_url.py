"""What a Kafka URL says, and what it may not set."""

from __future__ import annotations

import pytest

from pipeline.model.errors import UsageError
from pipeline.sources.kafka.group import Group
from pipeline.sources.kafka.url import ALLOWED, KafkaUrl


def test_a_plain_url_names_server_and_topic_and_the_group_has_a_default() -> None:
    url = KafkaUrl.parse("kafka://localhost:9092/events")
    assert (url.servers, url.topic, url.group, url.settings) == ("localhost:9092", "events", "daycount", {})
    assert str(url) == "topic events of Kafka at localhost:9092"


def test_several_servers_and_settings_of_the_client_are_taken_over() -> None:
    url = KafkaUrl.parse("kafka://a:9092,b.example:9093,[::1]:9094/web.events-1?group=g&client.rack=r%201")
    assert url.servers == "a:9092,b.example:9093,[::1]:9094"
    assert (url.topic, url.group, url.settings) == ("web.events-1", "g", {"client.rack": "r 1"})


def test_a_login_goes_over_tls_unless_said_otherwise_and_is_never_shown() -> None:
    url = KafkaUrl.parse("kafka://me:p%40ss:w@h:1/t?sasl.mechanism=SCRAM-SHA-512")
    assert url.settings == {
        "security.protocol": "sasl_ssl",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "me",
        "sasl.password": "p@ss:w",
    }
    assert "p@ss" not in f"{url} {url!r}"
    open_one = KafkaUrl.parse("kafka://me:secret@h:1/t?security.protocol=sasl_plaintext")
    assert open_one.settings["security.protocol"] == "sasl_plaintext"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("kafka://", "write kafka://HOST:PORT/TOPIC"),
        ("kafka://h:1", "write kafka://HOST:PORT/TOPIC"),
        ("kafka://h:1/", "write kafka://HOST:PORT/TOPIC"),
        ("kafka://h/t", "h is no HOST:PORT"),
        ("kafka://h:x/t", "h:x is no HOST:PORT"),
        ("kafka://a:1,/t", "a comma is no HOST:PORT"),
        ("kafka://h:1/t/u", "the URL is wrong"),
        ("kafka://h:1/^t", "letters, digits"),
        ("kafka://h:1/..", "letters, digits"),
        ("kafka://h:1/" + "t" * 250, "letters, digits"),
        ("kafka://h:1/t?group=", "group= says nothing"),
        ("kafka://h:1/t?group=a&group=b", "said once"),
        ("kafka://h:1/t?sasl.password=secret", "write the login as kafka://USER:PASSWORD@"),
        ("kafka://secret@h:1/t", "write the login as kafka://USER:PASSWORD@"),
        ("kafka://:secret@h:1/t", "write the login as kafka://USER:PASSWORD@"),
        ("kafka://h:1/t?enable.auto.commit=true", "enable.auto.commit can't be set"),
        ("kafka://h:1/t?auto.offset.reset=latest", "auto.offset.reset can't be set"),
        ("kafka://h:1/t?plugin.library.paths=x.so", "plugin.library.paths can't be set"),
        ("kafka://h:1/t?bootstrap.servers=x:1", "bootstrap.servers can't be set"),
    ],
)
def test_what_is_wrong_is_told_with_the_cure_and_without_a_password(url: str, says: str) -> None:
    with pytest.raises(UsageError) as refused:
        KafkaUrl.parse(url)
    assert says in str(refused.value) and "secret" not in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("security.protocol=x", 'Invalid value "x" for configuration property "security.protocol"'),
        ("session.timeout.ms=soon", "session.timeout.ms"),
        ("security.protocol=ssl&ssl.ca.location=/nowhere/ca.pem", "ssl.ca.location failed"),
    ],
)
def test_a_setting_that_the_client_refuses_is_told_in_one_line(setting: str, says: str) -> None:
    with pytest.raises(UsageError, match="correct the URL") as refused:
        Group(KafkaUrl.parse(f"kafka://user:secret@h:1/t?{setting}"))
    assert says in str(refused.value) and "secret" not in str(refused.value)


def test_every_allowed_setting_is_one_that_the_client_knows() -> None:
    for name in ALLOWED:
        try:
            Group(KafkaUrl.parse(f"kafka://h:1/t?{name}=1")).close()
        except UsageError as refused:
            assert "No such configuration property" not in str(refused)

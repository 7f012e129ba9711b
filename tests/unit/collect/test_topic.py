"""The topic on Google's own Pub/Sub emulator: a message per record, and errors that name the topic."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient

from pipeline.collect.hand_over import HandOverError, open_place
from pipeline.collect.records import Batch
from pipeline.collect.to_topic import Topic
from pipeline.model.errors import UsageError
from tests.support.pubsub_emulator import PubSubEmulator, pubsub_emulator, pubsub_host

__all__ = ["pubsub_emulator", "pubsub_host"]

PROJECT = "test-project"
_numbers = itertools.count()


@pytest.fixture
def topic(pubsub_host: str) -> Iterator[str]:
    """The name of a topic with one subscription of the same name."""
    name = f"events-{next(_numbers)}"
    path = f"projects/{PROJECT}/topics/{name}"
    publisher = PublisherClient()
    publisher.create_topic(request={"name": path})
    with SubscriberClient() as subscriber:
        subscriber.create_subscription(request={"name": f"projects/{PROJECT}/subscriptions/{name}", "topic": path})
    yield name
    publisher.stop()


def received(name: str, count: int) -> list[tuple[bytes, dict[str, str]]]:
    """So many messages, in any order."""
    found: list[tuple[bytes, dict[str, str]]] = []
    with SubscriberClient() as subscriber:
        while len(found) < count:
            request = {"subscription": f"projects/{PROJECT}/subscriptions/{name}", "max_messages": 1000}
            messages = subscriber.pull(request=request, timeout=30).received_messages
            subscriber.acknowledge(
                request={"subscription": request["subscription"], "ack_ids": [m.ack_id for m in messages]}
            )
            found += [(m.message.data, dict(m.message.attributes)) for m in messages]
    return sorted(found)


def test_a_record_is_a_message_with_its_bytes_and_account(topic: str):
    place = open_place(f"pubsub://{PROJECT}/{topic}")
    many = [b"%06d" % n for n in range(1500)]
    place.hand_over([Batch("acme", many), Batch("zeta", [b'{"a":"\xff"}'])])
    found = received(topic, 1501)
    assert found == [*((record, {"account": "acme"}) for record in many), (b'{"a":"\xff"}', {"account": "zeta"})]
    place.close()


def test_a_topic_that_is_not_there_is_refused(pubsub_host: str):
    with pytest.raises(UsageError, match=f"projects/{PROJECT}/topics/absent; create it"):
        open_place(f"pubsub://{PROJECT}/absent")


def test_a_service_that_can_not_be_reached_is_refused_and_a_hand_over_to_it_fails(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", "127.0.0.1:1")
    with pytest.raises(UsageError, match=f"projects/{PROJECT}/topics/events can't be reached"):
        open_place(f"pubsub://{PROJECT}/events")
    publisher = PublisherClient()
    place = Topic(publisher, f"projects/{PROJECT}/topics/events", timeout_s=0.5)
    with pytest.raises(HandOverError, match="does not take messages"):
        place.hand_over([Batch("acme", [b"{}"] * 10)])
    place.close()


def test_an_emulator_that_has_lost_the_topic_takes_nothing_until_it_is_there_again(
    topic: str, pubsub_emulator: PubSubEmulator
):
    path = f"projects/{PROJECT}/topics/{topic}"
    place = open_place(f"pubsub://{PROJECT}/{topic}")
    publisher = PublisherClient()
    publisher.delete_topic(request={"topic": path})
    with pytest.raises(HandOverError, match=path):
        place.hand_over([Batch("acme", [b"{}"])])
    publisher.create_topic(request={"name": path})
    place.hand_over([Batch("acme", [b"{}"])])
    publisher.stop()
    place.close()


@pytest.mark.parametrize("url", ["pubsub://", "pubsub://project", "pubsub:///topic", "pubsub://p/t/more"])
def test_a_wrong_url_is_refused(url: str):
    with pytest.raises(UsageError, match=r"pubsub://PROJECT/TOPIC"):
        open_place(url)

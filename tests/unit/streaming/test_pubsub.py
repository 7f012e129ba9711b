"""A subscription's pullers and acknowledger on an engine, on Google's own emulator: leases are given on, nothing is lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from apache_beam.io.gcp.pubsub import PubsubMessage
from google.pubsub_v1.types import pubsub

from pipeline.model.limits import EVENT_BYTES_MAX
from pipeline.sources.pubsub.message import Message, blocks_of
from pipeline.streaming import pubsub as subscriptions
from pipeline.streaming.pubsub import GatherMessages, MessageAcknowledger, Puller, check
from pipeline.streaming.taken import Taken
from tests.support.pubsub_emulator import PubSubEmulator, pubsub_emulator, pubsub_host
from tests.support.pubsub_feed import PubSubFeed

__all__ = ["pubsub_emulator", "pubsub_host"]

PATIENCE_S = 120.0
LEASE_S = 10  # the least that a subscription may have
LONG_S = 600  # no test waits for it
SOON_S = 0.5


@pytest.fixture
def feed(pubsub_host: str) -> Iterator[PubSubFeed]:
    with closing(PubSubFeed(pubsub_host, ack_deadline_s=LEASE_S)) as feed:
        yield feed


@pytest.fixture
def acknowledger(feed: PubSubFeed) -> Iterator[MessageAcknowledger]:
    with closing(MessageAcknowledger(feed.url)) as acknowledger:
        yield acknowledger


def ids_taken(puller: Puller, messages: int) -> list[str]:
    """What to acknowledge of so many messages more."""
    found, until = list[Taken](), time.monotonic() + PATIENCE_S
    while sum(len(taken.receipt.ids) for taken in found) < messages:
        found += puller.take()[0]
        assert time.monotonic() < until
    return [one for taken in found for one in taken.receipt.ids]


def stop(puller: Puller) -> None:
    """As if its process had been killed: nothing is given back."""
    puller._pulling.stop()
    puller._calls.close()


def test_what_was_handed_on_and_is_not_acknowledged_comes_again_when_its_lease_is_over(
    feed: PubSubFeed, acknowledger: MessageAcknowledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriptions, "LEASE_S", LEASE_S)
    feed.send(b"1", b"2", b"3")
    puller = Puller(feed.url, 0, 0)
    ids = ids_taken(puller, 3)
    assert puller._leases.count == 0, "it holds nothing of what others see to"
    stop(puller)
    assert acknowledger.acknowledge(ids[:2]) is None
    assert acknowledger.acknowledge(ids[:2]) is None, "a second time is harmless"
    again, until = set[str](), time.monotonic() + PATIENCE_S
    while not again:  # a pull that was called off may be given it first, for as long as the subscription has it
        again = {message.message_id for message in feed.pull(LEASE_S)}
        assert time.monotonic() < until
    assert len(again) == 1


def test_a_service_that_is_away_is_told_and_fails_nothing(
    feed: PubSubFeed, acknowledger: MessageAcknowledger, pubsub_emulator: PubSubEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriptions, "CALL_S", SOON_S)
    feed.send(b"1")
    puller = Puller(feed.url, 0, 0)
    ids = ids_taken(puller, 1)
    stop(puller)
    with pubsub_emulator.paused():
        assert f"--input {feed.url}: " in (acknowledger.acknowledge(ids) or "")
    until = time.monotonic() + PATIENCE_S
    while acknowledger.acknowledge(ids) is not None:
        assert time.monotonic() < until


def test_a_part_that_is_refused_keeps_no_other_from_being_acknowledged(
    feed: PubSubFeed, acknowledger: MessageAcknowledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriptions, "LEASE_S", LEASE_S)
    monkeypatch.setattr(subscriptions, "in_requests", lambda ids: [slice(n, n + 1) for n in range(len(ids))])
    feed.send(b"1", b"2", b"3")
    puller = Puller(feed.url, 0, 0)
    ids = ids_taken(puller, 3)
    stop(puller)
    assert f"--input {feed.url}: " in (acknowledger.acknowledge([ids[0], "of nobody", *ids[1:]]) or "")
    assert feed.pull(2 * LEASE_S) == []


def test_a_look_at_a_subscription_gives_back_what_it_was_given(pubsub_host: str) -> None:
    with closing(PubSubFeed(pubsub_host, ack_deadline_s=LONG_S)) as feed:
        feed.send(b"1")
        for _ in range(3):
            check(feed.url)
        assert len(feed.pull(PATIENCE_S)) == 1


def test_what_dataflows_own_source_gives_is_known_as_what_is_pulled_and_nobody_acknowledges_it() -> None:
    sent = [
        pubsub.PubsubMessage.pb()(data=data, message_id=str(n), attributes=attributes)
        for n, (data, attributes) in enumerate(
            [(b"1", {"account": "acme"}), (b"2", {}), (b"", {"account": ""}), (b"4" * (8 * EVENT_BYTES_MAX), {"other": "x"})]
        )
    ]
    step = GatherMessages(7, "events")
    step.start_bundle()
    at_once = [one for m in sent for one in step.process(PubsubMessage._from_proto_str(m.SerializeToString()))]
    found = [Taken.from_bytes(one) for one in [*at_once, *(one.value for one in step.finish_bundle())]]
    assert [taken.receipt for taken in found] == [(7, [])] * len(found)
    received = [pubsub.ReceivedMessage.pb()(ack_id="a", message=message) for message in sent]
    pulled = [block for block, _ in blocks_of([Message.of(one) for one in received], "events")]
    assert [(t.block.account, t.block.places, t.block.data) for t in found] == [
        (block.account, block.places, block.data) for block in pulled
    ]
    assert {taken.block.account for taken in found} == {"acme", None}

"""A Pub/Sub subscription beyond the contract: leases, bounds, outages, refusals, on Google's own emulator."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pipeline.model.errors import RunError, UsageError
from pipeline.sources.pubsub import PubSubSubscription, pulling
from pipeline.sources.pubsub.leases import FIRST_LEASE_S, LEASE_S, Leases
from pipeline.sources.pubsub.message import Message
from pipeline.sources.pubsub.pulling import PULLS
from tests.contract.source_contract import PATIENCE_S, A, B, C, Reader, reading, records_of
from tests.support.own_time import OwnTime
from tests.support.pubsub_emulator import PubSubEmulator, pubsub_emulator, pubsub_host
from tests.support.pubsub_feed import PROJECT, PubSubFeed

__all__ = ["pubsub_emulator", "pubsub_host"]

WITHIN_S = 10.0  # a mistake is told
LONG_S = 600  # an ack deadline that no test waits for
EMULATOR_ANSWER = 100  # messages at most


@pytest.fixture
def feed(pubsub_host: str) -> Iterator[PubSubFeed]:
    with closing(PubSubFeed(pubsub_host, ack_deadline_s=LONG_S)) as feed:
        yield feed


def short(host: str, ack_deadline_s: int) -> Any:
    return closing(PubSubFeed(host, ack_deadline_s=ack_deadline_s))


def ack_ids(reader: Reader) -> list[str]:
    """Of what is in work: a message that has come again has a new one."""
    return [held.ack_id for held in reader.source._leases._held.values()]


def await_trouble(reader: Reader) -> str:
    until = time.monotonic() + PATIENCE_S
    while reader.source.trouble is None:
        reader.take_within(0.05)
        assert time.monotonic() < until
    return reader.source.trouble


# What is in work.


def test_a_record_is_known_by_its_message_in_every_subscription(feed: PubSubFeed) -> None:
    other = feed.subscribe(f"{feed.topic.rpartition('/')[2]}-other")
    feed.send(A, B)
    expected = {(A, f"pubsub@{feed.ids[0]}"), (B, f"pubsub@{feed.ids[1]}")}
    for url in (feed.url, other):
        with closing(PubSubSubscription(url, follow=True)) as source:
            assert {(record, place) for record, _, place in Reader(source).take(2)} == expected


def test_leases_are_kept_up_while_a_chunk_is_in_work(pubsub_host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulling, "KEEP_UP_S", 0.2)
    with short(pubsub_host, 8) as feed:
        feed.send(A)
        # A clock four times as fast: leases are renewed within a second, long before the eight seconds are over.
        with closing(feed.open(clock=lambda: 4 * time.monotonic())) as source:
            reader = Reader(source)
            reader.take(1)
            taken = ack_ids(reader)
            assert feed.pull(11) == []
            assert ack_ids(reader) == taken  # nor has it come again to the run itself
            reader.acknowledge()
        assert feed.pull(1) == []


def test_leases_are_kept_up_from_the_first_look_on(pubsub_host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulling, "KEEP_UP_S", 0.2)
    with short(pubsub_host, 8) as feed:
        feed.send(A)
        with closing(feed.open(clock=lambda: 4 * time.monotonic())):  # as above; nobody has asked it for blocks yet
            assert feed.pull(11) == []


def test_a_message_that_comes_again_while_it_is_in_work_is_not_taken_twice_and_can_be_acknowledged(
    pubsub_host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulling, "KEEP_UP_S", LONG_S)  # its lease lapses
    with short(pubsub_host, 3) as feed, reading(feed) as reader:
        feed.send(A)
        reader.take(1)
        taken = ack_ids(reader)
        reader.wait_until(lambda: ack_ids(reader) != taken)
        reader.acknowledge()
        assert reader.take_within(4.5) == []


def test_what_is_in_work_is_given_back_at_once_at_the_end(feed: PubSubFeed) -> None:
    feed.send(A, B, account="acme")
    feed.send(C, account="shop")
    with closing(feed.open(held_max=3)) as source:  # no pull is called off: the emulator would give it what is given back
        reader = Reader(source)
        reader.take(3)
        source._pulling.stop()  # nor does one begin once there is room
        reader.acknowledge(C)
    back = list[bytes]()
    while len(back) < 2:  # one answer need not hold both
        came = [message.data for message in feed.pull(PATIENCE_S)]
        assert came, f"only {back} was given back"
        back += came
    assert sorted(back) == [A, B]


def test_no_more_is_taken_than_may_be_held(feed: PubSubFeed) -> None:
    sent = [b"%d" % n for n in range(1200)]
    feed.send(*sent)
    with closing(feed.open(held_max=200)) as source:
        reader, came = Reader(source), list[Any]()
        came += reader.take(200)
        came += reader.take_within(1.5)
        assert 200 <= len(came) <= 200 + PULLS * EMULATOR_ANSWER
        while len(came) < len(sent):
            reader.acknowledge()
            came += reader.take(1)
        assert sorted(record for record, _, _ in came) == sorted(sent)
        reader.acknowledge()


def test_messages_with_ordering_keys_come_all_without_follow_too(pubsub_host: str) -> None:
    with closing(PubSubFeed(pubsub_host, LONG_S, enable_message_ordering=True)) as feed:
        sent = [b"%d" % n for n in range(300)]
        feed.publish(sent, {}, ordering_key="one")
        with closing(feed.open(follow=False, quiet_s=5.0)) as source:
            found = []
            for block in source.blocks():
                if block is not None:
                    found += block.read().split()
                    source.acknowledge([block])
            assert sorted(found) == sorted(sent)


def test_what_a_pull_brings_while_it_is_looked_for_more_is_no_end(feed: PubSubFeed) -> None:
    with closing(feed.open(follow=False, quiet_s=0.0)) as source:
        to_send = [A]

        def look() -> bool:
            """Nothing at once; what was sent a moment later goes to a pull that is under way."""
            if to_send:
                feed.send(to_send.pop())
                until = time.monotonic() + PATIENCE_S
                while not source._pulling._come:
                    assert time.monotonic() < until
                    time.sleep(0.01)
            return False

        source._pulling.look = look  # type: ignore[method-assign]
        assert records_of(Reader(source).take_all()) == {A: 1}


def test_how_much_waits_can_not_be_told(feed: PubSubFeed) -> None:
    with reading(feed) as reader:
        assert reader.source.backlog() is None


# Bounds, without the service.


class NoCalls:
    """Nothing is asked of the service."""


def held(*sizes: int, **bounds: int) -> Leases:
    leases = Leases(NoCalls(), "s", lambda: 0.0, **bounds)  # type: ignore[arg-type]
    leases.take([Message(f"m{n}", f"a{n}", b"x" * size, None) for n, size in enumerate(sizes)])
    return leases


@pytest.mark.parametrize(
    ("leases", "room"),
    [
        (held(), 1000),
        (held(10, 10), 1000),
        (held(10, 10, messages_max=3), 1),
        (held(10, 10, messages_max=2), 0),
        (held(10, 30, bytes_max=100), 3),  # of the size of those that are held
        (held(90, bytes_max=100), 1),
        (held(100, bytes_max=100), 0),
        (held(0, 0, bytes_max=100), 1000),
    ],
)
def test_there_is_room_for_as_much_as_the_bounds_say(leases: Leases, room: int) -> None:
    assert leases.room() == room


def test_what_is_held_is_held_once() -> None:
    leases = held(10, 10, messages_max=3)
    assert leases.take([Message("m0", "again", b"x" * 10, None), Message("m9", "a9", b"", None)]) == [
        Message("m9", "a9", b"", None)
    ]
    assert leases.room() == 0


def test_a_killed_runs_messages_are_free_soon() -> None:
    assert FIRST_LEASE_S <= LEASE_S <= 60


# Outages.


def test_a_service_that_stalls_is_waited_for_and_told_what_was_acknowledged_meanwhile(
    feed: PubSubFeed, pubsub_emulator: PubSubEmulator
) -> None:
    feed.send(A, B)
    with reading(feed) as reader:
        reader.take(2)
        with pubsub_emulator.paused():
            reader.acknowledge()
        feed.send(C)
        assert records_of(reader.take(1)) == {C: 1}
        reader.wait_until(lambda: reader.source._leases.count == 1)  # the thread that keeps leases up tells it


def test_an_outage_is_waited_out_and_a_subscription_that_is_gone_ends_the_run_with_one_line(
    feed: PubSubFeed, pubsub_emulator: PubSubEmulator
) -> None:
    feed.send(A)
    with reading(feed) as reader:
        reader.take(1)
        pubsub_emulator.stop()
        try:
            assert "waiting for the input: --input pubsub://" in await_trouble(reader)
            reader.acknowledge()
        finally:
            pubsub_emulator.restart()
        with pytest.raises(RunError, match=r"Subscription does not exist.*what was counted before holds"):
            reader.take(1)


def test_without_follow_a_service_that_does_not_answer_is_not_taken_for_the_end(
    feed: PubSubFeed, pubsub_emulator: PubSubEmulator
) -> None:
    complaint = r"--input pubsub://.*: .*; what was counted before holds, run it again"
    source = feed.open(follow=False, quiet_s=0.5)
    with pubsub_emulator.paused(), pytest.raises(RunError, match=complaint):
        Reader(source).take_all()
    source.close()


# Refusals.


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        (f"pubsub://{PROJECT}/absent", "Subscription does not exist; create it, or correct the project and the name"),
        (f"pubsub://{PROJECT}", "write pubsub://PROJECT/SUBSCRIPTION"),
        (f"pubsub://{PROJECT}/a/b", "write pubsub://PROJECT/SUBSCRIPTION"),
        (f"pubsub://{PROJECT}/a?b=c", "write pubsub://PROJECT/SUBSCRIPTION"),
        ("pubsub:///a", "write pubsub://PROJECT/SUBSCRIPTION"),
        (f"pubsub://{PROJECT}/1", "correct the project and the name"),
    ],
)
def test_what_can_not_be_pulled_is_refused_with_the_cure(pubsub_host: str, url: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint) as told:
        PubSubSubscription(url)
    assert str(told.value).startswith(f"--input {url}") and "\n" not in str(told.value)


def test_a_service_that_can_not_be_reached_is_told_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", "127.0.0.1:1")
    own = OwnTime()
    with pytest.raises(UsageError, match=r"start the emulator at 127\.0\.0\.1:1 or unset PUBSUB_EMULATOR_HOST"):
        PubSubSubscription("pubsub://p/s")
    assert own.seconds() < WITHIN_S


def test_a_service_that_does_not_answer_is_told_soon(feed: PubSubFeed, pubsub_emulator: PubSubEmulator) -> None:
    own = OwnTime()
    with pubsub_emulator.paused(), pytest.raises(UsageError, match="start the emulator at"):
        feed.open()
    assert own.seconds() < WITHIN_S


def test_without_credentials_it_is_said_how_to_sign_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("PUBSUB_EMULATOR_HOST", "GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    with pytest.raises(UsageError, match=r"--input pubsub://p/s: .*; sign in with `gcloud auth application-default login`"):
        PubSubSubscription("pubsub://p/s")

"""A Kafka topic as a source, on a real broker: what it is besides its contract. Partitions change hands, nothing is lost."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from random import Random

import pytest

from pipeline.model.limits import EVENT_BYTES_MAX
from pipeline.sources.kafka.gathering import RECORDS_MAX
from pipeline.sources.kafka.group import ANSWER_S, Group
from tests.contract.source_contract import PATIENCE_S, QUIET_S, A, B, C, Reader, reading, records_of, taken_of
from tests.support.kafka_broker import KafkaBroker, kafka_broker, patient_kafka
from tests.support.kafka_feed import KafkaFeed
from tests.support.seeds import seeds

__all__ = ["kafka_broker", "patient_kafka"]


@pytest.fixture(autouse=True)
def patient_but_for_members(patient_kafka: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who joins a group is answered nothing on that connection until all its members have been polled. Several of them share
    a thread here: each has to give up soon what it asks of the group meanwhile, and asks again."""
    monkeypatch.setattr(Group.committed, "__defaults__", (ANSWER_S,))


@pytest.fixture
def feed(kafka_broker: KafkaBroker) -> Iterator[KafkaFeed]:
    with closing(KafkaFeed(kafka_broker.host)) as feed:
        yield feed


@pytest.fixture
def wide(kafka_broker: KafkaBroker) -> Iterator[KafkaFeed]:
    with closing(KafkaFeed(kafka_broker.host, partitions=6)) as feed:
        yield feed


def numbered(count: int, of: int = 0) -> list[bytes]:
    return [b'{"n":%d}' % n for n in range(of, of + count)]


def go_on(readers: list[Reader], until: Callable[[], bool]) -> Counter[bytes]:
    """All take, side by side, until something is so; what came."""
    found: Counter[bytes] = Counter()
    deadline = time.monotonic() + PATIENCE_S
    while not until():
        for reader in readers:
            found += records_of(reader.take_within(0.05))
        assert time.monotonic() < deadline
    return found


def partitions_of(reader: Reader) -> int:
    return len(list(reader.source._tenures))


def count_of(reader: Reader) -> int:
    """How many records came to it."""
    return sum(len(taken_of(block)) for block in reader.blocks)


def test_a_place_is_the_records_topic_partition_and_offset(wide: KafkaFeed) -> None:
    wide.produce([A, B], partition=3)
    wide.produce([C], partition=5)
    with reading(wide) as reader:
        places = {record: place for record, _, place in reader.take(3)}
    assert places == {A: f"{wide.topic}/3@0", B: f"{wide.topic}/3@1", C: f"{wide.topic}/5@0"}


def test_a_record_without_a_value_is_an_empty_line(feed: KafkaFeed) -> None:
    feed.produce([None, A], [("account", b"acme")])
    with reading(feed) as reader:
        assert [(record, account) for record, account, _ in reader.take(2)] == [(b"", "acme"), (A, "acme")]


@pytest.mark.parametrize(
    ("headers", "account"),
    [
        ([("other", b"x")], None),
        ([("account", b"acme"), ("trace", b"\xff")], "acme"),
        ([("account", b"acme"), ("account", b"shop")], "shop"),
        ([("account", None)], None),
        ([("account", b"")], None),
        ([("account", b"\xff")], "\ufffd"),
        ([("account", b"a" * 1000)], "a" * 128),
    ],
)
def test_the_account_is_what_the_last_header_of_that_name_says(
    feed: KafkaFeed, headers: list[tuple[str, bytes | None]], account: str | None
) -> None:
    feed.produce([A], headers)
    with reading(feed) as reader:
        assert [account for _, account, _ in reader.take(1)] == [account]


def test_a_record_larger_than_the_client_asks_for_at_once_comes_cut(feed: KafkaFeed) -> None:
    feed.send(b"[" + b"1" * (16 << 20), A)
    with reading(feed) as reader:
        lengths = [len(record) for record, _, _ in reader.take(2)]
    assert lengths == [4 * EVENT_BYTES_MAX, len(A)]


def test_blocks_are_bounded_in_bytes_and_in_records(feed: KafkaFeed) -> None:
    feed.send(*numbered(RECORDS_MAX + 20_000))
    with closing(feed.open(follow=False)) as source:
        sizes = [len(block.places or ()) for block in source.blocks() if block is not None]
    assert sum(sizes) == RECORDS_MAX + 20_000 and len(sizes) >= 2
    with closing(feed.open(follow=False, block_bytes=1)) as source:
        assert len([block for block in source.blocks() if block is not None]) >= 7


def test_small_accounts_that_say_who_they_are_share_blocks(feed: KafkaFeed) -> None:
    for n in range(20):
        feed.send(b'{"account":"a%d"}' % n, account=f"a{n}")
    with reading(feed) as reader:
        reader.take(20)
    assert {block.account for block in reader.blocks} == {None}


def test_the_backlog_is_what_the_group_has_not_counted(feed: KafkaFeed) -> None:
    feed.send(*numbered(10))
    with reading(feed) as reader:
        assert reader.source.backlog() == (10, "records")
        reader.take(10)
        assert reader.source.backlog() == (10, "records")
        reader.acknowledge()
        assert reader.source.backlog() == (0, "records")
        feed.send(A)
        reader.take(1)
        reader.take_within(QUIET_S)
        assert reader.source.backlog() == (1, "records")
    with reading(feed) as reader:
        assert reader.source.resumed
        assert reader.source.backlog() == (1, "records")


def test_two_groups_each_get_everything(feed: KafkaFeed) -> None:
    feed.send(A, B)
    for group in ("", "?group=second"):
        with closing(feed.open(more=group)) as source:
            reader = Reader(source)
            assert records_of(reader.take(2)) == Counter([A, B])
            assert not source.resumed
            reader.acknowledge()
    assert feed.is_counted() and feed.is_counted("second")


def test_without_follow_what_comes_later_is_left(feed: KafkaFeed) -> None:
    feed.send(A, B)
    with closing(feed.open(follow=False)) as source:
        feed.send(C)
        came = records_of([taken for block in source.blocks() if block is not None for taken in taken_of(block)])
        assert came - Counter([A, B, C]) == Counter() and came[A] == came[B] == 1


def test_without_follow_a_partition_is_waited_for_that_another_of_the_group_has_in_work(wide: KafkaFeed) -> None:
    wide.send(*numbered(60))
    with reading(wide) as other, reading(wide, follow=False) as reader:
        other.take(60)
        go_on([other, reader], lambda: partitions_of(reader) == partitions_of(other) == 3 and count_of(reader) >= 30)
        reader.take_within(QUIET_S)
        assert count_of(reader) == 30  # and it goes on
        other.acknowledge()
        go_on([other], lambda: sum(wide.committed()) == 30)
        assert reader.take_all() == []


def test_what_aborted_transactions_wrote_does_not_come_and_the_end_is_found(feed: KafkaFeed) -> None:
    feed.transact([A])
    feed.transact([B], abort=True)
    feed.transact([C])
    with reading(feed, follow=False) as reader:
        assert records_of(reader.take_all()) == Counter([A, C])
        reader.acknowledge()
    assert feed.is_counted()


def test_a_new_partition_is_taken_from_its_beginning(feed: KafkaFeed) -> None:
    feed.send(A)
    with reading(feed) as reader:
        reader.take(1)
        reader.acknowledge()
        feed.grow(2)
        feed.produce([B], partition=1)
    with reading(feed) as reader:
        assert records_of(reader.take(1)) == Counter([B])


def test_another_of_the_group_takes_over_what_is_not_counted_and_nobody_tells_of_what_is_not_theirs(wide: KafkaFeed) -> None:
    wide.send(*numbered(60))
    with reading(wide) as first:
        first.take(60)
        with reading(wide) as second:
            again = go_on([first, second], lambda: partitions_of(second) == 3 and len(second.blocks) > 0)
            again += records_of(second.take(30 - sum(again.values())) + second.take_within(QUIET_S))
            assert sum(again.values()) == 30  # those of the three partitions
            first.acknowledge()
            go_on([first, second], lambda: sum(max(0, offset) for offset in wide.committed()) >= 30)
            assert sorted(wide.committed())[-3:] == [10] * 3 and max(sorted(wide.committed())[:3]) <= 0


@pytest.mark.parametrize("seed", seeds(3))
def test_every_record_is_acknowledged_by_somebody_however_runs_come_and_go(wide: KafkaFeed, seed: int) -> None:
    random = Random(seed)
    counted: Counter[bytes] = Counter()
    sent = 0
    with ExitStack() as opened:
        running: list[Reader] = []

        def begin() -> None:
            source = wide.open(more="?session.timeout.ms=2000")
            opened.callback(source.close)
            running.append(Reader(source))

        begin()
        for _ in range(40):
            what = random.randrange(6)
            if what == 0 and len(running) < 3:
                begin()
            elif what == 1 and len(running) > 1:
                leaving = running.pop(random.randrange(len(running)))
                leaving.source.close()
            elif what < 4:
                wide.send(*numbered(50, sent))
                sent += 50
            for reader in running:
                reader.take_within(0.02)
                for block in random.sample(reader.blocks, random.randint(0, len(reader.blocks))):
                    reader.blocks.remove(block)
                    reader.source.acknowledge([block])
                    counted += records_of(taken_of(block))
        deadline = time.monotonic() + PATIENCE_S
        while not wide.is_counted():
            for reader in running:
                reader.take_within(0.1)
                for block in reader.blocks:
                    counted += records_of(taken_of(block))
                reader.source.acknowledge(reader.blocks)
                reader.blocks.clear()
            assert time.monotonic() < deadline
    assert set(counted) == set(numbered(sent))

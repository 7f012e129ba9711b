"""What a source of a stream promises, as tests that every such source inherits. A subclass says where (`feed`)."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from pipeline.model.limits import EVENT_BYTES_MAX
from pipeline.sources.blocks import Block
from pipeline.sources.source import Source

PATIENCE_S = 120.0
POLL_S = 0.02
QUIET_S = 0.5  # so long nothing must come
A, B, C = b'{"n":1}', b'{"n":2}', b'{"n":3}'

Taken = tuple[bytes, str | None, str]  # a record, its account, its place


class Feed(ABC):
    """A real stream, empty at first, and the runs that take from it one after the other."""

    @abstractmethod
    def send(self, *records: bytes, account: str | None = None) -> None:
        """Records are in the stream once this returns."""

    @abstractmethod
    def open(self, follow: bool = True) -> Source:
        """The source of a new run."""

    @abstractmethod
    def abandon(self, source: Source) -> None:
        """As if the run had been killed: it closes nothing, and the next run takes its place."""


class Reader:
    """A run's source and what came of it. `blocks`: all of them until now."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.blocks: list[Block] = []
        self._coming = source.blocks()

    def take(self, records: int) -> list[Taken]:
        """So many records more; they may come in any order and in any blocks."""
        found, until = list[Taken](), time.monotonic() + PATIENCE_S
        while len(found) < records:
            found += self._next()
            assert time.monotonic() < until, f"{len(found)} of {records} records came"
        return found

    def take_all(self) -> list[Taken]:
        """What comes until the source ends."""
        found, until = list[Taken](), time.monotonic() + PATIENCE_S
        for block in self._coming:
            found += self._seen(block)
            assert time.monotonic() < until, "it goes on and on"
        return found

    def take_within(self, seconds: float) -> list[Taken]:
        """What comes for so long."""
        found, until = list[Taken](), time.monotonic() + seconds
        while time.monotonic() < until:
            found += self._next()
        return found

    def wait_until(self, holds: Callable[[], bool]) -> None:
        """Goes on until something is so; nothing may come meanwhile."""
        until = time.monotonic() + PATIENCE_S
        while not holds():
            assert self.take_within(POLL_S) == []
            assert time.monotonic() < until, f"it is never so; its trouble: {self.source.trouble}"

    def acknowledge(self, *records: bytes) -> None:
        """All blocks until now, or those with one of these records."""
        chosen = [b for b in self.blocks if not records or any(record in lines_of(b) for record in records)]
        assert chosen
        self.source.acknowledge(chosen)

    def _next(self) -> list[Taken]:
        return self._seen(next(self._coming))

    def _seen(self, block: Block | None) -> list[Taken]:
        if block is None:
            time.sleep(POLL_S)
            return []
        self.blocks.append(block)
        return taken_of(block)


def lines_of(block: Block) -> list[bytes]:
    """The records of a block as they came out of it."""
    data = block.read()
    assert data.endswith(b"\n") and len(data) == block.length
    return data[:-1].split(b"\n")


def taken_of(block: Block) -> list[Taken]:
    lines = lines_of(block)
    assert block.places is not None and len(block.places) == len(lines)
    return [(line, block.account, block.places[n]) for n, line in enumerate(lines)]


def records_of(taken: list[Taken]) -> Counter[bytes]:
    return Counter(record for record, _, _ in taken)


@contextmanager
def reading(feed: Feed, follow: bool = True) -> Iterator[Reader]:
    """A run's source for as long as the block, closed in order at its end."""
    with closing(feed.open(follow)) as source:
        yield Reader(source)


class SourceContract:
    """Against the real thing. Records may come in any order."""

    def test_what_was_sent_before_the_first_run_comes_too(self, feed: Feed) -> None:
        feed.send(A, B)
        with reading(feed) as reader:
            assert records_of(reader.take(2)) == Counter([A, B])

    def test_none_comes_while_there_is_nothing_new(self, feed: Feed) -> None:
        with closing(feed.open()) as source:
            blocks = source.blocks()
            assert [next(blocks) for _ in range(3)] == [None, None, None]

    def test_what_is_sent_meanwhile_comes(self, feed: Feed) -> None:
        with reading(feed) as reader:
            for record in (A, B, C):
                feed.send(record)
                assert records_of(reader.take(1)) == Counter([record])

    def test_a_record_comes_with_the_account_that_it_was_sent_for(self, feed: Feed) -> None:
        feed.send(A, account="acme")
        feed.send(B)
        feed.send(C, account="shop")
        with reading(feed) as reader:
            came = {(record, account) for record, account, _ in reader.take(3)}
        assert came == {(A, "acme"), (B, None), (C, "shop")}

    def test_every_record_has_a_place_of_its_own(self, feed: Feed) -> None:
        feed.send(A, A, A)
        with reading(feed) as reader:
            assert len({place for _, _, place in reader.take(3)}) == 3

    def test_a_record_is_one_line_whatever_its_bytes(self, feed: Feed) -> None:
        sent = [b'{"a":\n1}', b"\xff\xfe \x00", b"\r\n", b"\x85 \xe2\x80\xa8"]
        feed.send(*sent)
        with reading(feed) as reader:
            assert records_of(reader.take(4)) == Counter(record.replace(b"\n", b" ") for record in sent)

    def test_what_was_acknowledged_does_not_come_again(self, feed: Feed) -> None:
        feed.send(A, B)
        with reading(feed) as reader:
            reader.take(2)
            reader.acknowledge()
        feed.send(C)
        with reading(feed) as reader:
            assert records_of(reader.take(1) + reader.take_within(QUIET_S)) == Counter([C])

    def test_what_was_not_acknowledged_comes_again_to_the_next_run_after_a_kill(self, feed: Feed) -> None:
        feed.send(A, B, C, account="acme")
        killed = Reader(feed.open())
        before = killed.take(3)
        feed.abandon(killed.source)
        with reading(feed) as reader:
            assert sorted(reader.take(3)) == sorted(before)  # in the same places, for the same account

    def test_what_was_not_acknowledged_is_free_once_a_run_has_ended(self, feed: Feed) -> None:
        feed.send(A, B)
        with reading(feed) as reader:
            before = reader.take(2)
        with reading(feed) as reader:
            assert sorted(reader.take(2)) == sorted(before)

    def test_of_several_blocks_only_the_acknowledged_ones_stay_away(self, feed: Feed) -> None:
        feed.send(A, account="acme")
        feed.send(B, account="shop")
        killed = Reader(feed.open())
        killed.take(2)
        killed.acknowledge(A)
        feed.abandon(killed.source)
        with reading(feed) as reader:
            assert records_of(reader.take(1) + reader.take_within(QUIET_S)) == Counter([B])

    def test_acknowledging_twice_is_harmless(self, feed: Feed) -> None:
        feed.send(A, B)
        with reading(feed) as reader:
            reader.take(2)
            reader.source.acknowledge([])
            reader.acknowledge()
            reader.acknowledge()
            feed.send(C)
            assert records_of(reader.take(1)) == Counter([C])

    def test_what_is_in_work_does_not_come_a_second_time(self, feed: Feed) -> None:
        feed.send(A, B)
        with reading(feed) as reader:
            reader.take(2)
            assert reader.take_within(QUIET_S) == []

    def test_without_follow_it_ends_once_all_that_was_there_is_taken(self, feed: Feed) -> None:
        feed.send(A, B, C)
        with reading(feed, follow=False) as reader:
            assert records_of(reader.take_all()) == Counter([A, B, C])
            reader.acknowledge()
            reader.source.finish()
        with reading(feed, follow=False) as reader:
            assert reader.take_all() == []

    def test_without_follow_what_was_not_acknowledged_before_comes_again(self, feed: Feed) -> None:
        feed.send(A, B)
        killed = Reader(feed.open(follow=False))
        killed.take(2)
        feed.abandon(killed.source)
        feed.send(C)
        found: Counter[bytes] = Counter()
        for _ in range(3):  # a service may give it again only when the first of these runs has found no more and ended
            with reading(feed, follow=False) as reader:
                found |= records_of(reader.take_all())
            if len(found) == 3:
                break
        assert found == Counter([A, B, C])

    def test_an_empty_record_is_a_line_with_a_place(self, feed: Feed) -> None:
        feed.send(b"", account="acme")
        with reading(feed) as reader:
            [(record, account, place)] = reader.take(1)
        assert (record, account) == (b"", "acme") and place

    def test_a_record_far_too_large_is_cut_short_and_still_too_large(self, feed: Feed) -> None:
        feed.send(b"[" + b"1" * (8 * EVENT_BYTES_MAX), A)
        with reading(feed) as reader:
            large, small = sorted(reader.take(2), key=lambda taken: -len(taken[0]))
        assert EVENT_BYTES_MAX < len(large[0]) <= 4 * EVENT_BYTES_MAX
        assert small[0] == A

    def test_its_acknowledgements_are_kept_apart_from_the_store(self, feed: Feed) -> None:
        with closing(feed.open()) as source:
            assert source.elsewhere

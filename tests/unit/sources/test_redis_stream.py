"""A Redis Stream: what entries become, who is given them, what is acknowledged and deleted, and the backlog."""

from __future__ import annotations

import json
import logging
from contextlib import closing

import pytest

from pipeline.model.limits import EVENT_BYTES_MAX
from pipeline.sources import redis_entries
from pipeline.sources.opening import Several
from pipeline.sources.redis_taking import CLAIM_S
from pipeline.sources.source import Backlog
from tests.contract.source_contract import QUIET_S, A, B, C, Reader, reading, records_of
from tests.support.redis_feed import STREAM, RedisFeed

LARGE = b"x" * EVENT_BYTES_MAX


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_record_is_known_by_the_stream_and_its_entry(feed: RedisFeed) -> None:
    feed.client.xadd(STREAM, {"data": A}, id="17-3")
    with reading(feed) as reader:
        [(_, _, place)] = reader.take(1)
    assert place == f"{STREAM}@17-3"


@pytest.mark.parametrize(
    ("fields", "record", "account"),
    [
        ({"account": "acme", "data": "1"}, b"1", "acme"),
        ({"data": "1", "sent": "x", "account": "acme"}, b"1", "acme"),
        ({"data": "1", "account": ""}, b"1", None),
        ({"data": "1", "account": b"\xff\xfe"}, b"1", "��"),
    ],
)
def test_fields_may_come_in_any_order_and_with_others(
    feed: RedisFeed, fields: dict[str, bytes | str], record: bytes, account: str | None
) -> None:
    feed.add(fields)
    with reading(feed) as reader:
        [(came, of, _)] = reader.take(1)
    assert (came, of) == (record, account)


@pytest.mark.parametrize(
    "fields",
    [
        ["event", "{}"],
        ["", '{"messageId":"m"}'],
        ["data", "{}", "data", "{}"],
        ["data", "{}", "account", "acme", "account", "shop"],
        ["\udcff", "x"],
    ],
)
def test_an_entry_without_exactly_one_record_becomes_what_is_no_event_and_shows_its_fields(
    feed: RedisFeed, fields: list[str]
) -> None:
    feed.client.execute_command("XADD", STREAM, "*", *(field.encode(errors="surrogateescape") for field in fields))
    with reading(feed) as reader:
        [(record, account, _)] = reader.take(1)
    assert account is None
    assert json.loads(record) == [field.replace("\udcff", "\\xff") for field in fields]


def test_names_and_accounts_beyond_all_measure_are_cut(feed: RedisFeed) -> None:
    feed.add({"data": "1", "account": LARGE}, {LARGE * 5: "1"})
    with reading(feed) as reader:
        (_, account, _), (record, _, _) = sorted(reader.take(2), key=lambda taken: taken[0])
    assert account is not None and 64 < len(account) < 1000
    assert EVENT_BYTES_MAX < len(record) <= redis_entries.RECORD_MAX


def test_blocks_are_bounded_in_bytes(feed: RedisFeed) -> None:
    feed.send(*[b"x" * 99] * 100)
    with closing(feed.open(block_bytes=1000)) as source:
        reader = Reader(source)
        reader.take(100)
        assert [block.length for block in reader.blocks] == [1000] * 10


def test_blocks_are_bounded_in_records(feed: RedisFeed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_entries, "RECORDS_MAX", 200)
    feed.send(*[b""] * 1000)
    with reading(feed) as reader:
        reader.take(1000)
        assert max(len(block.places or ()) for block in reader.blocks) < 1000


def test_answers_shrink_when_entries_are_large_and_grow_again(feed: RedisFeed) -> None:
    sent = [b"1"] * 200 + [LARGE] * 200 + [b"2"] * 2000
    feed.send(*sent)
    before = calls(feed, "xreadgroup")
    with reading(feed) as reader:
        assert sum(records_of(reader.take(len(sent))).values()) == len(sent)
    assert 10 < calls(feed, "xreadgroup") - before < 60


def test_what_another_consumer_left_is_claimed_once_it_has_waited_long_enough(feed: RedisFeed) -> None:
    feed.send(A, B)
    gone = Reader(feed.open(more="&consumer=gone"))
    gone.take(2)
    feed.abandon(gone.source)
    with reading(feed) as reader:
        assert reader.take_within(QUIET_S) == []
    with closing(feed.open(idle_ms=1)) as source:
        reader = Reader(source)
        assert records_of(reader.take(2)) == records_of(gone_records(gone))
        reader.acknowledge()
    assert feed.pending() == 0


def test_it_goes_on_looking_for_what_others_leave(feed: RedisFeed) -> None:
    clock = Clock()
    with closing(feed.open(idle_ms=1, clock=clock)) as source:
        reader = Reader(source)
        assert reader.take_within(QUIET_S) == []
        feed.send(A)
        other = Reader(feed.open(more="&consumer=other"))
        other.take(1)
        feed.abandon(other.source)
        assert reader.take_within(QUIET_S) == []
        clock.now += CLAIM_S
        assert records_of(reader.take(1)) == records_of(gone_records(other))


def test_what_is_long_in_work_is_not_taken_a_second_time(feed: RedisFeed) -> None:
    clock = Clock()
    feed.send(A, B)
    with closing(feed.open(idle_ms=0, clock=clock)) as source:
        reader = Reader(source)
        reader.take(2)
        clock.now += CLAIM_S
        assert reader.take_within(QUIET_S) == []
        assert source._taking._claim_at > clock.now  # type: ignore[attr-defined]  (it has looked)


def test_what_was_not_acknowledged_is_free_for_other_consumers_once_a_run_has_ended(feed: RedisFeed) -> None:
    feed.send(A, B)
    with reading(feed) as reader:
        reader.take(2)
    with closing(feed.open(more="&consumer=other")) as source:
        assert sorted(records_of(Reader(source).take(2))) == [A, B]


def test_two_groups_are_given_everything_each(feed: RedisFeed) -> None:
    feed.send(A, B)
    for group in ("daycount", "other"):
        with closing(feed.open(more="" if group == "daycount" else "&group=other")) as source:
            assert sorted(records_of(Reader(source).take(2))) == [A, B]


def test_entries_stay_in_the_stream_unless_they_are_to_be_deleted(feed: RedisFeed) -> None:
    feed.send(A, B)
    with reading(feed) as reader:
        reader.take(2)
        reader.acknowledge()
    assert feed.client.xlen(STREAM) == 2
    feed.send(C)
    with closing(feed.open(more="&trim=1")) as source:
        reader = Reader(source)
        reader.take(1)
        assert feed.client.xlen(STREAM) == 3
        reader.acknowledge()
    assert feed.client.xlen(STREAM) == 2


@pytest.mark.parametrize("left_by", ["daycount", "another"])
def test_entries_that_were_deleted_while_pending_are_told_and_done_with(
    feed: RedisFeed, caplog: pytest.LogCaptureFixture, left_by: str
) -> None:
    feed.send(A, B, C)
    gone = Reader(feed.open(more=f"&consumer={left_by}"))
    places = [place for record, _, place in gone.take(3) if record != B]
    feed.abandon(gone.source)
    feed.client.xdel(STREAM, *(place.partition("@")[2] for place in places))
    with caplog.at_level(logging.ERROR), closing(feed.open(idle_ms=0)) as source:
        reader = Reader(source)
        assert records_of(reader.take(1)) == {B: 1}
        reader.acknowledge()
    assert "2 entries were deleted before they were acknowledged" in caplog.text
    assert feed.pending() == 0


def test_without_follow_it_ends_though_entries_go_on_coming(feed: RedisFeed) -> None:
    feed.send(*[A] * 100)
    with closing(feed.open(follow=False, block_bytes=1)) as source:
        for n, _ in enumerate(source.blocks()):
            feed.send(B)
            assert n < 1000
    assert n >= 100


def test_the_same_stream_named_twice_does_not_mix_up_acknowledgements(feed: RedisFeed) -> None:
    feed.send(A, B, C)
    with closing(Several([feed.open(block_bytes=1), feed.open(block_bytes=1)])) as both:
        reader = Reader(both)
        reader.take(4)  # some twice: what one source has in work is pending to the other
        [place] = reader.blocks[-1].places or ()
        both.acknowledge(reader.blocks[-1:])
        pending = {entry["message_id"] for entry in feed.client.xpending_range(STREAM, "daycount", "-", "+", 9)}
    sent = {entry_id for entry_id, _ in feed.client.xrange(STREAM)}
    assert sent - pending == {place.partition("@")[2].encode()}


def test_the_backlog_is_what_is_not_acknowledged(feed: RedisFeed) -> None:
    clock = Clock()
    feed.send(*[A] * 10)
    with closing(feed.open(clock=clock, block_bytes=1)) as source:
        reader = Reader(source)
        assert source.backlog() == Backlog(10, "records")
        reader.take(4)
        source.acknowledge(reader.blocks[:3])
        assert source.backlog() == Backlog(7, "records")
        feed.send(B)
        assert source.backlog() == Backlog(7, "records")  # looked at once a second
        clock.now += 1
        assert source.backlog() == Backlog(8, "records")


def test_the_backlog_is_looked_at_rarely(feed: RedisFeed) -> None:
    with closing(feed.open(clock=Clock())) as source:
        before = calls(feed, "xinfo|groups")
        for _ in range(100):
            source.backlog()
        assert calls(feed, "xinfo|groups") == before + 1


def test_the_backlog_is_unknown_where_redis_cannot_tell(feed: RedisFeed) -> None:
    clock = Clock()
    with closing(feed.open(clock=clock)) as source:
        feed.send(A, B, C)
        feed.client.xdel(STREAM, feed.client.xrange(STREAM)[1][0])  # in the middle: nobody counts these
        assert source.backlog() is None
        reader = Reader(source)
        reader.take(2)
        reader.acknowledge()
        assert source.backlog() == Backlog(0, "records")


def test_a_run_goes_on_where_the_group_has_been_before(feed: RedisFeed) -> None:
    with closing(feed.open()) as first, closing(feed.open()) as second:
        assert not first.resumed and second.resumed


def gone_records(reader: Reader) -> list[tuple[bytes, str | None, str]]:
    return [(line, None, "") for block in reader.blocks for line in block.read().splitlines()]


def calls(feed: RedisFeed, command: str) -> int:
    """How often the server was asked."""
    found = feed.client.info("commandstats").get(f"cmdstat_{command}", {"calls": 0})
    return int(found["calls"])

"""Blocks of records: the short way and the long way come to the same verdict, and places name the records."""

from __future__ import annotations

import json
import os
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.decode.block import BlockDecoder, Decoded
from pipeline.decode.odd import Span
from pipeline.decode.shape import Shape
from pipeline.decode.timestamp import parse_timestamp
from pipeline.model.limits import EVENT_BYTES_MAX, EVENT_DEPTH_MAX
from pipeline.model.rejects import RejectReason
from tests.support.any_pace import at_any_pace

NOW = 1_790_000_000_000_000_000
AT = "2026-09-01T12:00:00.000Z"
PATHS = [("properties", "total"), ("context", "country"), ("anonymousId",)]


class Seen:
    """A matcher that writes down what it is given."""

    def __init__(self) -> None:
        self.known: dict[str | None, Any] = {}
        self.rows: dict[int, Any] = {}

    def learn(self, name: Any) -> Any:
        return lambda event, row, _: self.rows.__setitem__(row, event)


def decode(data: bytes, account: str | None = "shop") -> tuple[Decoded, Seen]:
    seen = Seen()

    def judge(said: Any) -> Any:
        if said is None:
            return seen if account else RejectReason.NO_ACCOUNT
        return seen if said == "shop" else RejectReason.WRONG_ACCOUNT

    return BlockDecoder(Shape(PATHS), judge).decode(data, Span("file", 100, account), NOW), seen


def events(data: bytes) -> list[tuple[int, str, Any]]:
    """(time, place, total) of every event, in the order of places."""
    decoded, seen = decode(data)
    good = [row for row in seen.rows if decoded.stamps.good[row]]
    found = [(int(decoded.stamps.time[r]), decoded.place(r), total(seen.rows[r])) for r in good]
    return sorted(found, key=lambda one: one[1])


def total(event: Any) -> Any:
    shape = Shape(PATHS)
    for attribute in shape.leaf(("properties", "total")).attributes:
        event = None if event is None else getattr(event, attribute)
    return event


def line(**changes: Any) -> bytes:
    return orjson.dumps({"event": "A", "timestamp": AT, "properties": {"total": 5}, **changes})


WAYS = st.sampled_from(
    [{}, {"context": {}}, {"context": {"country": "DE"}}, {"context": None}, {"event": None}, {"sentAt": 5}]
)
ODD = st.sampled_from([{"context": 5}, {"context": [1]}, {"event": 7}, {"batch": None}, {"batch": 5}])
BAD = st.sampled_from([b"", b" ", b"\r", b"5", b"{", b"\xff", line(timestamp="x"), line(account="no"), b"[]"])
LINES = st.lists(WAYS.map(lambda c: line(**c)) | ODD.map(lambda c: line(**c)) | BAD, max_size=15)


@at_any_pace
@given(LINES)
def test_a_line_comes_to_the_same_alone_and_among_others(lines: list[bytes]) -> None:
    together, _ = decode(b"\n".join(lines))
    alone = [decode(one)[0] for one in lines]
    assert together.events == sum(one.events for one in alone)
    assert sorted((r.reason, r.raw) for r in together.rejects) == sorted((r.reason, r.raw) for a in alone for r in a.rejects)


@at_any_pace
@given(LINES)
def test_places_name_the_offset_of_a_record(lines: list[bytes]) -> None:
    data = b"\n".join(lines)
    decoded, seen = decode(data)
    for row in seen.rows:
        name, _, offset = decoded.place(row).partition("@")
        assert name == "file" and data[int(offset) - 100 :].startswith(b"{")
    for reject in decoded.rejects:
        at = int(reject.source.partition("@")[2]) - 100
        assert data[at:].startswith(reject.raw)


def test_the_events_of_a_batch_have_places_of_their_own() -> None:
    batch = b'{"batch":[%s,%s]}' % (line(), line(context=5))
    time, begin = parse_timestamp(AT), 101 + len(line())
    places = ["file@100", f"file@{begin}/0", f"file@{begin}/1"]
    assert events(line() + b"\n" + batch) == [(time, place, 5) for place in places]


def test_a_name_of_bytes_that_are_no_text_names_places_as_text() -> None:
    source = os.fsdecode(b"in-\xff\n.jsonl")
    decoded = BlockDecoder(Shape(PATHS), lambda said: Seen()).decode(line() + b"\n[]", Span(source, 0, "shop"), NOW)
    assert decoded.place(0) == "in-\\xff\n.jsonl@0"
    assert orjson.loads(orjson.dumps(decoded.rejects[0].to_record()))["source"] == f"in-\\xff\n.jsonl@{len(line()) + 1}"


def nested(depth: int, opened: str, closed: str) -> bytes:
    """An event that is so many levels deep, itself being the first."""
    return b'{"event":"A","timestamp":"%s","x":%s1%s}' % (
        AT.encode(), (opened * (depth - 1)).encode(), (closed * (depth - 1)).encode(),
    )  # fmt: skip


@pytest.mark.parametrize(("opened", "closed"), [("[", "]"), ('{"":', "}"), ('{"a":[', "]}"), ('[{"":', "}]")])
def test_the_bound_of_depth_is_the_same_for_every_form(opened: str, closed: str) -> None:
    levels = opened.count("[") + opened.count("{")
    for depth in range(EVENT_DEPTH_MAX - 6, EVENT_DEPTH_MAX + 7):
        if (depth - 1) % levels:
            continue
        data = nested((depth - 1) // levels + 1, opened, closed)
        decoded, _ = decode(data)
        deep = depth > EVENT_DEPTH_MAX
        assert ([r.reason for r in decoded.rejects], decoded.events) == ([RejectReason.TOO_DEEP] * deep, 1 - deep), depth


@pytest.mark.parametrize("number", [b"1e400", b"-1e309", b"7" * 400, b"7" * 5_000])
def test_a_number_beyond_the_doubles_is_no_fault_whichever_way_the_record_takes(number: bytes) -> None:
    plain = b'{"event":"A","timestamp":"%s","x":%s}' % (AT.encode(), number)
    for record in (plain, plain[:-1] + b',"context":5}', b'{"batch":[%s]}' % plain):
        assert decode(record)[0].events == 1


def test_a_record_of_bad_time_that_the_long_way_reads_otherwise_is_a_reject() -> None:
    """Its account is asked for again, of the whole record, when the source says none."""
    record = b'{"account":"shop","timestamp":"x","x":1e400}'
    decoded, _ = decode(record, account=None)
    assert [(r.reason, r.account, r.raw) for r in decoded.rejects] == [(RejectReason.BAD_TIMESTAMP, "shop", record)]


def test_very_deep_records_are_rejects() -> None:
    for opened, closed in (("[", "]"), ('{"a":', "}")):
        decoded, _ = decode(nested(20_000, opened, closed))
        assert [r.reason for r in decoded.rejects] == [RejectReason.TOO_DEEP]


def test_brackets_in_texts_are_not_depth() -> None:
    assert decode(line(x="[{" * 500))[0].events == 1
    assert decode(line(x=[[] for _ in range(500)]))[0].events == 1


def test_the_bound_of_size_is_exact() -> None:
    room = EVENT_BYTES_MAX - len(line(x=""))
    assert decode(line(x="y" * room))[0].events == 1
    assert [r.reason for r in decode(line(x="y" * (room + 1)))[0].rejects] == [RejectReason.TOO_LARGE]


@at_any_pace
@given(st.dictionaries(
    st.sampled_from(["event", "timestamp", "account", "sentAt", "receivedAt", "batch", "properties", "context", "x"]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.just(AT) | st.just("shop"),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["total", "x"]), inner, max_size=2),
        max_leaves=8,
    ),
))  # fmt: skip
def test_no_record_breaks_a_block(event: dict[str, Any]) -> None:
    """Whatever JSON can hold (and Python's NaN, which it can't) is an event, some events, nothing or a reject."""
    data = json.dumps(event).encode()
    decoded, _ = decode(data + b"\n" + line())
    assert decoded.events >= 1
    for reject in decoded.rejects:
        orjson.dumps(reject.to_record())


@at_any_pace
@given(st.binary(max_size=60))
def test_no_bytes_break_a_block(data: bytes) -> None:
    """A line that isn't blank is a reject, or by chance an event: `{}` is one."""
    decoded, _ = decode(data + b"\n" + line())
    lines = sum(bool(part.removeprefix(b"\xef\xbb\xbf").strip()) for part in data.split(b"\n"))
    assert decoded.events >= 1
    assert decoded.events - 1 + len(decoded.rejects) == lines

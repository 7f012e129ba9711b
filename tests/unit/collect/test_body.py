"""Reading a body, and taking almost-JSON apart: bounded in time, and cut only where values end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from pipeline.collect.body import read_body
from pipeline.collect.lenient import split_list, split_object
from pipeline.collect.refusal import Refusal
from pipeline.collect.room import Room
from tests.support.any_pace import at_any_pace

Receive = Callable[[], Awaitable[dict[str, Any]]]


def refused(receive: Receive, room: Room) -> Refusal:
    async def read() -> None:
        with room.hold() as held:
            request = Request({"type": "http", "method": "POST", "headers": []}, receive)  # type: ignore[arg-type]
            await read_body(request, held, timeout_s=0.05)

    with pytest.raises(Refusal) as caught:
        asyncio.run(read())
    return caught.value


def test_a_body_that_does_not_end_in_time_is_refused_and_its_connection_closed():
    async def never() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    refusal = refused(never, Room())
    assert refusal.status == 408, "a status that Segment's clients try again after"
    assert refusal.headers == {"connection": "close"}


def test_a_sender_that_is_gone_is_no_fault_of_ours():
    async def gone() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    assert refused(gone, Room()).status == 400


def test_a_body_that_there_is_no_room_for_is_refused_as_it_comes():
    async def much() -> dict[str, Any]:
        return {"type": "http.request", "body": b"x" * 600, "more_body": True}

    room = Room(1000)
    assert refused(much, room).status == 429
    room.take(1000)  # what it held is free again


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=5)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


@at_any_pace
@given(st.lists(VALUES, max_size=5), st.sampled_from([None, 1]))
def test_a_list_is_cut_where_its_values_end(values: list[Any], indent: int | None):
    parts = split_list(json.dumps(values, indent=indent).encode())
    assert [same(json.loads(part)) for part in parts] == [same(value) for value in values]


@at_any_pace
@given(st.dictionaries(st.text(max_size=4), VALUES, max_size=5), st.booleans())
def test_an_object_is_cut_where_its_values_end(values: dict[str, Any], ascii_only: bool):
    raw = json.dumps(values, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    parts = split_object(raw)
    assert {name: same(json.loads(part)) for name, part in parts.items()} == {k: same(v) for k, v in values.items()}


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"{}",
        b"[",
        b"[,]",
        b"[1,]",
        b"[1 2]",
        b"[1]x",
        b"[1]]",
        b"[tru]",
        b'["\n"]',
        b"1",
        b'{"a":1}',
        b"]",
        b"[1,,2]",
    ],
)
def test_what_is_no_list_is_refused(raw: bytes):
    with pytest.raises(ValueError):
        split_list(raw)


@pytest.mark.parametrize("raw", [b"", b"[]", b'{"a"}', b'{"a":}', b"{a:1}", b'{"a":1,}', b'{"a" 1}', b'{"a":1}}', b"{1:1}"])
def test_what_is_no_object_is_refused(raw: bytes):
    with pytest.raises(ValueError):
        split_object(raw)


def test_bytes_that_are_no_text_stay_as_they_came():
    assert split_list(b'[ "\xff\xfe" , {"a" : NaN} ]') == [b'"\xff\xfe"', b'{"a" : NaN}']
    assert split_object(b'{"a":1,"\xff":-Infinity,"a":2}') == {"a": b"2", "\udcff": b"-Infinity"}


def same(value: Any) -> str:
    """Comparable, though NaN equals nothing."""
    return json.dumps(value, sort_keys=True)

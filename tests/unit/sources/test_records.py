"""What all streams have in common: places as a list, and the account that a stream names."""

from __future__ import annotations

from array import array

import pytest

from pipeline.sources.kafka.gathering import RecordPlaces
from pipeline.sources.records import account_named
from pipeline.sources.redis_entries import EntryPlaces


def test_places_are_asked_for_as_of_a_list() -> None:
    for places, as_list in (
        (EntryPlaces("s", [b"1-0", b"2-0", b"3-0"]), ["s@1-0", "s@2-0", "s@3-0"]),
        (RecordPlaces("t", array("i", [0, 1, 0]), array("q", [7, 2**40, 9])), ["t/0@7", f"t/1@{2**40}", "t/0@9"]),
    ):
        assert list(places) == as_list and len(places) == len(as_list)
        assert places[-1] == as_list[-1] and list(places[1:]) == as_list[1:]
        with pytest.raises(IndexError):
            places[3]


def test_an_account_is_what_the_stream_says_cut_where_it_can_be_none_or_nobodys() -> None:
    said = {None: None, b"": None, b"shop": "shop", b"\xff": "\ufffd"}
    assert {what: account_named(what) for what in said} == said
    assert account_named(b"a" * 10_000) == "a" * 128

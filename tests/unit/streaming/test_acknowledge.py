"""What is acknowledged when: a block's notes come in any order and again, from steps that know nothing of each other."""

from __future__ import annotations

from itertools import permutations

import pytest

from pipeline.sources.blocks import block_of_records
from pipeline.streaming.acknowledge import part_done, parts_of, receipt_if_done
from pipeline.streaming.match import Part
from pipeline.streaming.taken import Receipt, Taken, taken

RECEIPT = Receipt(3, ["1-0", "1-1"])


def test_a_block_is_done_once_all_its_parts_are_in_whatever_order_they_say_so() -> None:
    notes = [parts_of(3, RECEIPT), part_done(1), part_done(2), part_done(3)]
    for order in permutations(notes):
        assert receipt_if_done(order) == RECEIPT
        for count in range(len(order)):
            assert receipt_if_done(order[:count]) is None


def test_a_part_that_says_it_twice_is_one_part() -> None:
    notes = [parts_of(2, RECEIPT), part_done(1), part_done(1), parts_of(2, RECEIPT)]
    assert receipt_if_done(notes) is None
    assert receipt_if_done([*notes, part_done(2)]) == RECEIPT


def test_a_block_of_which_nothing_has_to_be_kept_is_done_at_once() -> None:
    assert receipt_if_done([parts_of(0, RECEIPT)]) == RECEIPT
    assert receipt_if_done([]) is None


@pytest.mark.parametrize("account", [None, "acme"])
@pytest.mark.parametrize("records", [[b""], [b'{"a": 1}', b"\xff\n\x00", "Zoë".encode()]])
def test_what_is_taken_travels_as_bytes_with_its_places_and_what_to_acknowledge(
    records: list[bytes], account: str | None
) -> None:
    places = [f"events@{n}-0" for n in range(len(records))]
    first = taken(block_of_records("events", 7, records, places, account), 3, ["1-0", "1-1"])
    again = Taken.from_bytes(first.to_bytes())
    assert again.receipt == RECEIPT
    assert (again.block.data, again.block.account) == (first.block.data, account)
    assert list(again.block.places or ()) == places


def test_a_part_travels_as_bytes() -> None:
    part = Part(bytes(range(16)), 4_000_000_000, 2**63, b"\x00\n")
    assert Part.from_bytes(part.to_bytes()) == part

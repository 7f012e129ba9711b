"""How far partitions are done with, against a plain count of what was acknowledged."""

from __future__ import annotations

from collections import defaultdict
from random import Random

import pytest

from pipeline.sources.kafka.offsets import Tenure, Tenures
from tests.support.seeds import seeds


def told(tenures: Tenures) -> dict[int, int]:
    """What is told now, and noted as such."""
    found = {}
    for tenure, offset in tenures.untold():
        tenure.told = found[tenure.partition] = offset
    return found


def seen(tenures: Tenures, partition: int, *offsets: int) -> Tenure:
    """These records have come; the tenure that they belong to."""
    for offset in offsets:
        tenure = tenures.at(partition, offset)
        assert tenure is not None
        tenure.seen = offset + 1
    return tenure


@pytest.fixture
def tenures() -> Tenures:
    tenures = Tenures()
    tenures.give([0, 1])
    return tenures


def test_nothing_is_told_of_what_is_not_in_blocks_yet(tenures: Tenures) -> None:
    seen(tenures, 0, 5, 6)
    assert told(tenures) == {}


def test_an_offset_goes_up_to_the_first_record_that_is_not_counted(tenures: Tenures) -> None:
    of = seen(tenures, 0, 5, 6, 9)
    tenures.begin({1: {of: 5}, 2: {of: 6}})
    tenures.end(2)
    assert told(tenures) == {0: 5}
    tenures.end(1)
    assert told(tenures) == {0: 10}
    tenures.end(1)
    assert told(tenures) == {}


def test_what_has_no_records_is_told_where_it_ends(tenures: Tenures) -> None:
    tenures.reach(1, 7)
    tenures.reach(3, 7)
    tenures.begin({})
    assert told(tenures) == {1: 7}


def test_nothing_is_told_of_a_partition_that_was_taken_away(tenures: Tenures) -> None:
    of = seen(tenures, 0, 1)
    tenures.begin({1: {of: 1}})
    tenures.take_away([0])
    tenures.end(1)
    assert (told(tenures), tenures.of(0), tenures.at(0, 2)) == ({}, None, None)


def test_a_block_of_an_earlier_tenure_says_nothing_of_the_next(tenures: Tenures) -> None:
    of = seen(tenures, 0, 100)
    tenures.begin({1: {of: 100}})
    tenures.take_away([0])
    tenures.give([0])
    again = seen(tenures, 0, 50, 51)
    tenures.begin({2: {again: 50}})
    tenures.end(1)
    assert told(tenures) == {0: 50}


def test_a_record_that_comes_again_begins_a_tenure(tenures: Tenures) -> None:
    of = seen(tenures, 0, 100)
    assert seen(tenures, 0, 99) is not of


@pytest.mark.parametrize("seed", seeds(20))
def test_what_is_told_is_all_that_is_counted_from_the_start_on_and_never_more(seed: int) -> None:
    random = Random(seed)
    tenures = Tenures()
    tenures.give(range(3))
    uncounted: dict[Tenure, set[int]] = defaultdict(set)
    gathered: list[tuple[Tenure, int]] = []
    in_work: dict[int, list[tuple[Tenure, int]]] = {}
    offset, number = 0, 0
    for _ in range(500):
        what = random.choice(["come", "come", "make blocks", "count", "count", "rebalance"])
        if what == "come":
            offset += random.choice([1, 1, 3])  # compacted topics have holes
            of = seen(tenures, random.randrange(3), offset)
            gathered.append((of, offset))
            uncounted[of].add(offset)
        elif what == "make blocks":
            random.shuffle(gathered)
            made = {}
            while gathered:
                made[number], gathered = gathered[:4], gathered[4:]
                number += 1
            tenures.begin({n: {t: min(o for u, o in part if u is t) for t, _ in part} for n, part in made.items()})
            in_work |= made
        elif what == "count" and in_work:
            block = random.choice(list(in_work))
            for of, at in in_work.pop(block):
                uncounted[of].discard(at)
            tenures.end(block)
        elif what == "rebalance" and random.random() < 0.1:
            tenures.take_away([1])
            tenures.give([1])
        told(tenures)
        for tenure in tenures:
            assert tenure.told is None or tenure.told <= min(uncounted[tenure], default=offset + 1)
    for block in in_work:
        tenures.end(block)
    tenures.begin({number: {t: min(o for u, o in gathered if u is t) for t, _ in gathered}})
    tenures.end(number)
    told(tenures)
    assert [tenure.told for tenure in tenures] == [tenure.seen for tenure in tenures]

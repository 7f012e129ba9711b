"""How far a partition is told to be counted, from blocks that are done in any order and told again."""

from __future__ import annotations

from random import Random

import pytest

from pipeline.streaming.kafka_offsets import Runs, advanced, from_text, merged, to_text, told
from tests.support.seeds import seeds


def test_offsets_become_runs_by_partition_and_come_back_from_a_receipt() -> None:
    runs = Runs.of([(1, 7), (0, 3), (1, 6), (1, 9), (0, 3)])
    assert runs.by_partition == {0: [(3, 4)], 1: [(6, 8), (9, 10)]}
    ids = runs.to_ids()
    assert sorted(told(5, ids)) == [((5, 0), "3-4"), ((5, 1), "6-8,9-10")]
    assert [from_text(text) for _, text in sorted(told(5, ids))] == [[(3, 4)], [(6, 8), (9, 10)]]


def test_runs_that_touch_or_overlap_are_one() -> None:
    assert merged([(5, 7), (0, 2), (2, 3), (6, 9), (12, 13)]) == [(0, 3), (5, 9), (12, 13)]
    assert from_text(to_text([])) == []


@pytest.mark.parametrize(
    ("done", "runs", "expected"),
    [
        (5, [], (5, [])),
        (5, [(5, 8)], (8, [])),
        (5, [(3, 8), (9, 10)], (8, [(9, 10)])),
        (5, [(6, 8)], (5, [(6, 8)])),
        (5, [(0, 5)], (5, [])),
        (5, [(0, 4), (7, 9)], (5, [(7, 9)])),
    ],
)
def test_it_goes_up_to_the_first_offset_that_is_not_done(
    done: int, runs: list[tuple[int, int]], expected: tuple[int, list[tuple[int, int]]]
) -> None:
    assert advanced(done, runs) == expected


@pytest.mark.parametrize("seed", seeds(20))
def test_whatever_the_order_it_is_the_first_offset_that_is_not_done(seed: int) -> None:
    random = Random(seed)
    offsets = list(range(100))
    random.shuffle(offsets)
    done, waiting, all_done = 0, list[tuple[int, int]](), set[int]()
    while offsets:
        some, offsets = offsets[:7], offsets[7:]
        again = random.sample(sorted(all_done), min(3, len(all_done)))
        all_done |= set(some)
        block = Runs.of((0, offset) for offset in [*some, *again]).by_partition[0]
        done, waiting = advanced(done, merged([*waiting, *from_text(to_text(block))]))
        assert done == next(n for n in range(101) if n not in all_done)
    assert (done, waiting) == (100, [])

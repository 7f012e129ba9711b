"""Sorted rows in two levels: the same as in one, and few are moved when a few are added."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from pipeline.visitors.levels import LARGE_TO_SMALL, Levels


def rows(keys: list[int]) -> list[np.ndarray]:
    key = np.array(sorted(keys), dtype=np.uint64)
    return [key, key.astype(np.int64) * 2]


@pytest.mark.parametrize("seed", range(10))
def test_all_rows_are_there_once_and_in_order_however_they_came(seed: int) -> None:
    random = Random(seed)
    levels, added = Levels(*rows([])), list[int]()
    for _ in range(30):
        some = [random.randrange(1 << 40) for _ in range(random.choice([0, 1, 3, 50]))]
        levels.add(rows(some))
        added += some
        for key, value in levels.each:
            assert (np.diff(key.astype(np.int64)) >= 0).all()
            assert (value == key.astype(np.int64) * 2).all()
        assert sum(len(level[0]) for level in levels.each) == len(added)
    assert levels.all()[0].tolist() == sorted(added)
    assert levels.nbytes == 16 * len(added)


def test_a_few_rows_move_a_few(small_rows_min: int) -> None:
    held = 100 * LARGE_TO_SMALL * max(1, small_rows_min)
    levels = Levels(*rows([]))
    levels.add(rows(list(range(0, 2 * held, 2))))
    large = levels.each[0][0]
    levels.add(rows([1, 3]))
    assert levels.each[0][0] is large
    assert len(levels.each[1][0]) == 2

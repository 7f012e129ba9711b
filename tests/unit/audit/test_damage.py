"""Worlds that were delivered in any way are audited as equal; damaged at one place, they are not, and the place is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.differential.test_oracle import any_manner
from tests.support.generate import make_world
from tests.support.seeds import seeds
from tests.unit.audit.auditing import Audited, lines
from tests.unit.audit.damage import DAMAGES, Where, cells_of

TRIES = 40
ENOUGH = 4  # worlds in which a damage was done and found


def delivered(seed: int, folder: Path) -> Iterator[Audited]:
    audited = Audited(make_world(seed), folder / f"{seed}.db", any_manner(Random(seed)))
    audited.deliver()
    yield audited
    audited.store.close()


@pytest.mark.parametrize("seed", seeds(40))
def test_a_world_is_equal_however_it_was_delivered(seed: int, tmp_path: Path) -> None:
    for audited in delivered(seed, tmp_path):
        before = audited.cells(), audited.cells("meta"), audited.cells("visitors"), audited.cells("shards")
        found = audited.audit(passes=Random(seed).choice([1, 3]))
        assert lines(found) == []
        assert (found.differing.total(), found.notes) == (0, [n for n in found.notes if "nothing was compared" in n])
        assert found.cells["days"] > 0 or not found.spans
        after = audited.cells(), audited.cells("meta"), audited.cells("visitors"), audited.cells("shards")
        assert before == after, "an audit only reads"


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_found_and_its_place_is_told(name: str, tmp_path: Path) -> None:
    done = 0
    for seed in range(TRIES):
        for audited in delivered(seed, tmp_path):
            random = Random(seed)
            cells = list(cells_of(audited))
            where = DAMAGES[name](random.choice(cells), random, audited) if cells else None
            if where is not None:
                _check(audited, where, f"{name}, seed {seed}")
                done += 1
        if done == ENOUGH:
            return
    raise AssertionError(f"in {TRIES} worlds only {done} could be damaged so")


def _check(audited: Audited, where: Where, told: str) -> None:
    found = audited.audit()
    records = [difference.as_record() for difference in found.shown]
    named = {"breakdown": "", "value": ""}
    fitting = [r for r in records if all(value in (..., (named | r).get(key)) for key, value in where.items())]
    assert fitting, f"{told}: {where} is not among {records}"
    metrics = {(difference.account, difference.metric) for difference in found.shown}
    assert metrics == found.differing.keys() == {(where["account"], where["metric"])}, "nothing else is wrong"

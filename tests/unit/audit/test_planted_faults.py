"""Faults planted into the pipeline are found by an audit of what it has stored, within a few dozen worlds."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from tests.support.changing import with_new_metric
from tests.support.deliver import Manner
from tests.support.generate import make_world
from tests.support.planted import PLANTED
from tests.unit.audit.auditing import Audited

SEEDS = 50
ROUGH = Manner(shards=2, block_events_max=5, redelivered=0.3, restarted=0.2)

# An audit judges events by the same decode and match: what is wrong there it would repeat, in the same program.
OF_DECODE_AND_MATCH = {
    "sums are of floats",
    "days are those of UTC",
    "hours are one too late",
    "the hours before and after a change of the clocks are one",
    "device clocks are not corrected",
}


def first_found(fault: str | None, folder: Path) -> int | None:
    """The first seed whose store is not equal to the recount, under definitions that gain a metric on the way."""
    for seed in range(SEEDS):
        world = make_world(seed)
        new = with_new_metric(world.snapshot, Random(seed))
        audited = Audited(world, folder / f"{seed}.db", ROUGH)
        with pytest.MonkeyPatch.context() as patch:
            if fault:
                PLANTED[fault](patch)
            audited.deliver(world.snapshot, new)
            if fault in OF_DECODE_AND_MATCH:
                patch.undo()
            found = audited.audit(new)
        audited.store.close()
        if found.differing:
            return seed
    return None


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_found(fault: str, tmp_path: Path) -> None:
    assert first_found(fault, tmp_path) is not None


def test_without_a_planted_fault_nothing_is_found(tmp_path: Path) -> None:
    assert first_found(None, tmp_path) is None

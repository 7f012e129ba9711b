"""The recount itself, held against the naive oracle: every number of every day and hour, whatever the passes."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from pipeline.audit.cells import added_up
from pipeline.audit.difference import day_text
from pipeline.audit.gather import Kind
from pipeline.audit.recount import Recount
from pipeline.model.counter import columns, measure_value
from pipeline.model.definition import Snapshot
from pipeline.model.layout import HOURS_PER_DAY
from tests.support.daycount import write_lines
from tests.support.deliver import expected_numbers
from tests.support.generate import make_world
from tests.support.seeds import seeds
from tests.support.stored import Numbers, differences
from tests.unit.audit.auditing import recount_world


def numbers_of(recount: Recount, snapshot: Snapshot) -> Numbers:
    """Keyed as the oracle's; zeros left out."""
    numbers: Numbers = {}
    for account in snapshot.accounts.values():
        for i, metric in enumerate(account.metrics.values()):
            for b, path in enumerate(("", *metric.breakdowns)):
                hours = recount.cells(Kind(account.account, i, b))
                cols = columns(metric.measures)
                bare = hours._replace(rows=hours.rows[:, : len(cols)])
                days = added_up(bare._replace(when=bare.when // HOURS_PER_DAY), cols)
                for cells, per_day in ((days, 1), (bare, HOURS_PER_DAY)):
                    for value, when, row in zip(*(column.tolist() for column in cells), strict=True):
                        day, hour = divmod(when, per_day)
                        at = day_text(day) + (f"/{hour:02d}" if per_day > 1 else "")
                        for measure in metric.measures:
                            number = measure_value(cols, row, measure)
                            if number is not None and (number or measure.aggregate in ("min", "max", "mean")):
                                name = (account.account, metric.id, metric.revision, measure.name)
                                numbers[*name, path, recount.names.texts[value], at] = number
    return numbers


@pytest.mark.parametrize("seed", seeds(60))
def test_it_is_what_a_naive_reading_of_the_events_gives(seed: int, tmp_path: Path) -> None:
    world, random = make_world(seed), Random(seed)
    again = random.sample(world.events, random.randint(0, len(world.events)))
    shuffled = random.sample([*world.events, *again], len(world.events) + len(again))
    cut = random.randint(0, len(shuffled))
    files = [write_lines(tmp_path / f"{i}.jsonl", part) for i, part in enumerate((shuffled[:cut], shuffled[cut:]))]
    recount = recount_world(world, files, world.snapshot, random.choice([1, 1, 2, 7]))
    assert differences(numbers_of(recount, world.snapshot), expected_numbers(world.snapshot, world)) == []
    assert recount.tally["events"] == len(shuffled)
    assert recount.tally["differing_copies"] == 0

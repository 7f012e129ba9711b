"""What is held of visitors: the same whatever the order of facts, and whether they were learnt or loaded."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from pipeline.model.facts import Facts, Firsts, SeenIds, ValuedFirst, fold_facts, pack_facts
from pipeline.visitors.known import Known, Learnt

TODAY = 20_000


def facts(random: Random, digest: int) -> tuple[np.ndarray, Firsts, dict[int, ValuedFirst], bytes]:
    """Random facts over a few keys, and their cell."""
    ids = np.array(sorted(random.sample(range(20), 4)), dtype=np.uint64)
    keys = np.array(sorted(random.sample(range(10), 3)), dtype=np.uint64)
    times = np.array([random.randint(-5, 5) for _ in keys], dtype=np.int64)
    firsts = Firsts(keys, times, (times * 10).astype(np.int32))
    valued = {random.randrange(5): ValuedFirst(random.randint(-5, 5), random.choice("ab"), 4, (1, 2))}
    cell = pack_facts(Facts([SeenIds(digest, TODAY, ids.tobytes())], firsts.rows().tobytes(), valued))
    return ids, firsts, valued, cell


def state(known: Known) -> object:
    """All that is held, in a form to compare."""
    seen, judged = (column.tolist() for column in known.seen.all())
    firsts = [column.tolist() for column in known.firsts.all()]
    assert seen == sorted(seen)
    assert firsts[0] == sorted(set(firsts[0]))
    return sorted(zip(seen, [known.digests[j] for j in judged], strict=True)), firsts, known.valued


@pytest.mark.parametrize("seed", range(20))
def test_the_order_of_cells_does_not_matter_nor_do_copies_or_folding(seed: int) -> None:
    random = Random(seed)
    cells = [facts(random, digest)[3] for digest in (1, 2, 1, 2)]
    known, folded = Known(), Known()
    known.load([cells], TODAY)
    folded.load([[fold_facts(cells, TODAY)]], TODAY)
    assert state(folded) == state(known)
    again = Known()
    again.load([[*cells[::-1], *cells]], TODAY)
    assert state(again) == state(known)


@pytest.mark.parametrize("seed", range(20))
def test_what_is_learnt_is_what_a_new_process_loads(seed: int) -> None:
    random = Random(seed)
    learning, loading, cells = Known(), Known(), []
    for _ in range(4):
        ids, firsts, valued, cell = facts(random, 1)
        fresh = ~np.isin(ids, learning.seen.all()[0])
        better = {k: v for k, v in valued.items() if k not in learning.valued or v < learning.valued[k]}
        judged = np.full(int(fresh.sum()), learning.judged_index(1), dtype=np.uint32)
        learning.learn(Learnt(ids[fresh], judged, firsts, better))
        cells.append(cell)
    loading.load([cells], TODAY)
    assert state(loading) == state(learning)


def test_ids_processed_before_the_horizon_are_forgotten_and_firsts_are_not() -> None:
    cell = facts(Random(0), 1)[3]
    known = Known()
    known.load([[cell, fold_facts([cell], TODAY + 1)]], TODAY + 1)
    assert len(known.seen.all()[0]) == 0
    assert len(known.firsts.all()[0]) == 3 and len(known.valued) == 1

"""Which hits are new: an event counts once in every metric revision it was judged under.

An event's id is remembered with the digest it was judged under. It is known for the revisions of that digest, and new
to those of another one: a metric pushed between two deliveries gets its due, the others nothing twice. The same holds
of an experiment: what shows its exposures stands for all that the event means to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipeline.model.facts import mix, placed, run_starts
from pipeline.model.group import group_pairs
from pipeline.visitors.known import Known
from pipeline.visitors.levels import found_at
from pipeline.visitors.unit import Unit


@dataclass(slots=True)
class Verdict:
    """`new`: hits to count, `combo` being what is left to count of each; `dropped`: deliveries that add nothing."""

    new: np.ndarray  # indices of hits
    combo: np.ndarray  # of the new hits
    ids: np.ndarray  # of the new hits
    judged: np.ndarray  # of the new hits, index in `Known.digests`
    dropped: np.ndarray  # indices of hits


def drop_duplicates(unit: Unit, known: Known, names_of: Callable[[int], frozenset[str]]) -> Verdict:
    """Compare the unit with itself and with what is known. names_of: the `metric@revision`s of a digest.

    Where copies of an event differ, the first in the unit counts, in all measures.
    """
    ids = placed(unit.visitor, mix(unit.visitor, unit.message))
    order = np.argsort(ids)
    is_new = np.zeros(len(ids), dtype=bool)
    is_new[np.minimum.reduceat(order, run_starts(ids[order]))] = True
    combo = unit.combo.copy()
    ours = np.array([known.judged_index(j.digest) for j in unit.table.judged], dtype=np.int64)[unit.account]
    for held, judged in known.seen.each:
        at = np.empty(len(ids), dtype=np.int64)
        at[order] = np.searchsorted(held, ids[order])  # in order, a search finds its neighbour's path in the cache
        seen = is_new & found_at(held, at, ids)
        while seen.any():  # once per digest that one of the ids was judged under
            rows = np.flatnonzero(seen)
            under = judged[at[rows]].astype(np.int64)
            same = under == ours[rows]
            is_new[rows[same]] = False
            _reduce(unit, combo, rows[~same], under[~same], lambda index: names_of(known.digests[index]))
            at = at + seen
            seen &= found_at(held, at, ids) & (at < len(held))
    is_new &= np.array([bool(kind.series) for kind in unit.table.kinds], dtype=bool)[unit.table.combos.kind[combo]]
    new = np.flatnonzero(is_new)
    return Verdict(new, combo[new], ids[new], ours[new].astype(np.uint32), np.flatnonzero(~is_new))


def _reduce(
    unit: Unit, combo: np.ndarray, rows: np.ndarray, under: np.ndarray, names_of: Callable[[int], frozenset[str]]
) -> None:
    """Take out of these hits' combos the series that were counted under the digests `under`."""
    if not len(rows):
        return
    table = unit.table
    numbers, digests, inverse = group_pairs(combo[rows], under)
    account, kind = table.combos.account[numbers], table.combos.kind[numbers]
    parts: dict[tuple[int, int], int] = {}
    reduced = []
    for of, index in zip(kind.tolist(), digests.tolist(), strict=True):
        if (of, index) not in parts:
            counted, metrics = names_of(index), table.metrics_of(of)
            left = tuple(s for s in table.kinds[of].series if metrics[s.metric].name not in counted)
            parts[of, index] = table.part(of, left)
        reduced.append(parts[of, index])
    combo[rows] = table.add(account, np.array(reduced, dtype=np.int64))[inverse]

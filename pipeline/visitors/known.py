"""What is held in memory of one shard's visitors: their facts as sorted arrays, and which rows they were loaded from.

Held facts are those of the rows in `rows`, complete; anything else must be loaded first. They only ever come from the
store or from a unit that has been applied, so dropping them costs a read and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from pipeline.model.facts import FIRST, Facts, ValuedFirst, earliest, unpack_facts


@dataclass(slots=True)
class Learnt:
    """Facts that a unit adds, not yet part of what is held."""

    ids: np.ndarray  # uint64
    judged: np.ndarray  # uint16, index in `Known.digests`
    firsts: np.ndarray  # FIRST; keys that are known already move to the earlier time
    valued: dict[int, ValuedFirst]


@dataclass(slots=True)
class Known:
    """Facts of a shard. `ids` is sorted; an id stands there once per digest it was judged under."""

    digests: list[int] = field(default_factory=list)
    ids: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.uint64))
    judged: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.uint16))
    firsts: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=FIRST))  # sorted by key, one each
    valued: dict[int, ValuedFirst] = field(default_factory=dict)
    rows: dict[bytes, int] = field(default_factory=dict)  # row -> number of its small cells in the store

    def judged_index(self, digest: int) -> int:
        """The number that stands for a digest in `judged`."""
        if digest not in self.digests:
            self.digests.append(digest)
        return self.digests.index(digest)

    def load(self, cells: Iterable[bytes], horizon_day: int) -> None:
        """Add the facts of rows just read. Ids processed before `horizon_day` are forgotten."""
        seen: list[tuple[int, np.ndarray]] = []
        firsts: list[np.ndarray] = []
        for cell in cells:
            facts: Facts = unpack_facts(cell)
            seen += [
                (self.judged_index(p.digest), np.frombuffer(p.ids, dtype="<u8")) for p in facts.seen if p.day >= horizon_day
            ]
            firsts.append(np.frombuffer(facts.firsts, dtype=FIRST))
            for key, first in facts.valued.items():
                self.valued[key] = min(first, self.valued.get(key, first))
        if seen:
            ids = np.concatenate([ids for _, ids in seen])
            judged = np.concatenate([np.full(len(ids), index, dtype=np.uint16) for index, ids in seen])
            self._add_ids(ids, judged)
        if firsts:
            self._add_firsts(np.concatenate(firsts))

    def learn(self, learnt: Learnt) -> None:
        """Add what an applied unit learnt."""
        self._add_ids(learnt.ids, learnt.judged)
        self._add_firsts(learnt.firsts)
        self.valued.update(learnt.valued)

    def _add_ids(self, ids: np.ndarray, judged: np.ndarray) -> None:
        order = np.lexsort((judged, ids))
        ids, judged = ids[order], judged[order]
        fresh = np.ones(len(ids), dtype=bool)
        fresh[1:] = (ids[1:] != ids[:-1]) | (judged[1:] != judged[:-1])
        ids, judged = ids[fresh], judged[fresh]
        at = np.searchsorted(self.ids, ids)
        self.ids = np.insert(self.ids, at, ids)
        self.judged = np.insert(self.judged, at, judged)

    def _add_firsts(self, firsts: np.ndarray) -> None:
        firsts = earliest(firsts)
        at = np.searchsorted(self.firsts["key"], firsts["key"])
        present = found_at(self.firsts["key"], at, firsts["key"])
        moved = firsts[present]
        if len(moved):
            held = self.firsts[at[present]]
            earlier = moved["time"] < held["time"]
            self.firsts = self.firsts.copy()
            self.firsts[at[present][earlier]] = moved[earlier]
        self.firsts = np.insert(self.firsts, at[~present], firsts[~present])

    @property
    def bytes_held(self) -> int:
        """Roughly what this costs in memory."""
        return self.ids.nbytes + self.judged.nbytes + self.firsts.nbytes + 300 * len(self.valued) + 150 * len(self.rows)


def found_at(held: np.ndarray, at: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Whether `wanted` stands at the places a search gave. Bool, shape of `wanted`."""
    if not len(held):
        return np.zeros(len(wanted), dtype=bool)
    return held[np.minimum(at, len(held) - 1)] == wanted

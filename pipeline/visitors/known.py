"""What is held in memory of one shard's visitors: their facts as sorted arrays, and which rows they were loaded from.

Held facts are those of the rows in `rows`, complete; anything else must be loaded first. They only ever come from the
store or from a unit that has been applied, so dropping them costs a read and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from pipeline.model.facts import (
    NO_FIRSTS,
    Firsts,
    TrialEvent,
    ValuedFirst,
    earliest,
    join_firsts,
    unpack_facts,
)

NO_IDS = np.zeros(0, dtype=np.uint64)
NO_JUDGED = np.zeros(0, dtype=np.uint32)
_ROW_BYTES = 150  # of memory, roughly, for a key in `rows`
_VALUED_BYTES = 300  # for a valued first
_TRIAL_BYTES = 350  # for an exposure or a goal event


@dataclass(slots=True)
class Learnt:
    """Facts that a unit adds, not yet part of what is held."""

    ids: np.ndarray  # uint64, each once
    judged: np.ndarray  # uint32, index in `Known.digests`
    firsts: Firsts  # sorted by key; keys that are known already move to the earlier time
    valued: dict[int, ValuedFirst]
    trials: dict[int, list[TrialEvent]] = field(default_factory=dict)  # new events by key


@dataclass(slots=True)
class Known:
    """Facts of a shard. `ids` is sorted; an id stands there once per digest it was judged under."""

    digests: list[int] = field(default_factory=list)
    ids: np.ndarray = field(default_factory=lambda: NO_IDS)
    judged: np.ndarray = field(default_factory=lambda: NO_JUDGED)
    firsts: Firsts = NO_FIRSTS  # sorted by key, one each
    valued: dict[int, ValuedFirst] = field(default_factory=dict)
    trials: dict[int, list[TrialEvent]] = field(default_factory=dict)  # in any order, one may stand there twice
    rows: dict[bytes, int] = field(default_factory=dict)  # row -> number of its small cells in the store
    _trial_events: int = 0
    _index: dict[int, int] = field(default_factory=dict)  # of `digests`

    def judged_index(self, digest: int) -> int:
        """The number that stands for a digest in `judged`."""
        index = self._index.get(digest)
        if index is None:
            index = self._index[digest] = len(self.digests)
            self.digests.append(digest)
        return index

    def load(self, groups: Iterable[Iterable[bytes]], horizon_day: int) -> None:
        """Add the facts of rows just read; a row is in one group of cells. Ids processed before `horizon_day` are forgotten.

        Each group is brought down to arrays before the next is taken, since what was read takes more memory.
        """
        ids, judged, firsts = [NO_IDS], [NO_JUDGED], [NO_FIRSTS]
        for cells in groups:
            found = [unpack_facts(cell) for cell in cells]
            parts = [part for facts in found for part in facts.seen if part.day >= horizon_day]
            if parts:
                of_group = [np.frombuffer(part.ids, dtype="<u8") for part in parts]
                index = [self.judged_index(part.digest) for part in parts]
                under = np.repeat(np.array(index, dtype=np.uint32), [len(of_part) for of_part in of_group])
                distinct = _distinct(np.concatenate(of_group), under)
                ids.append(distinct[0])
                judged.append(distinct[1])
            firsts.append(earliest(join_firsts([Firsts.from_bytes(facts.firsts) for facts in found])))
            for key, first in ((k, f) for facts in found for k, f in facts.valued.items()):
                self.valued[key] = min(first, self.valued.get(key, first))
            self._add_trials(facts.trials for facts in found)
        self._add_ids(*_sorted_by(np.concatenate(ids), [np.concatenate(judged)]))
        whole = join_firsts(firsts)
        self._add_firsts(Firsts(*_sorted_by(whole.key, [whole.time, whole.spot])))

    def learn(self, learnt: Learnt) -> None:
        """Add what an applied unit learnt."""
        order = np.argsort(learnt.ids)
        self._add_ids(learnt.ids[order], learnt.judged[order])
        self._add_firsts(learnt.firsts)
        self.valued.update(learnt.valued)
        self._add_trials([learnt.trials])

    def _add_trials(self, parts: Iterable[Mapping[int, list[TrialEvent]]]) -> None:
        for key, events in ((key, events) for part in parts for key, events in part.items()):
            self.trials.setdefault(key, []).extend(events)
            self._trial_events += len(events)

    def _add_ids(self, ids: np.ndarray, judged: np.ndarray) -> None:
        if not len(ids):  # what is held isn't copied for nothing
            return
        merge = _Merge(np.searchsorted(self.ids, ids), len(self.ids))
        self.ids, self.judged = merge(self.ids, ids), merge(self.judged, judged)

    def _add_firsts(self, firsts: Firsts) -> None:
        held = self.firsts
        at = np.searchsorted(held.key, firsts.key)
        present = found_at(held.key, at, firsts.key)
        moved = np.flatnonzero(present)
        moved = moved[firsts.time[moved] < held.time[at[moved]]]
        held.time[at[moved]], held.spot[at[moved]] = firsts.time[moved], firsts.spot[moved]
        fresh = firsts.take(~present)
        if not len(fresh.key):
            return
        merge = _Merge(at[~present], len(held.key))
        columns = list(held)
        del held
        self.firsts = NO_FIRSTS
        for i, new in enumerate(fresh):  # one after the other, so that only one is there twice
            columns[i] = merge(columns[i], new)
        self.firsts = Firsts(*columns)

    @property
    def bytes_held(self) -> int:
        """Roughly what this costs in memory."""
        arrays = self.ids.nbytes + self.judged.nbytes + sum(column.nbytes for column in self.firsts)
        objects = _VALUED_BYTES * len(self.valued) + _TRIAL_BYTES * self._trial_events
        return arrays + objects + _ROW_BYTES * len(self.rows)


def _sorted_by(key: np.ndarray, others: list[np.ndarray]) -> list[np.ndarray]:
    """Columns in the order of the first. Groups of neighbouring rows are in order already."""
    if len(key) < 2 or bool((key[1:] >= key[:-1]).all()):
        return [key, *others]
    order = np.argsort(key, kind="stable")
    return [column[order] for column in (key, *others)]


class _Merge:
    """Puts new rows into sorted columns at the places a search gave, the same for every column."""

    def __init__(self, at: np.ndarray, held: int) -> None:
        self._new = at + np.arange(len(at))
        self._old = np.ones(held + len(at), dtype=bool)
        self._old[self._new] = False

    def __call__(self, old: np.ndarray, new: np.ndarray) -> np.ndarray:
        merged = np.empty(len(self._old), dtype=old.dtype)
        merged[self._new] = new
        merged[self._old] = old
        return merged


def _distinct(ids: np.ndarray, judged: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sorted by id, each pair once."""
    order = np.argsort(ids) if len(judged) and (judged == judged[0]).all() else np.lexsort((judged, ids))
    ids, judged = ids[order], judged[order]
    again = np.zeros(len(ids), dtype=bool)
    again[1:] = (ids[1:] == ids[:-1]) & (judged[1:] == judged[:-1])
    return ids[~again], judged[~again]


def found_at(held: np.ndarray, at: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Whether `wanted` stands at the places a search gave. Bool, shape of `wanted`."""
    if not len(held):
        return np.zeros(len(wanted), dtype=bool)
    return held[np.minimum(at, len(held) - 1)] == wanted

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
from pipeline.visitors.levels import Levels, found_at

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

    @property
    def bytes_held(self) -> int:
        """Roughly what it costs in memory once it is known."""
        arrays = sum(column.nbytes for column in (self.ids, self.judged, *self.firsts))
        return arrays + _VALUED_BYTES * len(self.valued) + _TRIAL_BYTES * sum(map(len, self.trials.values()))


@dataclass(slots=True)
class Known:
    """Facts of a shard. `seen`: ids, and the digest that each was judged under; an id stands there once for each of those.
    `firsts`: the columns of `Firsts`, a key stands there once.
    """

    digests: list[int] = field(default_factory=list)
    seen: Levels = field(default_factory=lambda: Levels(NO_IDS, NO_JUDGED))
    firsts: Levels = field(default_factory=lambda: Levels(*NO_FIRSTS))
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
        self.seen.add(_sorted_by(np.concatenate(ids), [np.concatenate(judged)]))
        whole = join_firsts(firsts)
        self._add_firsts(Firsts(*_sorted_by(whole.key, [whole.time, whole.spot])))

    def learn(self, learnt: Learnt) -> None:
        """Add what an applied unit learnt."""
        order = np.argsort(learnt.ids)
        self.seen.add([learnt.ids[order], learnt.judged[order]])
        self._add_firsts(learnt.firsts)
        self.valued.update(learnt.valued)
        self._add_trials([learnt.trials])

    def _add_trials(self, parts: Iterable[Mapping[int, list[TrialEvent]]]) -> None:
        for key, events in ((key, events) for part in parts for key, events in part.items()):
            self.trials.setdefault(key, []).extend(events)
            self._trial_events += len(events)

    def _add_firsts(self, firsts: Firsts) -> None:
        for key, time, spot in self.firsts.each:
            at = np.searchsorted(key, firsts.key)
            present = found_at(key, at, firsts.key)
            earlier = np.flatnonzero(present)
            earlier = earlier[firsts.time[earlier] < time[at[earlier]]]
            time[at[earlier]], spot[at[earlier]] = firsts.time[earlier], firsts.spot[earlier]
            firsts = firsts.take(~present)
        self.firsts.add(firsts)

    def firsts_of(self, key: np.ndarray) -> tuple[np.ndarray, Firsts]:
        """(Places in `key` of the keys that have a first; these firsts)."""
        found, firsts = [np.zeros(0, dtype=np.int64)], [NO_FIRSTS]
        for held, time, spot in self.firsts.each:
            at = np.searchsorted(held, key)
            present = np.flatnonzero(found_at(held, at, key))
            found.append(present)
            firsts.append(Firsts(key[present], time[at[present]], spot[at[present]]))
        return np.concatenate(found), join_firsts(firsts)

    @property
    def bytes_held(self) -> int:
        """Roughly what this costs in memory."""
        arrays = self.seen.nbytes + self.firsts.nbytes
        objects = _VALUED_BYTES * len(self.valued) + _TRIAL_BYTES * self._trial_events
        return arrays + objects + _ROW_BYTES * len(self.rows)


def _sorted_by(key: np.ndarray, others: list[np.ndarray]) -> list[np.ndarray]:
    """Columns in the order of the first. Groups of neighbouring rows are in order already."""
    if len(key) < 2 or bool((key[1:] >= key[:-1]).all()):
        return [key, *others]
    order = np.argsort(key, kind="stable")
    return [column[order] for column in (key, *others)]


def _distinct(ids: np.ndarray, judged: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sorted by id, each pair once."""
    order = np.argsort(ids) if len(judged) and (judged == judged[0]).all() else np.lexsort((judged, ids))
    ids, judged = ids[order], judged[order]
    again = np.zeros(len(ids), dtype=bool)
    again[1:] = (ids[1:] == ids[:-1]) & (judged[1:] == judged[:-1])
    return ids[~again], judged[~again]

"""From hits to the set of distinct events: each once, in the order of accounts, visitors, event times and messageIds."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pipeline.audit.gather import Combos, Gathered, MessageIds
from pipeline.model.hit import spans, starts_of


@dataclass(slots=True)
class Events:
    """Distinct events as parallel arrays. Those of one visitor are neighbours, the earliest first; of equal times the
    one with the smallest messageId, where amounts of firsts are counted.
    """

    combos: Combos
    visitor: np.ndarray  # int64: 0, 1, ... in the order they stand here
    when: np.ndarray  # int32, local day and hour (see `calendar`)
    flags: np.ndarray  # uint8, as in `HitBlock`
    combo: np.ndarray  # uint32
    start: np.ndarray  # int64, where an event's numbers begin in `values`
    values: np.ndarray  # int64, micro-units or NO_NUMBER
    copies: int  # deliveries of events that are here already
    differing: int  # of these, such as say something else than the one before

    def rows(self, wanted: slice) -> Events:
        """Some of them, without copying any."""
        columns = {name: getattr(self, name)[wanted] for name in ("visitor", "when", "flags", "combo", "start")}
        return replace(self, **columns)


def distinct(gathered: Gathered) -> Events:
    """The events of all hits. Of copies the first in the input is taken. Uses up what was gathered."""
    combos = gathered.combos
    combo = gathered.column("combo")
    account, visitor, message = _of(combos.account)[combo], gathered.column("visitor"), gathered.column("message")
    order = np.lexsort((message, visitor, account))
    begins_visitor = _changes(account, order) | _changes(visitor, order)
    again = ~(begins_visitor | _changes(message, order))
    del account, visitor, message
    lengths = np.array([len(fields) for fields in combos.forms], dtype=np.int64)[_of(combos.form)[combo]]
    start, values, time = starts_of(lengths), gathered.values(), gathered.column("time")
    differing = _differing(order, np.flatnonzero(again), _Told(time, _of(combos.content)[combo], start, lengths, values))
    order, number = order[~again], np.cumsum(begins_visitor)[~again] - 1
    by_time = np.lexsort((time[order], number))
    order, number = order[by_time], number[by_time]
    _settle_ties(order, number, time[order], _of(combos.valued)[combo], gathered.message_ids)
    del time, lengths, by_time
    columns = {name: gathered.column(name)[order] for name in ("when", "flags")}
    return Events(combos, number, **columns, combo=combo[order], start=start[order], values=values,
                  copies=int(again.sum()), differing=differing)  # fmt: skip


def _of(numbers: object) -> np.ndarray:
    return np.array(numbers)


def _changes(column: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Whether each row, taken in order, has another value than the row before; the first has."""
    ordered = column[order]
    changed = np.ones(len(ordered), dtype=bool)
    changed[1:] = ordered[1:] != ordered[:-1]
    return changed


@dataclass(frozen=True, slots=True)
class _Told:
    """What hits say, to see whether copies say the same."""

    time: np.ndarray
    content: np.ndarray
    start: np.ndarray
    length: np.ndarray
    values: np.ndarray


def _differing(order: np.ndarray, again: np.ndarray, told: _Told) -> int:
    """How many copies say something else than the copy before them. again: their places in `order`."""
    copy, before = order[again], order[again - 1]
    differs = (told.time[copy] != told.time[before]) | (told.content[copy] != told.content[before])
    alike = np.flatnonzero(~differs)
    length = told.length[copy[alike]]
    ours, theirs = (told.values[spans(told.start[rows[alike]], length)] for rows in (copy, before))
    differs[np.repeat(alike, length)[ours != theirs]] = True
    return int(differs.sum())


def _settle_ties(
    order: np.ndarray, visitor: np.ndarray, time: np.ndarray, valued: np.ndarray, message_ids: MessageIds
) -> None:
    """Put events of one visitor with equal times in the order of their messageIds, in place; those without one first."""
    tied = np.flatnonzero((visitor[1:] == visitor[:-1]) & (time[1:] == time[:-1]))
    if not len(tied):
        return
    id_at = (np.cumsum(valued) - 1).tolist()
    breaks = np.flatnonzero(np.diff(tied) > 1)
    begins, ends = tied[np.concatenate([[0], breaks + 1])], tied[np.concatenate([breaks, [-1]])] + 2
    for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
        hits = order[begin:end].tolist()
        hits.sort(key=lambda hit: message_ids[id_at[hit]] if valued[hit] else b"")
        order[begin:end] = hits

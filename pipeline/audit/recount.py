"""What each metric comes to, from distinct events: by breakdown value and hour. The counting itself is in `count`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np

from pipeline.audit.cells import Cells, added_up, columns_of, joined
from pipeline.audit.count import count_kind
from pipeline.audit.distinct import Events, distinct
from pipeline.audit.gather import Combos, Gathered, Kind, Names
from pipeline.audit.trials import TrialRecount
from pipeline.model.judged import Judged
from pipeline.model.layout import HOURS_PER_DAY


class Recount:
    """The numbers of all passes over the input. A visitor's events are all in one pass."""

    def __init__(self, judged: Mapping[str, Judged]) -> None:
        self.judged = judged
        self.names = Names()
        self.tally: Counter[str] = Counter()
        self.days: dict[str, tuple[int, int]] = {}  # account -> first and last day with an event that counts
        self._found: dict[Kind, list[Cells]] = {}
        self.trials = TrialRecount(judged)

    def gather(self, part: int = 0, parts: int = 1) -> Gathered:
        """An empty table for one pass."""
        return Gathered(self.judged, self.names, part, parts)

    def add(self, gathered: Gathered) -> None:
        """Count what one pass has gathered; uses it up."""
        events = distinct(gathered)
        self.tally.update(counted=len(events.when), copies=events.copies, differing_copies=events.differing)
        by_kind = _ByKind(events.combos)
        for account, mine in _by_account(events):
            days = mine.when // HOURS_PER_DAY
            first, last = self.days.get(account, (int(days[0]), int(days[0])))
            self.days[account] = min(first, int(days.min())), max(last, int(days.max()))
            for kind, name_of_combo in by_kind.of(account):
                judged = self.judged[account]
                self._found.setdefault(kind, []).append(count_kind(judged, kind, mine, name_of_combo))

    def cells(self, kind: Kind) -> Cells:
        """By hour; an hour that is not there had nothing."""
        cols = columns_of(self.judged[kind.account].metrics[kind.metric].metric, kind.breakdown)
        return added_up(joined(self._found.get(kind, []), len(cols)), cols)


def _by_account(events: Events) -> Iterator[tuple[str, Events]]:
    """Each account's events: views of the same arrays."""
    accounts = events.combos.accounts
    account = np.array(events.combos.account)[events.combo]
    begins = np.flatnonzero(np.concatenate([[len(account) > 0], account[1:] != account[:-1]])).tolist()
    for begin, end in zip(begins, [*begins[1:], len(account)], strict=bool(begins)):
        yield accounts[account[begin]], events.rows(slice(begin, end))


class _ByKind:
    """The entries of combos, kind by kind."""

    def __init__(self, combos: Combos) -> None:
        kind = np.array(combos.entry_kind)
        order = np.argsort(kind, kind="stable")
        ends = np.searchsorted(kind[order], np.arange(len(combos.kinds)), side="right")
        self._combo = np.split(np.array(combos.entry_combo)[order], ends)
        self._name = np.split(np.array(combos.entry_name)[order], ends)
        self._kinds: dict[str, list[tuple[Kind, int]]] = {}
        for kind_of, number in combos.kinds.items():
            self._kinds.setdefault(kind_of.account, []).append((kind_of, number))
        self._name_of_combo = np.full(len(combos), -1, dtype=np.int64)

    def of(self, account: str) -> Iterator[tuple[Kind, np.ndarray]]:
        """Each kind of the account, with the breakdown value (as a number) of each combo; -1: it is not of the kind."""
        for kind, number in self._kinds[account]:
            self._name_of_combo[self._combo[number]] = self._name[number]
            yield kind, self._name_of_combo
            self._name_of_combo[self._combo[number]] = -1

"""Where a unit's series lie among the slots: addresses by number, each worked out and loaded once."""

from __future__ import annotations

import numpy as np

from pipeline.counters.slots import Address, Changes, Places, Slots
from pipeline.counters.totals import Additions
from pipeline.model import layout
from pipeline.model.event import NONE_VALUE, OTHER_VALUE
from pipeline.model.group import group, group_pairs
from pipeline.store.contract import Store
from pipeline.visitors.unit import ComboTable


class UnitAddresses:
    """The addresses of a unit's series and days. A series' metric and breakdown are its *spread*, what all its values have
    in common; with the account and a day they make an address.
    """

    def __init__(self, slots: Slots, table: ComboTable, store: Store) -> None:
        self._slots = slots
        self._table = table
        self._store = store
        numbers: dict[tuple[int, int], int] = {}
        self._spread_of = np.array([numbers.setdefault(f[:2], len(numbers)) for f in table.forms], dtype=np.int64)
        self._spreads = list(numbers)
        self._rows = [layout.counter_rows(judged.account) for judged in table.judged]
        self._made: dict[int, Address] = {}  # by day, account and spread

    def beyond(self, series: np.ndarray, day: np.ndarray, values_max: int) -> np.ndarray:
        """Whether each (series, day) finds no room among the named values of its breakdown: bool. All are held then."""
        numbers, days, which = group_pairs(series, day)
        addresses, at = self._addresses(numbers, days)
        most = int(np.bincount(at).max(initial=0))
        if self._slots.values_max + most <= values_max:
            return np.zeros(len(series), dtype=bool)
        return self._beyond(numbers, days, [addresses[i] for i in at.tolist()], values_max)[which]

    def _beyond(self, series: np.ndarray, day: np.ndarray, addresses: list[Address], values_max: int) -> np.ndarray:
        """The same one by one, day by day, where the bound may be reached."""
        named: dict[Address, set[str]] = {}
        beyond = np.zeros(len(series), dtype=bool)
        with_value = np.flatnonzero(self._table.breakdown_of(series))
        for i in with_value[np.lexsort((series[with_value], day[with_value]))].tolist():
            value = self._table.series(int(series[i])).value
            names = named.get(addresses[i])
            if names is None:
                names = named[addresses[i]] = self._slots.names(addresses[i])
            if value in names or value in (NONE_VALUE, OTHER_VALUE):
                continue
            if len(names) >= values_max:
                beyond[i] = True
            else:
                names.add(value)
        return beyond

    def changes(self, additions: Additions) -> Changes:
        """The new values of slots."""
        addresses, at = self._addresses(additions.series, additions.day)
        texts = [layout.counter_text(form.value) for form in self._table.forms]
        places = Places(
            [addresses[i] for i in at.tolist()],
            [texts[f] for f in self._table.form_of(additions.series).tolist()],
            self._table.metric_of(additions.series),
            self._table.metrics,
        )
        return self._slots.changed(places, additions.counts, additions.hours, additions.rows)

    def _addresses(self, series: np.ndarray, day: np.ndarray) -> tuple[list[Address], np.ndarray]:
        """The distinct addresses, held from now on; and which of them each (series, day) is at."""
        spread = self._spread_of[self._table.form_of(series)]
        spreads, days, kind = group_pairs(spread, day)
        codes, at = group(self._table.account_of(series) * len(spreads) + kind)
        account, kind = np.divmod(codes, max(1, len(spreads)))
        wanted = ((days * len(self._spreads) + spreads)[kind] * len(self._rows) + account).tolist()
        new = [i for i, code in enumerate(wanted) if code not in self._made]
        if new:
            ends = [self._place(*place) for place in zip(spreads.tolist(), days.tolist(), strict=True)]
            pairs = zip(account[new].tolist(), kind[new].tolist(), strict=True)
            made = [Address(self._rows[a] + ends[k][0], ends[k][1]) for a, k in pairs]
            self._slots.load(made, self._store.read)
            self._made.update(zip([wanted[i] for i in new], made, strict=True))
        return [self._made[code] for code in wanted], at

    def _place(self, spread: int, day: int) -> tuple[bytes, bytes]:
        metric, breakdown = self._spreads[spread]
        return self._slots.place(self._table.metrics[metric], breakdown, day)

"""Puts counter cells into a store for tests of the read side, as plain numbers a test can state.

What is counted is said by day, slot, value and measure; the bytes are `layout`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np

from pipeline.model.counter import LIMB_BITS, LIMB_MASK, QUALITY, columns, neutral_row
from pipeline.model.definition import Metric
from pipeline.model.layout import (
    DAY,
    HOUR,
    HOURS_PER_DAY,
    MICRO,
    CounterKey,
    counter_qualifier,
    counter_row,
    pack_hours,
    pack_totals,
)
from pipeline.store.contract import Cell, Store

Amount = int | str | tuple[str, int]  # a count or "12.50"; for a mean the sum and the number of values


@dataclass(slots=True)
class Counters:
    """A store with one account's counters. Each call writes one cell."""

    store: Store
    account: str = "acme"
    seq: int = 0

    def day(
        self, metric: Metric, day: str, amounts: Mapping[str, Amount], *, breakdown: str | None = None, value: str = "",
        slot: int = 0, quality: Mapping[str, int] | None = None,
    ) -> None:  # fmt: skip
        """Totals of a day: of the series without breakdown, or of one value of a breakdown."""
        k = metric.breakdowns.index(breakdown) + 1 if breakdown else 0
        row = totals(metric, amounts)
        if k == 0:
            row = np.concatenate([row, np.array([(quality or {}).get(q, 0) for q in QUALITY], dtype=np.int64)])
        self._write(metric, day, CounterKey(DAY, k, int(day[-2:]), slot, value), pack_totals(row))

    def hours(
        self, metric: Metric, day: str, amounts: Mapping[int, Mapping[str, Amount]], *, breakdown: str | None = None,
        value: str = "", slot: int = 0,
    ) -> None:  # fmt: skip
        """A day by hours; the hours are those of the layout (24 and more: after a clock change).

        Hours that aren't named are not neutral, as in the pipeline's cells: only `touched` says that they mean nothing.
        """
        k = metric.breakdowns.index(breakdown) + 1 if breakdown else 0
        width = len(columns(metric.measures))
        table = np.zeros((HOURS_PER_DAY, width + (0 if k else len(QUALITY))), dtype=np.int64)
        touched = np.zeros(HOURS_PER_DAY, dtype=bool)
        for hour, named in amounts.items():
            table[hour, :width], touched[hour] = totals(metric, named), True
        self._write(metric, day, CounterKey(HOUR, k, int(day[-2:]), slot, value), pack_hours(table, touched))

    def _write(self, metric: Metric, day: str, key: CounterKey, value: bytes) -> None:
        at = date.fromisoformat(day)
        row = counter_row(self.account, metric.id, metric.revision, at.year, at.month)
        self.seq = self.store.commit(0, self.seq, [Cell("counters", row, counter_qualifier(key), value)])


def totals(metric: Metric, amounts: Mapping[str, Amount]) -> np.ndarray:
    """The columns of a cell that holds these amounts; measures that aren't named have nothing."""
    row = neutral_row(columns(metric.measures), quality=False)
    for i, column in enumerate(columns(metric.measures)):
        if column.measure in amounts:
            row[i] = _part(column.part, amounts[column.measure])
    return row


def _part(part: str, amount: Any) -> int:
    if part == "n":
        return amount[1] if isinstance(amount, tuple) else amount
    micro = int(Decimal(amount[0] if isinstance(amount, tuple) else amount) * MICRO)
    return {"hi": micro >> LIMB_BITS, "lo": micro & LIMB_MASK}.get(part, micro)

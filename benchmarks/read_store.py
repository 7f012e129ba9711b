"""The store that `read` asks: months of counters with every slot filled, and the definitions they belong to.

A count is a plain function of what it is about, so that any answer can be held against it without a second store.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from pipeline.definitions.source import open_definitions
from pipeline.model.counter import QUALITY, columns
from pipeline.model.definition import Metric
from pipeline.model.layout import DAY, CounterKey, counter_qualifier, counter_row, pack_totals
from pipeline.store import Cell, Store

ACCOUNT = "shop"
BREAKDOWNS = ("context.location.country", "properties.variationName", "properties.category")
MEASURES = {
    "events": {"aggregate": "count"},
    "revenue": {"aggregate": "sum", "field": "properties.total"},
    "visitors": {"aggregate": "count", "once_per": "visitor"},
}
CENT = 10_000  # micro-units


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is: `days` up to `last`, of each metric without and with each breakdown, in each slot."""

    metrics: int
    days: int
    values: int
    slots: int
    last: date

    @property
    def cells(self) -> int:
        return self.metrics * self.days * self.slots * (1 + len(BREAKDOWNS) * self.values)

    def months(self) -> Iterator[list[date]]:
        """The days, month by month."""
        days = [self.last - timedelta(i) for i in reversed(range(self.days))]
        for first in dict.fromkeys((day.year, day.month) for day in days):
            yield [day for day in days if (day.year, day.month) == first]


def metric_id(number: int) -> str:
    return f"metric_{number:03d}"


def write_definitions(path: Path, size: Size) -> dict[str, Metric]:
    """Write the definitions as a file; the metrics as the pipeline knows them."""
    metrics = [
        {"id": metric_id(i), "where": {"event": f"Event {i}"}, "measures": MEASURES, "breakdowns": list(BREAKDOWNS)}
        for i in range(size.metrics)
    ]
    path.write_text(json.dumps({"account": ACCOUNT, "settings": {"timezone": "UTC"}, "metrics": metrics}))
    source = open_definitions(str(path))
    found = source.read().accounts[ACCOUNT].metrics
    source.close()
    return dict(found)


def fill(store: Store, size: Size, metrics: dict[str, Metric]) -> None:
    """Write all cells: a unit for each slot and metric."""
    series = [(0, ""), *((b, value_name(v)) for b in range(1, len(BREAKDOWNS) + 1) for v in range(size.values))]
    for slot in range(size.slots):
        seq = store.take(slot)
        for number in range(size.metrics):
            cells = _cells(metrics[metric_id(number)], number, size, series, slot)
            seq = store.commit(slot, seq, cells)


def value_name(value: int) -> str:
    return f"value {value:02d}"


def count_of(metric: int, day: date, breakdown: int, value: int, slot: int) -> int:
    """Events of one cell."""
    return (metric * 7 + day.toordinal() * 3 + breakdown * 11 + value * 5 + slot) % 97 + 1


def events_of(metric: int, day: date, slots: int) -> int:
    """Events of a metric on a day, over all slots."""
    return sum(count_of(metric, day, 0, 0, slot) for slot in range(slots))


def _cells(metric: Metric, number: int, size: Size, series: list[tuple[int, str]], slot: int) -> list[Cell]:
    width = len(columns(metric.measures))
    cells = []
    for days in size.months():
        row = counter_row(ACCOUNT, metric.id, metric.revision, days[0].year, days[0].month)
        counts = np.array([count_of(number, d, b, int(v[-2:] or 0), slot) for d in days for b, v in series], dtype=np.int64)
        totals = np.zeros((len(counts), width + len(QUALITY)), dtype=np.int64)
        # In the order of `columns`: events, the two limbs of revenue, visitors.
        totals[:, 0], totals[:, 2], totals[:, 3] = counts, counts * 1999 * CENT, counts // 2 + 1
        keys = [CounterKey(DAY, b, day.day, slot, value) for day in days for b, value in series]
        wide, narrow = totals, totals[:, :width]  # quality stands in the series without breakdown only
        cells += [
            Cell("counters", row, counter_qualifier(key), pack_totals((narrow if key.breakdown else wide)[i]))
            for i, key in enumerate(keys)
        ]
    return cells

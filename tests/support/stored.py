"""Reads all counters of a store as plain numbers, cell by cell, for holding them against the oracle's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import numpy as np

from pipeline.model.counter import Column, add_rows, columns, measure_value
from pipeline.model.definition import Metric, Snapshot
from pipeline.model.layout import DAY, parse_counter_qualifier, unpack_hours, unpack_totals
from pipeline.store.contract import Store

Numbers = dict[tuple[Any, ...], int | Decimal]  # keyed as `naive.count` does


def stored_numbers(store: Store, snapshots: Iterable[Snapshot]) -> Numbers:
    """What all metrics that were ever in force came to; zeros are left out."""
    accounts = [account for snapshot in snapshots for account in snapshot.accounts.values()]
    metrics = {(a.account, m.id, m.revision): m for a in accounts for m in a.metrics.values()}
    rows: dict[tuple[Any, ...], list[np.ndarray]] = defaultdict(list)
    for row, cells in store.scan("counters", b"").items():
        account, named, month = row.decode().rsplit("#", 2)
        metric_id, revision = named.split("@")
        metric = metrics.get((account, metric_id, revision))
        for qualifier, value in cells if metric else ():
            _take(rows, (account, metric_id, revision), metric, month, qualifier, value)
    return _numbers(rows, metrics)


def _take(
    rows: dict[tuple[Any, ...], list[np.ndarray]], name: tuple[str, ...], metric: Metric, month: str, qualifier: bytes,
    value: bytes,
) -> None:  # fmt: skip
    key = parse_counter_qualifier(qualifier)
    width = len(columns(metric.measures))
    path = metric.breakdowns[key.breakdown - 1] if key.breakdown else ""
    day = f"{month}-{key.day:02d}"
    if key.kind == DAY:
        rows[*name, path, key.value, day].append(unpack_totals(value)[:width])
        return
    first, touched, hours = unpack_hours(value)
    for hour in np.flatnonzero(touched).tolist():
        rows[*name, path, key.value, f"{day}/{first + hour:02d}"].append(hours[hour, :width])


def _numbers(rows: Mapping[tuple[Any, ...], list[np.ndarray]], metrics: Mapping[tuple[str, ...], Metric]) -> Numbers:
    numbers: Numbers = {}
    for (*name, path, value, when), found in rows.items():
        metric = metrics[tuple(name)]
        cols: tuple[Column, ...] = columns(metric.measures)
        totals = add_rows(cols, np.stack(found)).tolist()
        for measure in metric.measures:
            number = measure_value(cols, totals, measure)
            if number is not None and (number or measure.aggregate in ("min", "max", "mean")):
                numbers[*name, measure.name, path, value, when] = number
    return numbers


def differences(found: Numbers, expected: Numbers) -> list[str]:
    """A line for each number that is not as expected."""
    wrong = sorted(key for key in found.keys() | expected.keys() if found.get(key) != expected.get(key))
    return [f"{key}: {found.get(key)} instead of {expected.get(key)}" for key in wrong]

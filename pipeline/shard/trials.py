"""Experiments' numbers as changes of slots, between the pure rules of `pipeline.trials` and what is held of the store."""

from __future__ import annotations

import numpy as np

from pipeline.counters.slots import Address, Changes, Places, Slots
from pipeline.model import layout
from pipeline.model.judged import JudgedMetric
from pipeline.model.layout import HOURS_PER_DAY
from pipeline.store.contract import Store
from pipeline.trials.mark import LearntTrials, TrialKey
from pipeline.visitors.unit import Unit


class TrialRoom:
    """Whether a day has room for one more named value of a breakdown, see `trials.mark.HasRoom`."""

    def __init__(self, unit: Unit, slots: Slots, store: Store, values_max: int) -> None:
        self._unit = unit
        self._slots = slots
        self._store = store
        self._values_max = values_max
        self._named: dict[Address, set[str]] = {}

    def __call__(self, key: TrialKey, breakdown: int, when: int, text: str) -> bool:
        address = _address(self._unit, self._slots, key, breakdown, when // HOURS_PER_DAY)[1]
        names = self._named.get(address)
        if names is None:
            self._slots.load([address], self._store.read)
            names = self._named[address] = self._slots.names(address)
        if text not in names and len(names) >= self._values_max:
            return False
        names.add(text)
        return True


def trial_changes(unit: Unit, trials: LearntTrials, slots: Slots, store: Store) -> list[Changes]:
    """The new values of the slots whose rows change."""
    hours: dict[tuple[Address, str], dict[int, list[int]]] = {}
    metrics: dict[Address, JudgedMetric] = {}
    for key, rows in trials.rows.items():
        for (when, breakdown, name), row in rows.items():
            metric, address = _address(unit, slots, key, breakdown, when // HOURS_PER_DAY)
            metrics[address] = metric
            hours.setdefault((address, name), {})[when % HOURS_PER_DAY] = row
    if not hours:
        return []
    slots.load(metrics, store.read)
    distinct = {id(metric): metric for metric in metrics.values()}
    numbers = {identity: i for i, identity in enumerate(distinct)}
    number = np.array([numbers[id(metrics[address])] for address, _ in hours], dtype=np.int64)
    texts = [layout.counter_text(name) for _, name in hours]
    places = Places([address for address, _ in hours], texts, number, list(distinct.values()))
    counts = np.array([len(of_place) for of_place in hours.values()], dtype=np.int64)
    at = np.array([hour for of_place in hours.values() for hour in of_place], dtype=np.int64)
    found = [row for of_place in hours.values() for row in of_place.values()]
    widest = max(len(row) for row in found)
    padded = np.array([row + [0] * (widest - len(row)) for row in found], dtype=np.int64)
    return [slots.changed(places, counts, at, padded)]


def _address(unit: Unit, slots: Slots, key: TrialKey, breakdown: int, day: int) -> tuple[JudgedMetric, Address]:
    judged = unit.table.judged[key.account]
    metric = judged.metrics[judged.trials[key.trial].metric]
    return metric, slots.address(judged.account, metric, breakdown, day)

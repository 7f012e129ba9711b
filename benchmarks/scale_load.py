"""What a rate of events comes to: hits, units, cells and bytes, and what is known of visitors after some days.

Pure functions of the measured figures; what that costs is `scale_needs`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.scale_prices import ASSUMED
from benchmarks.scale_skew import fanouts, skew, zipf
from pipeline.model.facts import FIRST
from pipeline.model.layout import BUCKETS_PER_SHARD
from pipeline.model.limits import FANOUT_MAX
from pipeline.shard.keeper import DEDUP_DAYS

MEASURED = Path(__file__).with_name("scale_measured.json")
MEASURED_PER_VISITOR = 10.0  # events a visitor and day
DAY_S = 86_400
# What `pipeline.streaming.commit` does, which isn't imported since it brings Beam along.
FLUSH_S = 0.5
UNIT_BYTES_MAX = 2 << 20
ID_BYTES, ID_HELD_BYTES = 8, 12  # in the store, and in memory


def read_measured() -> dict[str, Any]:
    """The committed figures."""
    return json.loads(MEASURED.read_text())


@dataclass(frozen=True)
class Size:
    """A deployment. rate: events/s; days: of history. What could be changed in Daycount: held_days, how many of them a
    worker needs to hold facts of (0: all).
    """

    rate: float
    accounts: int
    shards: int
    flush_s: float = FLUSH_S
    days: int = 30
    per_visitor: float = MEASURED_PER_VISITOR
    held_days: int = 0


class Load:
    """What a `Size` has to carry. Rates are per second; `facts` are those of visitors."""

    def __init__(self, size: Size, measured: Mapping[str, Any]) -> None:
        self.size = size
        self.m = measured
        self.shares, self.fanout = _accounts(size.accounts, size.shards)

    @cached_property
    def hits(self) -> float:
        return self.size.rate * self.m["hits_per_event"]

    @cached_property
    def hottest(self) -> float:
        """Load of the hottest shard over the mean, as accounts' names usually fall."""
        return _usual_skew(self.size.accounts, self.size.shards)

    @property
    def units(self) -> float:
        """A shard commits once a flush interval, on all shards together."""
        return self.size.shards / self.size.flush_s

    @cached_property
    def _parts(self) -> np.ndarray:
        """Hits that each account has in a unit of each of its shards, and how many such shards: shape (accounts, 2)."""
        return np.stack([self.hits * self.size.flush_s * self.shares / self.fanout, self.fanout.astype(float)], axis=1)

    @cached_property
    def visitors_rows(self) -> float:
        """Visitors' rows that a unit touches, on the average: of each account's 256, those that got a hit."""
        hits, parts = self._parts.T
        return float((parts * touched_buckets(hits)).sum() / self.size.shards)

    @cached_property
    def counter_cells(self) -> float:
        """Counter cells that a unit touches: two for each series that got a hit."""
        hits, parts = self._parts.T
        return float((parts * 2 * series_touched(self.m, hits)).sum() / self.size.shards)

    @property
    def counter_rows(self) -> float:
        return self.counter_cells / self.m["counter_cells_per_row"]

    @cached_property
    def firsts_per_hit(self) -> tuple[float, float]:
        """New firsts: those of a day, and those for ever. Measured at ten events a visitor and day, and fewer with more."""
        fewer = firsts(self.m, self.size.per_visitor) / firsts(self.m, MEASURED_PER_VISITOR)
        day, first_day = self.m["firsts_per_hit_later"], self.m["firsts_per_hit_first_day"]
        return day * fewer, (first_day - day) * fewer * ASSUMED["new_visitors"].value

    @property
    def facts_per_hit(self) -> float:
        """Bytes of facts that a hit adds to the store."""
        return self.m["ids_per_hit"] * ID_BYTES + sum(self.firsts_per_hit) * FIRST.itemsize

    @property
    def held_per_hit(self) -> float:
        """Bytes of facts that a hit adds to what is held."""
        return self.m["ids_per_hit"] * ID_HELD_BYTES + sum(self.firsts_per_hit) * FIRST.itemsize

    @property
    def facts_stored(self) -> float:
        """Bytes in the store after `days`. Ids are passed over after the days of deduplication, but stay in sealed cells."""
        return self.hits * DAY_S * self.facts_per_hit * self.size.days

    @property
    def facts_held(self) -> float:
        """Bytes in the memory of all workers together, so that nothing is read again."""
        days = self.size.held_days or self.size.days
        of_day, for_ever = self.firsts_per_hit
        ids = self.m["ids_per_hit"] * ID_HELD_BYTES * min(days, DEDUP_DAYS + 1)
        return self.hits * DAY_S * (ids + FIRST.itemsize * (of_day * days + for_ever * self.size.days))

    @property
    def largest_row(self) -> float:
        """Bytes of one visitors' row of the largest account."""
        return self.facts_stored * self.shares[0] / (float(self.fanout[0]) * BUCKETS_PER_SHARD)

    @property
    def counters_stored(self) -> float:
        """Bytes of counters after `days`: both cells of each series, of every slot that an account fills in a day."""
        hits = self.hits * DAY_S * self.shares / self.fanout
        cells = (2 * series_touched(self.m, hits) * self.fanout).sum()
        return float(cells * self.m["counter_cell_bytes"] * self.size.days)

    @property
    def payload(self) -> float:
        """Bytes of a mean unit's cells, which are its head's payload too."""
        visitors = self.visitors_rows * self.m["visitors_cell_bytes"] + self.hits / self.units * self.facts_per_hit
        return (visitors + self.counter_cells * self.m["counter_cell_bytes"]) * self.m["payload_factor"]

    @property
    def rows_written(self) -> float:
        """Rows mutated per second, heads among them."""
        return self.units * (1 + self.visitors_rows + self.counter_rows)

    @property
    def written(self) -> float:
        """Bytes per second: every unit is written twice, into its head and as its cells."""
        return 2 * self.units * self.payload

    @property
    def stored(self) -> float:
        return self.facts_stored + self.counters_stored

    @property
    def read_again_bytes(self) -> float:
        """Per second, when nothing is held: every unit reads the rows it touches, with all that is in them."""
        hits, parts = self._parts.T
        of_row = self.facts_stored * self.shares / (parts * BUCKETS_PER_SHARD)
        return float((parts * touched_buckets(hits) * of_row).sum() / self.size.flush_s)


def _accounts(count: int, shards: int) -> tuple[np.ndarray, np.ndarray]:
    shares = zipf(count, ASSUMED["accounts_zipf"].value)
    return shares, fanouts(shares, shards, FANOUT_MAX)


@cache
def _usual_skew(accounts: int, shards: int) -> float:
    return skew(*_accounts(accounts, shards), shards)[0]


def touched_buckets(hits: np.ndarray) -> np.ndarray:
    """How many of an account's buckets in a shard get a hit, of so many hits spread at random."""
    return -BUCKETS_PER_SHARD * np.expm1(-hits / BUCKETS_PER_SHARD)


def series_touched(measured: Mapping[str, Any], hits: np.ndarray) -> np.ndarray:
    """How many of an account's series get one of so many hits."""
    touched: np.ndarray = -np.expm1(-np.outer(hits, measured["series_shares"])).sum(axis=1)
    return touched


def firsts(measured: Mapping[str, Any], per_visitor: float) -> float:
    """New firsts a hit if each visitor has so many events on a day: of each series at most one a day."""
    hits = per_visitor * measured["hits_per_event"]
    return float(series_touched(measured, np.array([hits]))[0]) / hits

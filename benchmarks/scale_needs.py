"""What a load needs: CPU, memory, Bigtable nodes, money, and what can't be bought. The arithmetic of `deploy/scale.md`.

Measured figures per event, hit, cell and unit, times what `scale_load` says; prices and limits from `scale_prices`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.scale_load import DAY_S, UNIT_BYTES_MAX, Load, Size
from benchmarks.scale_prices import ASSUMED, DAYS_PER_MONTH, HOURS_PER_MONTH, LIMITS, PRICES, Read
from pipeline.run_command import HELD_LIVE_MB
from pipeline.shard.plan import FOLD_CELLS

MB, GB, TB, TIB = 1e6, 1e9, 1e12, 2**40
REDIS_GB = 5
ROUNDS_TO_SETTLE = 8
MONTH_S = DAYS_PER_MONTH * DAY_S


def _value(table: Mapping[str, Read], name: str) -> float:
    return table[name].value


class Needs:
    """What a load needs. CPU in cores, money in dollars a month."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.m = load.m

    @property
    def match_cpu(self) -> float:
        """Decode and match."""
        blocks = self.load.size.rate / _value(ASSUMED, "block_events")
        return (self.load.size.rate * self.m["event_us"] + blocks * self.m["block_us"]) / 1e6

    @property
    def beam_cpu(self) -> float:
        return self.load.size.rate * _value(ASSUMED, "messages_per_event") * _value(ASSUMED, "message_us") / 1e6

    @property
    def unit_us(self) -> float:
        """CPU of a mean unit, without what grows with the history."""
        return unit_us(self.m, self.load.hits / self.load.units, self.load.counter_cells, self.load.visitors_rows)

    @property
    def commit_cpu(self) -> float:
        return self.load.units * self.unit_us / 1e6

    @property
    def merge_cpu(self) -> float:
        """Every unit copies some of what its shard holds."""
        return self.load.units * self.merge_us / 1e6

    @property
    def merge_us(self) -> float:
        """CPU of one mean unit to merge what it learnt into what its shard holds."""
        return self.load.facts_held / self.load.size.shards / MB * self.m["held_mb_us"]

    @property
    def read_again_cpu(self) -> float:
        """Instead of merging, where nothing is held: half of the small cells that a row may have, and its bytes."""
        cells = self.load.units * self.load.visitors_rows * FOLD_CELLS / 2 * self.m["read_cell_us"]
        return (cells + self.load.read_again_bytes / MB * self.m["read_mb_us"]) / 1e6

    @property
    def cpu(self) -> float:
        return self.match_cpu + self.beam_cpu + self.commit_cpu + self.merge_cpu

    @property
    def vcpus(self) -> int:
        """Workers' vCPUs: for the CPU and for the memory, whichever is more; a shard can't use more than one."""
        memory = self.load.facts_held / GB / (_value(ASSUMED, "worker_gb") * _value(ASSUMED, "worker_facts"))
        return max(2, int(np.ceil(max(self.cpu / _value(ASSUMED, "worker_cpu"), memory))))

    @property
    def default_held_s(self) -> float:
        """Seconds of a new store until workers for the CPU alone hold as many facts as they do by default."""
        workers = max(2.0, (self.cpu - self.merge_cpu) / _value(ASSUMED, "worker_cpu"))
        return workers * HELD_LIVE_MB * MB / (self.load.held_per_hit * self.load.hits)

    @property
    def hottest_unit_s(self) -> float:
        """Seconds that a unit of the hottest shard takes: its calls, one after the other, and its CPU."""
        cpu_us = self.m["unit_us"] + (self.unit_us - self.m["unit_us"] + self.merge_us) * self.load.hottest
        calls = calls_of(self.load.visitors_rows * self.load.hottest)
        return float(calls * _value(ASSUMED, "rpc_ms") / 1e3 + cpu_us / 1e6)

    @property
    def nodes_by(self) -> dict[str, float]:
        """Nodes by what asks for them. A row of more than 1 KB counts as so many."""
        use = _value(LIMITS, "node_cpu")
        return {
            "writing": max(self.load.rows_written, self.load.written / 1e3) / _value(LIMITS, "node_writes") / use,
            "storing": self.load.stored / TB / _value(LIMITS, "node_tb") / use,
        }

    @property
    def read_again_nodes(self) -> float:
        """Nodes that would only read, where nothing is held."""
        return self.load.read_again_bytes / MB / _value(LIMITS, "node_scan_mb") / _value(LIMITS, "node_cpu")

    @property
    def nodes(self) -> int:
        return max(1, int(np.ceil(max(self.nodes_by.values()))))

    @property
    def money(self) -> dict[str, float]:
        """Dollars a month, `days` after the start."""
        engine = self.pubsub_bytes / 2 + self.load.hits * self.m["moved_bytes_per_hit"]
        hour = {name: _value(PRICES, name) * HOURS_PER_MONTH for name in PRICES if name.endswith("_hour")}
        return {
            "Dataflow vCPU": self.vcpus * hour["vcpu_hour"],
            "Dataflow memory": self.vcpus * _value(ASSUMED, "worker_gb") * hour["gb_hour"],
            "Streaming Engine": engine * MONTH_S / GB * _value(PRICES, "engine_gb"),
            "Bigtable nodes": self.nodes * hour["node_hour"],
            "Bigtable storage": self.load.stored / GB * _value(PRICES, "ssd_gb_month"),
            "Pub/Sub": self.pubsub_bytes * MONTH_S / TIB * _value(PRICES, "pubsub_tib"),
            "Redis": REDIS_GB * hour["redis_gb_hour"],
        }

    @property
    def full(self) -> dict[str, float]:
        """How full each thing is that can't be bought: 1 = at its limit."""
        head = self.load.units / self.load.size.shards * max(1, self.load.payload * self.load.hottest / 1e3)
        unit = self.load.hits / self.load.units * self.load.hottest * self.m["moved_bytes_per_hit"]
        return {
            "a unit of the hottest shard (100 %: it keeps up no longer)": unit / UNIT_BYTES_MAX,
            "the largest visitors' row": self.load.largest_row / MB / _value(LIMITS, "row_mb"),
            "a head's row": head / (_value(LIMITS, "node_writes") * _value(LIMITS, "node_cpu")),
        }

    @property
    def pubsub_bytes(self) -> float:
        """Published and delivered per second."""
        extra = _value(ASSUMED, "messages_per_event") * _value(ASSUMED, "message_extra_bytes")
        return 2 * self.load.size.rate * (self.m["event_bytes"] + extra)


def settled(size: Size, measured: Mapping[str, Any]) -> Needs:
    """What `size` needs at the pace it comes to: where the hottest shard takes longer than a flush, hits wait meanwhile, and
    its units grow. All shards are reckoned at its pace.
    """
    needs = Needs(Load(size, measured))
    for _ in range(ROUNDS_TO_SETTLE):
        pace_s = max(size.flush_s, needs.hottest_unit_s / _value(ASSUMED, "shard_busy"))
        needs = Needs(Load(replace(size, flush_s=pace_s), measured))
    return needs


def unit_us(measured: Mapping[str, Any], hits: float, counter_cells: float, visitors_rows: float) -> float:
    """CPU of a unit whose visitors and counters are held."""
    cells = counter_cells * measured["counter_cell_us"] + visitors_rows * measured["visitors_row_us"]
    return float(measured["unit_us"] + hits * measured["hit_us"] + cells + visitors_rows / FOLD_CELLS * measured["fold_us"])


def calls_of(visitors_rows: float) -> float:
    """Calls to Bigtable of a unit, one after the other: head, cells, and a read for each row that is folded."""
    return 2 + visitors_rows / FOLD_CELLS

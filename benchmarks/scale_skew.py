"""Where load goes and how long it waits: accounts of unequal sizes over shards, and the units of one shard in a queue.

`loads` is exact: it asks the project's own `route` for every part of every account. `serve` simulates one shard, whose
units follow one another. Nothing here reads a clock or a file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipeline.match.block import hashes, route

ROUNDS = 50  # draws of account names: where they lie is chance


def zipf(count: int, exponent: float) -> np.ndarray:
    """The shares of `count` accounts, the largest first; exponent 0: all alike. They add up to 1."""
    weights = np.arange(1, count + 1, dtype=float) ** -exponent
    return weights / weights.sum()


def fanouts(shares: np.ndarray, shards: int, most: int) -> np.ndarray:
    """The fanout each account should have: the least power of two with which a part is no more than a mean shard's load."""
    wanted = np.ceil(np.log2(np.maximum(shares * shards, 1)))
    return np.minimum(2.0**wanted, most).astype(np.uint64)


def loads(shares: np.ndarray, fanout: np.ndarray, shards: int, seed: int = 0, hot_visitor: float = 0.0) -> np.ndarray:
    """Each shard's share of all hits. hot_visitor: the share of the largest account's hits that one visitor has."""
    names = np.random.default_rng(seed).bytes(8 * len(shares)).hex()
    of = hashes([names[at : at + 16] for at in range(0, len(names), 16)])
    account = np.repeat(np.arange(len(shares)), fanout.astype(np.int64))
    part = np.arange(len(account), dtype=np.uint64) - np.repeat(np.cumsum(fanout) - fanout, fanout.astype(np.int64))
    weight = (shares / fanout)[account]
    weight[account == 0] *= 1 - hot_visitor
    shard = route(of[account], part, fanout[account], shards).astype(np.int64)
    load = np.bincount(shard, weight, minlength=shards)
    load[shard[0]] += hot_visitor * shares[0]
    return load


def skew(shares: np.ndarray, fanout: np.ndarray, shards: int, hot_visitor: float = 0.0) -> tuple[float, float]:
    """Load of the hottest shard over the mean: median and largest of `ROUNDS` draws of names."""
    found = [loads(shares, fanout, shards, seed, hot_visitor).max() * shards for seed in range(ROUNDS)]
    return float(np.median(found)), float(max(found))


@dataclass(frozen=True, slots=True)
class Served:
    """What a shard's queue came to. Latency in seconds from a hit's arrival to its unit's end; `busy` of the time."""

    p50_s: float
    p95_s: float
    hits_per_unit: float
    busy: float
    kept_up: bool


def serve(
    rate: float,
    service_s: Callable[[float], float],
    *,
    flush_s: float,
    unit_hits_max: int,
    rpc_s: tuple[float, float],
    rpcs: int,
    units: int = 90,
    seed: int = 1,
) -> Served:
    """So many units: hits come evenly, a unit is begun `flush_s` after the last or with `unit_hits_max`, one at a time.

    A unit takes service_s(hits) and `rpcs` calls one after the other, each of between `rpc_s` seconds.
    """
    random = np.random.default_rng(seed)
    begun, free, taken, busy = 0.0, 0.0, 0.0, 0.0
    latencies, sizes = [], []
    for _ in range(units):
        full = (taken + unit_hits_max) / rate
        begun = max(free, min(begun + flush_s, full))
        hits = min(begun * rate - taken, unit_hits_max)
        took = service_s(hits) + float(random.uniform(*rpc_s, rpcs).sum())
        arrived = (taken + hits * np.linspace(0.005, 0.995, 100)) / rate
        latencies.append(begun + took - arrived)
        sizes.append(hits)
        taken, busy, free = taken + hits, busy + took, begun + took
    each = np.repeat(np.array(sizes) / 100, 100)
    order = np.argsort(flat := np.concatenate(latencies))
    reached = np.cumsum(each[order]) / each.sum()
    p50, p95 = (float(flat[order][np.searchsorted(reached, q)]) for q in (0.5, 0.95))
    middle, last = (float(np.mean(latencies[units * n // 3 : units * (n + 1) // 3])) for n in (1, 2))
    return Served(p50, p95, float(np.mean(sizes)), busy / free, last < 1.1 * middle)


def most(kept_up: Callable[[float], bool], low: float = 1.0, high: float = 1e9) -> float:
    """The largest rate that is kept up with, to 1 %; kept_up must be so below some rate and not above."""
    if not kept_up(low):
        return 0.0
    while high / low > 1.01:
        middle = float(np.sqrt(low * high))
        low, high = (middle, high) if kept_up(middle) else (low, middle)
    return low

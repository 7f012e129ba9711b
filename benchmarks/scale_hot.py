"""One hot account: the queue of each of its shards, simulated, and the fanout that a rate takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from benchmarks.scale_load import FLUSH_S, UNIT_BYTES_MAX, Load, Size, series_touched, touched_buckets
from benchmarks.scale_needs import GB, MB, calls_of, unit_us
from benchmarks.scale_prices import ASSUMED, LIMITS
from benchmarks.scale_skew import Served, most, serve
from pipeline.model.limits import FANOUT_MAX

RPC_S = (0.005, 0.015)
FRESH_S = 5.0
FANOUTS = tuple(2**n for n in range(11))


def unit_s(measured: Mapping[str, Any], hits: float, held_mb: float = 0.0) -> float:
    """CPU seconds of a unit of one account, whose shard holds so much."""
    cells = 2 * float(series_touched(measured, np.array([hits]))[0])
    rows = float(touched_buckets(np.array([hits]))[0])
    return (unit_us(measured, hits, cells, rows) + held_mb * measured["held_mb_us"]) / 1e6


def shard(measured: Mapping[str, Any], rate: float, fanout: int, days: int, flush_s: float = FLUSH_S, **size: Any) -> Served:
    """One of the account's shards at `rate` events/s of the account, after so many days (0: nothing is held)."""
    hits = rate * measured["hits_per_event"] / fanout
    most_hits = int(UNIT_BYTES_MAX / measured["moved_bytes_per_hit"])
    held_mb = held_of(measured, rate, fanout, days, **size) / MB if days else 0.0
    return serve(
        hits,
        lambda of_unit: unit_s(measured, of_unit, held_mb),
        flush_s=flush_s,
        unit_hits_max=most_hits,
        rpc_s=RPC_S,
        rpcs=round(calls_of(float(touched_buckets(np.array([min(hits * flush_s, most_hits)]))[0]))),
    )


def held_of(measured: Mapping[str, Any], rate: float, fanout: int, days: int, **size: Any) -> float:
    """Bytes that one of its shards holds."""
    load = Load(Size(rate, 1, fanout, days=days, **size), measured)
    return load.facts_held / fanout


def most_events(measured: Mapping[str, Any], fanout: int, days: int, **size: Any) -> float:
    """Events/s of one account that its shards keep up with, nearly all of them committed within `FRESH_S`."""

    def kept_up(rate: float) -> bool:
        served = shard(measured, rate, fanout, days, **size)
        return served.kept_up and served.p95_s <= FRESH_S

    return most(kept_up, 1.0, 1e6 * fanout)


def fanout_for(fits: Callable[[int], bool]) -> str:
    """The least fanout that will do."""
    return next((str(fanout) for fanout in FANOUTS if fits(fanout)), f"more than {FANOUT_MAX:,}")


def fanouts_wanted(measured: Mapping[str, Any], rate: float, days: int, **size: Any) -> dict[str, str]:
    """What one account of `rate` takes, by what ends first, after so many days."""
    per_worker = ASSUMED["worker_gb"].value * ASSUMED["worker_facts"].value * GB

    def loaded(fanout: int) -> Load:
        return Load(Size(rate, 1, fanout, days=days, **size), measured)

    return {
        "its shards' time": fanout_for(lambda f: most_events(measured, f, days, **size) >= rate),
        "a shard's facts in a vCPU's memory": fanout_for(lambda f: loaded(f).facts_held / f <= per_worker),
        "visitors' rows of 100 MB": fanout_for(lambda f: loaded(f).largest_row <= LIMITS["row_mb"].value * MB),
    }

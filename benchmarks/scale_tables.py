"""The tables of `deploy/scale.md` as Markdown: figures, arithmetic, money, what ends first, skew, one hot account."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.scale_hot import fanouts_wanted, most_events, shard
from benchmarks.scale_load import FLUSH_S, Load, Size
from benchmarks.scale_needs import GB, MB, MONTH_S, Needs
from benchmarks.scale_prices import AS_OF, ASSUMED, LIMITS, PRICES, REGION
from benchmarks.scale_skew import skew, zipf

SIZES = (Size(1e3, 100, 8), Size(1e5, 1_000, 128), Size(1e6, 10_000, 1_024))
CHANGED = {"flush_s": 2.0, "held_days": 2}
Row = tuple[str, str, Callable[[Needs], float]]

ARITHMETIC: tuple[Row, ...] = (
    ("hits/s", "events × hits an event", lambda n: n.load.hits),
    ("load of the hottest shard ÷ mean", "`route`, accounts by zipf", lambda n: n.load.hottest),
    ("s between a shard's units", "flush, or the hottest shard's unit ÷ 0.7", lambda n: n.load.size.flush_s),
    ("commits/s", "shards ÷ s", lambda n: n.load.units),
    ("hits a unit", "hits/s ÷ commits/s", lambda n: n.load.hits / n.load.units),
    ("visitors' rows a unit", "Σ accounts 256 (1 − e^(−hits/256))", lambda n: n.load.visitors_rows),
    ("counter cells a unit", "Σ accounts, series: 2 (1 − e^(−hits × share))", lambda n: n.load.counter_cells),
    ("head's payload, KB", "cells × bytes + hits × bytes of facts", lambda n: n.load.payload / 1e3),
    ("rows mutated/s", "commits × (1 + rows a unit)", lambda n: n.load.rows_written),
    ("MB written/s", "commits × payload × 2", lambda n: n.load.written / MB),
    ("cores: decode and match", "events × µs + blocks × µs", lambda n: n.match_cpu),
    ("cores: Beam's messages", "assumed", lambda n: n.beam_cpu),
    ("cores: units", "commits × (µs + hits × µs + cells × µs)", lambda n: n.commit_cpu),
    ("visitors' facts, GB a day", "hits × bytes × 86,400", lambda n: n.load.facts_stored / n.load.size.days / GB),
    ("stored, GB", "facts and counters × days", lambda n: n.load.stored / GB),
    ("memory to hold all facts, GB", "12 a new id, 8 days; 20 a first", lambda n: n.load.facts_held / GB),
    ("cores: merging into what is held", "commits × held a shard × µs a MB", lambda n: n.merge_cpu),
    ("else GB read again/s", "commits × rows a unit × bytes a row", lambda n: n.load.read_again_bytes / GB),
    ("and cores to read it", "cells × µs + MB × µs", lambda n: n.read_again_cpu),
    ("and nodes to read it", "÷ 220 MB ÷ 0.7", lambda n: n.read_again_nodes),
    ("minutes until 96 MB a vCPU are full", "96 MB × vCPUs ÷ bytes a second", lambda n: n.default_held_s / 60),
    ("Bigtable nodes, writing", "rows or KB, the more, ÷ 14,000 ÷ 0.7", lambda n: n.nodes_by["writing"]),
    ("Bigtable nodes, storing", "TB ÷ 5 ÷ 0.7", lambda n: n.nodes_by["storing"]),
    ("vCPUs", "cores ÷ 0.6, or GB ÷ 4", lambda n: n.vcpus),
)


def number(value: float) -> str:
    """Three significant digits."""
    rounded = float(f"{value:.3g}")
    return f"{rounded:,.0f}" if rounded == int(rounded) else f"{rounded:g}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Markdown; the first column to the left."""
    lines = [head, ["---", *["---"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def figures(measured: Mapping[str, Any]) -> str:
    """What was measured."""
    said = {
        "event_us": "µs to decode and match an event",
        "block_us": "µs a block of events more",
        "hits_per_event": "hits an event (12 metrics)",
        "moved_bytes_per_hit": "bytes a hit on the way to its shard",
        "unit_us": "µs a unit",
        "hit_us": "µs a hit",
        "counter_cell_us": "µs a counter cell",
        "visitors_row_us": "µs a visitors' row",
        "held_mb_us": "µs a unit and MB held, to merge",
        "read_cell_us": "µs a cell of facts read",
        "read_mb_us": "µs a MB of facts read",
        "counter_cell_bytes": "bytes a counter cell, its key among them",
        "visitors_cell_bytes": "bytes a cell of facts, beside the facts",
        "ids_per_hit": "new ids a hit, 8 bytes",
        "firsts_per_hit_later": "firsts of a day a hit, 20 bytes",
        "firsts_per_hit_first_day": "firsts a hit of visitors never seen before",
        "seen_hits": "a live unit, after 240,000 events of 6,000 visitors: hits",
        "seen_held_ms": "its CPU ms, all facts held",
        "seen_again_ms": "its CPU ms, none held",
        "seen_again_mb": "MB of facts that it reads then",
    }
    return table([f"measured on {measured['date']}", ""], [[what, number(measured[name])] for name, what in said.items()])


def arithmetic(sizes: Sequence[Needs]) -> str:
    """Every figure, with how it came about."""
    given = [
        ["events/s", "given", *(number(n.load.size.rate) for n in sizes)],
        ["accounts, shards", "given", *(f"{n.load.size.accounts:,}, {n.load.size.shards:,}" for n in sizes)],
        ["days of history", "given", *(str(n.load.size.days) for n in sizes)],
    ]
    rows = [[what, how, *(number(of(n)) for n in sizes)] for what, how, of in ARITHMETIC]
    return table(["", "how", *[""] * len(sizes)], [*given, *rows])


def money(sizes: Sequence[Needs]) -> str:
    """Dollars a month."""
    totals = [sum(n.money.values()) for n in sizes]
    events = [n.load.size.rate * MONTH_S / 1e6 for n in sizes]
    return table(
        ["$ a month", *map(_name, sizes)],
        [
            *([name, *(number(n.money[name]) for n in sizes)] for name in sizes[0].money),
            ["**all**", *(f"**{number(total)}**" for total in totals)],
            ["a million events", *(f"{total / count:.2f}" for total, count in zip(totals, events, strict=True))],
            ["vCPUs, nodes", *(f"{number(n.vcpus)}, {n.nodes}" for n in sizes)],
        ],
    )


def full(sizes: Sequence[Needs]) -> str:
    """How full what can't be bought is."""
    rows = [[name, *(f"{n.full[name]:.0%}" for n in sizes)] for name in sizes[0].full]
    pace = ["s between a shard's units", *(number(n.load.size.flush_s) for n in sizes)]
    return table(["how full", *map(_name, sizes)], [pace, *rows])


def _name(need: Needs) -> str:
    size = need.load.size
    return number(size.rate) + (", changed" if size.held_days else "")


def visits(measured: Mapping[str, Any]) -> str:
    """What fewer visitors for as many events save."""
    rows = []
    for per_visitor in (10.0, 30.0, 100.0):
        load = Load(replace(SIZES[1], per_visitor=per_visitor), measured)
        rows.append([per_visitor, load.facts_per_hit, load.facts_stored / GB, load.facts_held / GB])
    return table(["events a visitor and day", "bytes of facts a hit", "GB stored", "GB to hold"], _numbers(rows))


def _numbers(rows: Sequence[Sequence[float]]) -> list[list[str]]:
    return [[number(value) for value in row] for row in rows]


def skews() -> str:
    """Load of the hottest shard over the mean, by shards, fanout and the accounts' sizes."""
    rows = []
    for shards in (8, 64, 512):
        for fanout in (1, 8, 64):
            if fanout <= shards:
                fanout_of = np.full(1_000, fanout, dtype=np.uint64)
                found = (skew(zipf(1_000, exponent), fanout_of, shards) for exponent in (0.0, 0.5, 1.0, 1.5))
                rows.append([str(shards), str(fanout), *(f"{median:.1f} ({worst:.1f})" for median, worst in found)])
    return table(["shards", "fanout", "alike", "zipf 0.5", "zipf 1", "zipf 1.5"], rows)


def hot_visitors() -> str:
    """The same for one account, one visitor of which sends a part of all."""
    parts = (0.0, 0.01, 0.1, 0.5)
    rows = []
    for fanout in (8, 64):
        found = (skew(zipf(1, 0), np.array([fanout], dtype=np.uint64), 64, part)[0] for part in parts)
        rows.append([str(fanout), *(f"{of_mean:.1f}" for of_mean in found)])
    return table(["fanout, of 64 shards", *(f"{part:.0%}" for part in parts)], rows)


def hot(measured: Mapping[str, Any]) -> str:
    """Events/s that one account's shards keep up with."""
    cases = [(0, {}), (1, {}), (30, {}), (30, CHANGED)]
    rows = []
    for fanout in (1, 8, 64, 1_024):
        rows.append([f"{fanout:,}", *(number(most_events(measured, fanout, days, **more)) for days, more in cases)])
    return table(["fanout", "no history", "after a day", "after 30 days", "30 days, changed"], rows)


def waits(measured: Mapping[str, Any], fanout: int = 8) -> str:
    """From a hit's arrival at its shard to the end of its unit."""
    rows = []
    for rate in (100, 1_000, 10_000, 30_000):
        cases = [shard(measured, rate, fanout, days, flush_s) for flush_s in (FLUSH_S, 2.0) for days in (0, 1, 7)]
        said = (f"{s.p50_s:.1f} / {s.p95_s:.1f} s, {s.busy:.0%}" if s.kept_up else "falls behind" for s in cases)
        rows.append([f"{rate:,}", *said])
    return table(["events/s", "no history", "a day", "7 days", "flush 2 s: none", "a day", "7 days"], rows)


def wanted(measured: Mapping[str, Any], rate: float = 1e5) -> str:
    """The fanout that one account of `rate` needs."""
    cases = [(1, {}), (30, {}), (30, CHANGED)]
    columns = [fanouts_wanted(measured, rate, days, **more) for days, more in cases]
    head = [f"{number(rate)} events/s take a fanout of", "after a day", "after 30 days", "30 days, changed"]
    return table(head, [[name, *(column[name] for column in columns)] for name in columns[0]])


def read() -> str:
    """Prices, limits and assumptions, with where they are from."""
    rows = [[f"`{name}`", f"{r.value:,g}", r.what, r.source] for t in (PRICES, LIMITS, ASSUMED) for name, r in t.items()]
    return table([f"{REGION}, {AS_OF}", "", "", "from"], rows)

"""Measures what `scale` reckons with: CPU time and bytes per event, hit, cell and unit, on one thread.

Decode and match, and the commit of units of many sizes into the Bigtable emulator. CPU time is of this process alone: the
emulator's own work is no part of it, and neither is Beam.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import numpy as np
from scipy.optimize import nnls

from benchmarks import machine
from benchmarks.daycount import DEFINITIONS
from benchmarks.emulator import running_emulator
from benchmarks.workload import generate
from pipeline.decode.odd import Span
from pipeline.definitions.file import load_file
from pipeline.match.block import BlockMatcher
from pipeline.model import layout
from pipeline.model.facts import FIRST, Facts, Firsts, SeenIds, pack_facts, unpack_facts
from pipeline.model.hit import HitBlock
from pipeline.shard.keeper import ShardKeeper
from pipeline.shard.plan import ROWS_PER_LOAD
from pipeline.store import open_store
from pipeline.store.bigtable.unit import pack_payload
from pipeline.store.contract import Cell, Store, by_row
from pipeline.visitors.known import Known, Learnt
from pipeline.visitors.levels import LARGE_TO_SMALL

SHARDS = 8
EVENTS, VISITORS = 60_000, 6_000  # of a day
DAYS = 3
LINES = (200, 1_000, 4_000, 16_000)  # of a block; a unit has the hits of one of the shards
KEY = b"k" * 16
MB = 1_000_000


@dataclass(slots=True)
class Unit:
    """One commit: what went in, what came out, what it took."""

    day: int
    moved_bytes: int
    hits: int
    cpu_us: float
    rows_loaded: int  # of visitors
    folds: int
    payload_bytes: int = 0
    bytes: Counter[str] = field(default_factory=Counter)  # by table
    cells: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    ids: int = 0
    firsts: int = 0


class Watched:
    """A store that notes what a unit reads and writes."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.at_hand = store.at_hand
        self.cells: Sequence[Cell] = ()
        self.rows_loaded = self.folds = self.bytes_loaded = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def read(self, table: str, rows: Sequence[bytes], *ranges: Any) -> Any:
        if table == "visitors":
            self.rows_loaded += len(rows) * (len(rows) > 1)
            self.folds += len(rows) == 1
        found = self._store.read(table, rows, *ranges)
        self.bytes_loaded += sum(len(value) for cells in found.values() for _, value in cells) * (table == "visitors")
        return found

    def commit(self, shard: int, seq: int, cells: Sequence[Cell]) -> int:
        self.cells = cells
        return self._store.commit(shard, seq, cells)


def measured() -> dict[str, Any]:
    """All figures, with what they were measured on."""
    with TemporaryDirectory() as folder, running_emulator() as emulator, mock.patch.dict(os.environ, emulator.environment):
        workload = Path(folder, "day.jsonl")
        generate(workload, EVENTS, visitors=VISITORS)
        return {"machine": machine.describe().splitlines(), **_figures(workload)}


def _figures(workload: Path) -> dict[str, Any]:
    snapshot = load_file(str(DEFINITIONS))
    matcher = BlockMatcher(snapshot, SHARDS, KEY)
    blocks: list[tuple[int, int, float]] = []
    units: list[Unit] = []
    series: Counter[tuple[int, int, str]] = Counter()
    with closing(open_store("bigtable://scale/measured", create=True)) as store:
        watched = Watched(store)
        keeper = ShardKeeper(watched, held_bytes_max=1 << 40)
        keeper.adopt(snapshot)
        for day, data, lines in _blocks(workload):
            span = Span("w", 0, "bench")
            took, matched = _cpu_us(partial(matcher.match, data, span, time.time_ns()))
            blocks.append((lines, len(data), took))
            for shard, message in matched.hits:
                units.append(_commit(keeper, watched, day, shard, message))
                series.update(_series(message))
        forgetful = ShardKeeper(watched, held_bytes_max=0)
        forgetful.adopt(snapshot)
        seen = _seen(workload, matcher, watched, {"held": keeper, "again": forgetful})
        reading = _reading(store)
    events, hits = sum(lines for lines, _, _ in blocks), sum(unit.hits for unit in units)
    warm = blocks[len(LINES) :]  # the first ones compile
    return {
        "event_bytes": sum(size for _, size, _ in blocks) / events,
        "hits_per_event": hits / events,
        "moved_bytes_per_hit": sum(unit.moved_bytes for unit in units) / hits,
        **_fit(("block_us", "event_us"), [(1, lines) for lines, _, _ in warm], [took for _, _, took in warm]),
        **_fit_units(units),
        **reading,
        "held_mb_us": _merging(),
        **seen,
        **_sizes(units),
        "series_shares": sorted((round(n / hits, 4) for n in series.values()), reverse=True),
    }


def _blocks(workload: Path) -> Iterator[tuple[int, bytes, int]]:
    """(day, lines, how many): the same visitors on several days in turn, in blocks of all sizes.

    After these, as day `DAYS`, events of ten days at once: many counters for few hits.
    """
    lines = workload.read_text(encoding="ascii").splitlines(keepends=True)
    for day in range(DAYS + 1):
        dates = [day + 1] if day < DAYS else list(range(11, 21))
        today = [_on(day, dates[n % len(dates)], line) for n, line in enumerate(lines)]
        at, size = 0, 0
        while at < len(today):
            part = today[at : at + LINES[size % len(LINES)]]
            yield day, "".join(part).encode(), len(part)
            at, size = at + len(part), size + 1


def _on(day: int, date: int, line: str) -> str:
    """The same event at the same hour of that date, as another event."""
    head, time_of = line.split('"timestamp":"', 1)
    return head.replace('"messageId":"', f'"messageId":"{day}-', 1) + f'"timestamp":"2026-10-{date:02d}' + time_of[10:]


def _commit(keeper: ShardKeeper, watched: Watched, day: int, shard: int, message: bytes) -> Unit:
    watched.rows_loaded = watched.folds = 0
    took, _ = _cpu_us(partial(keeper.commit, shard, [message]))
    unit = Unit(day, len(message), len(HitBlock.from_bytes(message)), took, watched.rows_loaded, watched.folds)
    unit.rows = Counter(table for table, _ in {(cell.table, cell.row) for cell in watched.cells})
    for cell in watched.cells:
        unit.cells[cell.table] += 1
        unit.bytes[cell.table] += len(cell.row) + len(cell.qualifier) + len(cell.value or b"")
        if cell.table == "visitors" and cell.value:
            facts = unpack_facts(cell.value)
            unit.ids += sum(len(seen.ids) // 8 for seen in facts.seen)
            unit.firsts += len(facts.firsts) // FIRST.itemsize
    unit.payload_bytes = sum(map(len, pack_payload(by_row(watched.cells))))
    return unit


def _series(message: bytes) -> Counter[tuple[int, int, str]]:
    block = HitBlock.from_bytes(message)
    counts = np.bincount(block.combo, minlength=len(block.combos)).tolist()
    found: Counter[tuple[int, int, str]] = Counter()
    for combo, count in zip(block.combos, counts, strict=True):
        for series in combo.series:
            found[tuple(series)] += count
    return found


def _fit_units(units: list[Unit]) -> dict[str, float]:
    """What a unit takes whose visitors are held: for itself, each hit, counter cell, visitors' row, and row folded."""
    units = [u for u in units if not u.rows_loaded]
    names = ("unit_us", "hit_us", "counter_cell_us", "visitors_row_us", "fold_us")
    rows = [(1, u.hits, u.cells["counters"], u.rows["visitors"], u.folds) for u in units]
    return _fit(names, rows, [u.cpu_us for u in units])


def _fit(names: Sequence[str], rows: Sequence[Sequence[float]], took: Sequence[float]) -> dict[str, float]:
    """Non-negative least squares of the relative error."""
    weights = 1 / np.array(took)
    found, _ = nnls(np.array(rows, dtype=float) * weights[:, None], np.ones(len(took)))
    return dict(zip(names, found.tolist(), strict=True))


def _seen(
    workload: Path, matcher: BlockMatcher, watched: Watched, keepers: Mapping[str, ShardKeeper], lines: int = 2_000
) -> dict[str, float]:
    """What units of the same size take on top of all that was counted before, with all of it held and with none."""
    found: dict[str, float] = {}
    for day, (name, keeper) in enumerate(keepers.items(), start=DAYS + 1):
        fresh = [_on(day, DAYS, line) for line in workload.read_text(encoding="ascii").splitlines(keepends=True)[:lines]]
        hits = matcher.match("".join(fresh).encode(), Span("w", day, "bench"), time.time_ns()).hits
        watched.bytes_loaded = 0
        units = [_commit(keeper, watched, day, shard, message) for shard, message in hits]
        found |= {
            f"seen_{name}_ms": sum(u.cpu_us for u in units) / len(units) / 1000,
            f"seen_{name}_mb": watched.bytes_loaded / len(units) / MB,
            "seen_hits": sum(u.hits for u in units) / len(units),
            "seen_counter_cells": sum(u.cells["counters"] for u in units) / len(units),
            "seen_visitors_rows": sum(u.rows["visitors"] for u in units) / len(units),
        }
    return found


def _reading(store: Store) -> dict[str, float]:
    """CPU time of reading visitors that aren't held: for each cell, and for each MB of them."""
    sizes = {SHARDS: (40, 8), SHARDS + 1: (4, 2_000)}  # by shard: cells a row, and ids a cell
    rows, took = [], []
    random = np.random.default_rng(1)
    for shard, (cells, ids) in sizes.items():
        keys = [layout.visitors_row("bench", shard, bucket) for bucket in range(layout.BUCKETS_PER_SHARD)]
        packed = pack_facts(Facts([SeenIds(1, 1, random.bytes(8 * ids))], random.bytes(FIRST.itemsize * ids), {}))
        written = [Cell("visitors", key, layout.facts_qualifier(n), packed) for key in keys for n in range(cells)]
        store.take(shard)
        store.commit(shard, 0, written)
        rows.append((len(written), len(written) * len(packed) / MB))
        took.append(min(_cpu_us(partial(_load, store, keys))[0] for _ in range(3)))
    return _fit(("read_cell_us", "read_mb_us"), rows, took)


def _load(store: Store, keys: list[bytes]) -> None:
    parts = (keys[at : at + ROWS_PER_LOAD] for at in range(0, len(keys), ROWS_PER_LOAD))
    Known().load(([v for cells in store.read("visitors", part).values() for _, v in cells] for part in parts), 0)


def _merging(facts: int = 2_000_000, new: int = 1_000) -> float:
    """CPU time per MB held that a unit takes to merge its own facts in, few as they may be: the mean over so many units that
    the small level of what is held went once into the large one.
    """
    random = np.random.default_rng(1)
    known = Known()
    known.learn(_learnt(random, facts))
    learnt = [_learnt(random, new) for _ in range(facts // LARGE_TO_SMALL // new + 1)]
    took = [_cpu_us(partial(known.learn, one))[0] for one in learnt]
    return sum(took) / len(took) / (known.bytes_held / MB)


def _learnt(random: np.random.Generator, count: int) -> Learnt:
    def keys() -> np.ndarray:
        return np.sort(random.integers(0, 1 << 63, count).astype(np.uint64))

    firsts = Firsts(keys(), np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int32))
    return Learnt(keys(), np.zeros(count, dtype=np.uint32), firsts, {})


def _sizes(units: list[Unit]) -> dict[str, float]:
    """Bytes of cells; firsts a hit, on visitors' first day and on later ones."""
    units = [u for u in units if u.day < DAYS]
    counters = sum(u.cells["counters"] for u in units)
    visitors = sum(u.cells["visitors"] for u in units)
    facts = sum(8 * u.ids + FIRST.itemsize * u.firsts for u in units)
    first = [u for u in units if u.day == 0]
    later = [u for u in units if u.day > 0]
    return {
        "counter_cells_per_row": counters / sum(u.rows["counters"] for u in units),
        "counter_cell_bytes": sum(u.bytes["counters"] for u in units) / counters,
        "visitors_cell_bytes": (sum(u.bytes["visitors"] for u in units) - facts) / visitors,
        "payload_factor": sum(u.payload_bytes for u in units) / sum(sum(u.bytes.values()) for u in units),
        "firsts_per_hit_first_day": sum(u.firsts for u in first) / sum(u.hits for u in first),
        "firsts_per_hit_later": sum(u.firsts for u in later) / sum(u.hits for u in later),
        "ids_per_hit": sum(u.ids for u in units) / sum(u.hits for u in units),
    }


def _cpu_us(work: Any) -> tuple[float, Any]:
    begun = time.process_time_ns()
    result = work()
    return (time.process_time_ns() - begun) / 1000, result

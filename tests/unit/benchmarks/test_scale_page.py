"""`deploy/scale.md` shows what `benchmarks.scale` prints, and what it reckons with agrees with the code and with itself."""

import re
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from benchmarks import scale, workload
from benchmarks.daycount import DEFINITIONS
from benchmarks.scale_load import FLUSH_S, UNIT_BYTES_MAX, Load, Size, firsts, read_measured
from benchmarks.scale_needs import Needs, calls_of, unit_us
from benchmarks.scale_prices import ASSUMED, LIMITS, PRICES
from benchmarks.scale_tables import number
from pipeline.decode.odd import Span
from pipeline.definitions.file import load_file
from pipeline.match.block import BlockMatcher
from pipeline.model.hit import HitBlock
from pipeline.shard.keeper import ShardKeeper
from pipeline.store import open_store
from pipeline.store.contract import Cell, Rows, Store
from pipeline.streaming import commit

SHARDS = 8


def test_the_page_shows_what_is_printed_now() -> None:
    page = scale.PAGE.read_text()
    assert scale.filled(page, read_measured()) == page, "run python -m benchmarks.scale --write"


def test_every_table_has_its_place_on_the_page() -> None:
    assert set(re.findall(r"<!-- scale: (\w+) -->", scale.PAGE.read_text())) == scale.sections(read_measured()).keys()


def test_units_are_made_as_engines_make_them() -> None:
    assert (commit.GATHER_S, commit.UNIT_BYTES) == (FLUSH_S, UNIT_BYTES_MAX)


def test_every_figure_that_is_read_says_where_it_is_from() -> None:
    for name, read in {**PRICES, **LIMITS}.items():
        assert read.source.startswith("cloud.google.com/"), name
    assert all(read.source and read.what for read in ASSUMED.values())


class Spied:
    """A store that remembers the last unit's cells, and how many visitors' rows were loaded for it."""

    def __init__(self, store: Store) -> None:
        self.store, self.at_hand, self.take, self.settle = store, store.at_hand, store.take, store.settle
        self.cells: list[Cell] = []
        self.loaded = 0

    def read(self, table: str, rows: list[bytes], *ranges: object) -> Rows:
        self.loaded += len(rows) * (table == "visitors")
        return self.store.read(table, rows, *ranges)

    def commit(self, shard: int, seq: int, cells: list[Cell]) -> int:
        self.cells = list(cells)
        return self.store.commit(shard, seq, cells)


@pytest.fixture(scope="module")
def hits(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[int, bytes]]:
    """Some 450 hits for each shard, of one day."""
    path = tmp_path_factory.mktemp("scale") / "w.jsonl"
    workload.generate(path, 4_000)
    lines = re.sub(rb'"timestamp":"2026-10-\d\d', b'"timestamp":"2026-10-05', path.read_bytes())
    matcher = BlockMatcher(load_file(str(DEFINITIONS)), SHARDS, b"k" * 16)
    return matcher.match(lines, Span("w", 0, "bench"), 1_795_000_000_000_000_000).hits


def test_a_unit_touches_the_rows_and_cells_that_the_arithmetic_says(tmp_path: Path, hits: list[tuple[int, bytes]]) -> None:
    rows, counters, count = [], [], []
    with closing(open_store(f"sqlite:///{tmp_path}/s.db", create=True)) as store:
        spied = Spied(store)
        keeper = ShardKeeper(spied)
        keeper.adopt(load_file(str(DEFINITIONS)))
        for shard, message in hits:
            keeper.commit(shard, [message])
            rows.append(len({cell.row for cell in spied.cells if cell.table == "visitors"}))
            counters.append(sum(cell.table == "counters" for cell in spied.cells))
            count.append(len(HitBlock.from_bytes(message)))
    measured = read_measured()
    load = Load(Size(sum(count) / measured["hits_per_event"], accounts=1, shards=SHARDS, flush_s=1.0), measured)
    assert load.hits / load.units == pytest.approx(np.mean(count))
    assert load.visitors_rows == pytest.approx(np.mean(rows), rel=0.1)
    assert load.counter_cells == pytest.approx(np.mean(counters), rel=0.1)


@pytest.mark.parametrize(("held_bytes_max", "again"), [(1 << 30, False), (0, True)])
def test_what_is_not_held_is_read_again_row_by_row(
    tmp_path: Path, hits: list[tuple[int, bytes]], held_bytes_max: int, again: bool
) -> None:
    (shard, message), *_ = hits
    with closing(open_store(f"sqlite:///{tmp_path}/s.db", create=True)) as store:
        spied = Spied(store)
        keeper = ShardKeeper(spied, held_bytes_max=held_bytes_max)
        keeper.adopt(load_file(str(DEFINITIONS)))
        keeper.commit(shard, [message])
        touched, spied.loaded = len({cell.row for cell in spied.cells if cell.table == "visitors"}), 0
        keeper.commit(shard, [message])
    assert spied.loaded == (touched if again else 0)


def needs(**size: float) -> Needs:
    return Needs(Load(Size(**{"rate": 1e4, "accounts": 100, "shards": 32, "flush_s": 5, **size}), read_measured()))


def test_twice_the_events_are_twice_the_hits_facts_and_bytes_from_the_source() -> None:
    one, two = needs(), needs(rate=2e4)
    assert two.load.hits == 2 * one.load.hits
    assert two.load.facts_held == pytest.approx(2 * one.load.facts_held)
    assert two.money["Pub/Sub"] == pytest.approx(2 * one.money["Pub/Sub"])
    assert one.load.units == two.load.units


def test_a_longer_flush_makes_fewer_rows_of_as_many_events() -> None:
    short, long = needs(flush_s=1), needs(flush_s=30)
    assert long.load.rows_written < short.load.rows_written / 3
    assert long.merge_cpu == pytest.approx(short.merge_cpu / 30)


def test_more_events_a_visitor_leave_fewer_firsts() -> None:
    assert firsts(read_measured(), 100) < firsts(read_measured(), 10)
    assert firsts(read_measured(), 10) == pytest.approx(read_measured()["firsts_per_hit_later"], rel=0.3)


def test_workers_are_bought_for_their_memory_where_that_is_more_than_their_cpu() -> None:
    assert needs(days=365).vcpus > 5 * needs(days=30).vcpus
    assert needs(rate=1, days=1).vcpus == 2


def test_a_units_cost_is_the_sum_of_its_parts() -> None:
    parts = {"unit_us": 1_000.0, "hit_us": 2.0, "counter_cell_us": 10.0, "visitors_row_us": 20.0, "fold_us": 480.0}
    assert unit_us(parts, hits=100, counter_cells=50, visitors_rows=10) == 1_000 + 200 + 500 + 200 + 100
    assert calls_of(96) == 4


def test_the_parts_of_a_unit_add_up_to_what_one_was_seen_to_take() -> None:
    m = read_measured()
    reckoned_ms = unit_us(m, m["seen_hits"], m["seen_counter_cells"], m["seen_visitors_rows"]) / 1000
    assert reckoned_ms == pytest.approx(m["seen_held_ms"], rel=0.5)
    assert m["seen_held_mb"] < m["seen_again_mb"] / 2


def test_numbers_have_three_digits() -> None:
    assert [number(n) for n in (0, 0.00123, 12.345, 1_234.5, 9_876_543)] == [
        "0",
        "0.00123",
        "12.3",
        "1,230",
        "9,880,000",
    ]

"""A store against a dict: any sequence of units, writers and reads leaves both alike."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from pipeline.model.errors import Fenced
from pipeline.store import Cell
from tests.support.store_places import Place

SHARDS = 2
WRITERS = 2
keys = st.binary(min_size=1, max_size=3)
rows = st.sampled_from([b"a", b"a\x00", b"a\xff", b"b", b"\xff"])
cells = st.one_of(
    st.builds(Cell, st.just("counters"), rows, keys, st.binary(max_size=4)),
    st.builds(Cell, st.just("visitors"), rows, keys, st.none() | st.binary(max_size=4)),
)


class AgainstDict(RuleBasedStateMachine):
    """Rows are the shard's own, as in the product: a cell has one writer at a time, whoever holds the shard."""

    def __init__(self, place: Place, example: int) -> None:
        super().__init__()
        self.stores = [place.open() for _ in range(WRITERS)]
        self.shards = [example * SHARDS + n for n in range(SHARDS)]
        self.seqs = dict.fromkeys(self.shards, 0)
        self.held: dict[tuple[int, int], int] = {}
        self.model: dict[tuple[str, bytes], dict[bytes, bytes]] = {}

    def _row(self, shard: int, row: bytes) -> bytes:
        return b"%06d#" % shard + row

    @rule(writer=st.integers(0, WRITERS - 1), n=st.integers(0, SHARDS - 1))
    def take(self, writer: int, n: int) -> None:
        shard = self.shards[n]
        self.held[writer, shard] = self.stores[writer].take(shard)
        assert self.held[writer, shard] == self.seqs[shard]

    @rule(writer=st.integers(0, WRITERS - 1), n=st.integers(0, SHARDS - 1), unit=st.lists(cells, max_size=6))
    def commit(self, writer: int, n: int, unit: list[Cell]) -> None:
        shard = self.shards[n]
        held = self.held.pop((writer, shard), None)
        if held is None:
            return
        placed = [cell._replace(row=self._row(shard, cell.row)) for cell in unit]
        try:
            self.held[writer, shard] = self.stores[writer].commit(shard, held, placed)
        except Fenced:
            assert held < self.seqs[shard]
            return
        assert held == self.seqs[shard]
        self.seqs[shard] += 1
        for table, row, qualifier, value in placed:
            kept = self.model.setdefault((table, row), {})
            kept.pop(qualifier, None)
            if value is not None:
                kept[qualifier] = value

    @rule(n=st.integers(0, SHARDS - 1), wanted=st.lists(rows), ranges=st.none() | st.lists(st.tuples(keys, keys)))
    def read(self, n: int, wanted: list[bytes], ranges: list[tuple[bytes, bytes]] | None) -> None:
        asked = [self._row(self.shards[n], row) for row in wanted]
        for table in ("counters", "visitors"):
            found = {row: self._expected(table, row, ranges) for row in asked}
            assert self.stores[0].read(table, asked, ranges) == {row: kept for row, kept in found.items() if kept}

    @rule(n=st.integers(0, SHARDS - 1), begin=st.sampled_from([b"", b"a", b"a\x00", b"a\xff", b"\xff"]))
    def scan(self, n: int, begin: bytes) -> None:
        prefix = self._row(self.shards[n], begin)
        for table in ("counters", "visitors"):
            found = {row: self._expected(table, row, None) for t, row in self.model if t == table}
            expected = {row: kept for row, kept in found.items() if kept and row.startswith(prefix)}
            assert self.stores[-1].scan(table, prefix) == expected

    def _expected(self, table: str, row: bytes, ranges: list[tuple[bytes, bytes]] | None) -> list[tuple[bytes, bytes]]:
        kept = sorted(self.model.get((table, row), {}).items())
        return [(q, v) for q, v in kept if ranges is None or any(start <= q < end for start, end in ranges)]

    def teardown(self) -> None:
        for store in self.stores:
            store.close()


class ModelContract:
    def test_a_store_behaves_as_a_dict_with_heads(self, place: Place) -> None:
        examples = iter(range(100_000))
        run_state_machine_as_test(
            lambda: AgainstDict(place, next(examples)),  # type: ignore[arg-type]  # a factory does as well
            settings=settings(
                max_examples=40,
                stateful_step_count=30,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )

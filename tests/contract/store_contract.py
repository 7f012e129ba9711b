"""What `pipeline.store.contract` promises, as tests that every store inherits. A subclass says where (`place`)."""

from __future__ import annotations

import pytest

from pipeline.model.errors import Fenced, StoreError, TransientStoreError
from pipeline.store import Cell, Store
from pipeline.store.contract import Rows
from tests.support.counting import count_in_processes, counted
from tests.support.faulty_store import Action, Fault, FaultyStore, When, scripted
from tests.support.store_places import Place

SHARD = 3
ROW = b"account#row"


def counter(qualifier: bytes, value: bytes, row: bytes = ROW) -> Cell:
    return Cell("counters", row, qualifier, value)


def fact(qualifier: bytes, value: bytes | None, row: bytes = ROW) -> Cell:
    return Cell("visitors", row, qualifier, value)


def commit(store: Store, *cells: Cell, shard: int = SHARD) -> int:
    return store.commit(shard, store.take(shard), cells)


class CommitContract:
    """`take`, `commit`, `settle`."""

    def test_a_shard_never_committed_is_at_seq_0(self, place: Place) -> None:
        assert place.open().take(SHARD) == 0

    def test_a_commit_moves_the_seq_by_one_and_its_cells_hold(self, place: Place) -> None:
        store = place.open()
        assert commit(store, counter(b"a", b"1"), fact(b"f", b"x"), Cell("meta", b"m", b"q", b"y")) == 1
        assert place.peek("counters", ROW) == {b"a": b"1"}
        assert place.peek("visitors", ROW) == {b"f": b"x"}
        assert place.peek("meta", b"m") == {b"q": b"y"}
        assert store.take(SHARD) == 1

    def test_seqs_are_equal_until_somebody_commits(self, place: Place) -> None:
        store, other = place.open(), place.open()
        commit(store, counter(b"a", b"1"))
        before = other.seqs(SHARD + 2)
        store.put_meta(b"m", {b"q": b"y"})
        assert other.seqs(SHARD + 2) == before
        commit(store, counter(b"a", b"1"), shard=SHARD + 1)
        assert other.seqs(SHARD + 2) != before and other.seqs(SHARD + 1) == before

    def test_commits_follow_each_other_without_another_take(self, place: Place) -> None:
        store = place.open()
        seq = store.take(SHARD)
        for n in range(1, 6):
            seq = store.commit(SHARD, seq, [counter(b"a", str(n).encode())])
            assert seq == n
        assert place.peek("counters", ROW) == {b"a": b"5"}

    def test_a_commit_of_nothing_moves_the_seq(self, place: Place) -> None:
        assert commit(place.open()) == 1

    def test_of_two_values_for_one_cell_in_a_unit_the_last_holds(self, place: Place) -> None:
        commit(place.open(), counter(b"a", b"1"), counter(b"b", b"1"), counter(b"a", b"2"))
        assert place.peek("counters", ROW) == {b"a": b"2", b"b": b"1"}

    def test_a_fact_taken_away_and_given_in_one_unit_is_there(self, place: Place) -> None:
        commit(place.open(), fact(b"f", None), fact(b"f", b"x"))
        assert place.peek("visitors", ROW) == {b"f": b"x"}

    def test_shards_do_not_know_each_other(self, place: Place) -> None:
        store = place.open()
        commit(store, counter(b"a", b"1"), shard=1)
        commit(store, counter(b"a", b"2"), shard=1)
        assert (store.take(0), store.take(1), store.take(256)) == (0, 2, 0)

    def test_a_second_writer_on_the_old_seq_is_fenced_and_changes_nothing(self, place: Place) -> None:
        first, second = place.open(), place.open()
        old = second.take(SHARD)
        commit(first, counter(b"a", b"first"))
        with pytest.raises(Fenced):
            second.commit(SHARD, old, [counter(b"a", b"second"), counter(b"b", b"second"), fact(b"f", b"second")])
        assert place.peek("counters", ROW) == {b"a": b"first"}
        assert place.peek("visitors", ROW) == {}
        assert second.take(SHARD) == 1

    def test_a_fenced_writer_goes_on_after_another_take(self, place: Place) -> None:
        first, second = place.open(), place.open()
        second.take(SHARD)
        commit(first, counter(b"a", b"1"))
        with pytest.raises(Fenced):
            second.commit(SHARD, 0, [counter(b"a", b"2")])
        assert commit(second, counter(b"a", b"3")) == 2
        with pytest.raises(Fenced):
            first.commit(SHARD, 1, [counter(b"a", b"4")])
        assert place.peek("counters", ROW) == {b"a": b"3"}

    def test_a_seq_that_was_never_reached_is_fenced(self, place: Place) -> None:
        store = place.open()
        store.take(SHARD)
        with pytest.raises(Fenced):
            store.commit(SHARD, 7, [counter(b"a", b"1")])
        assert place.peek("counters", ROW) == {}

    def test_overwriting_with_zero_holds(self, place: Place) -> None:
        store = place.open()
        commit(store, counter(b"a", b"5"))
        commit(store, counter(b"a", b"0"))
        assert place.peek("counters", ROW) == {b"a": b"0"}

    def test_an_empty_value_is_a_value(self, place: Place) -> None:
        store = place.open()
        commit(store, counter(b"a", b""))
        assert store.read("counters", [ROW]) == {ROW: [(b"a", b"")]}

    def test_a_fact_is_taken_away(self, place: Place) -> None:
        store = place.open()
        commit(store, fact(b"1", b"x"), fact(b"2", b"y"))
        commit(store, fact(b"1", None), fact(b"2", None), fact(b"3", b"xy"))
        assert place.peek("visitors", ROW) == {b"3": b"xy"}
        assert store.read("visitors", [ROW]) == {ROW: [(b"3", b"xy")]}

    def test_taking_away_what_is_not_there_is_fine(self, place: Place) -> None:
        store = place.open()
        assert commit(store, fact(b"1", None)) == 1
        assert store.read("visitors", [ROW]) == {}

    @pytest.mark.parametrize("cell", [Cell("counters", ROW, b"a", None), Cell("shards", ROW, b"a", b"1")])
    def test_a_cell_no_unit_may_write_is_refused_before_anything_is_committed(self, place: Place, cell: Cell) -> None:
        store = place.open()
        with pytest.raises(StoreError):
            commit(store, counter(b"b", b"1"), cell)
        assert store.take(SHARD) == 0
        assert place.peek("counters", ROW) == {}

    def test_settle_leaves_everything_as_committed(self, place: Place) -> None:
        store = place.open()
        commit(store, counter(b"a", b"1"))
        place.open().settle(range(8))
        assert place.peek("counters", ROW) == {b"a": b"1"}
        assert commit(store, counter(b"a", b"2")) == 2

    def test_all_is_there_after_reopening(self, place: Place) -> None:
        store = place.open()
        commit(store, counter(b"a", b"1"), fact(b"f", b"x"))
        store.flush()
        store.close()
        again = place.open()
        assert again.take(SHARD) == 1
        assert again.read("counters", [ROW]) == {ROW: [(b"a", b"1")]}
        assert again.read("visitors", [ROW]) == {ROW: [(b"f", b"x")]}

    def test_a_unit_of_60_000_cells_and_20_mb_holds_and_is_taken_over(self, place: Place) -> None:
        cells = [counter(b"q%05d" % n, b"%06d" % n * 55, row=b"row%04d" % (n % 3000)) for n in range(60_000)]
        commit(place.open(), *cells)
        other = place.open()
        assert other.take(SHARD) == 1
        found = other.scan("counters", b"row")
        assert sum(map(len, found.values())) == 60_000
        assert found[b"row0007"][1] == (b"q03007", b"003007" * 55)

    def test_a_smaller_unit_after_a_large_one_leaves_only_its_own_payload(self, place: Place) -> None:
        store = place.open()
        commit(store, *[counter(b"large", b"x" * (9 << 20), row=b"row%d" % n) for n in range(2)])
        commit(store, counter(b"small", b"y"))
        assert place.open().take(SHARD) == 2
        assert sum(map(len, place.peek("shards", b"head#\x00\x03").values())) < 200

    def test_two_processes_that_count_in_one_shard_lose_nothing(self, place: Place) -> None:
        count_in_processes(place.url, SHARD, times=40, processes=2)
        store = place.open()
        assert counted(store) == 80
        assert store.take(SHARD) == 80


class FaultContract:
    """Commits of which the caller doesn't learn what became of them."""

    @pytest.mark.parametrize("when", list(When))
    def test_after_an_unknown_outcome_a_fresh_take_gives_a_consistent_state(self, place: Place, when: When) -> None:
        cells = [counter(b"a", b"2", row=b"row%d" % n) for n in range(5)] + [fact(b"f", b"2")]
        store = FaultyStore(place.open(), scripted(commit=[None, Fault(when, Action.FAIL, rows=2)]))
        commit(store, *[c._replace(value=b"1") for c in cells])
        with pytest.raises(TransientStoreError):
            commit(store, *cells)
        seq = store.take(SHARD)
        values = {place.peek(c.table, c.row)[c.qualifier] for c in cells}
        assert values == {b"1": {b"1"}, b"2": {b"2"}}[b"%d" % seq]
        assert commit(store, *[c._replace(value=b"3") for c in cells]) == seq + 1
        assert {place.peek(c.table, c.row)[c.qualifier] for c in cells} == {b"3"}

    @pytest.mark.parametrize("rows", range(5))
    def test_another_one_finishes_what_a_dead_writer_has_committed(self, place: Place, rows: int) -> None:
        cells = [counter(b"a", b"1", row=b"row%d" % n) for n in range(2)] + [fact(b"f", b"1"), fact(b"g", b"1", b"r")]
        dying = FaultyStore(place.open(), scripted(commit=[Fault(When.WITHIN, Action.FAIL, rows)]))
        with pytest.raises(TransientStoreError):
            commit(dying, *cells)
        seq = place.open().take(SHARD)
        there = [place.peek(c.table, c.row).get(c.qualifier) for c in cells]
        assert there == ([b"1"] * 4 if seq else [None] * 4)

    def test_settle_finishes_it_as_well(self, place: Place) -> None:
        dying = FaultyStore(place.open(), scripted(commit=[Fault(When.WITHIN, Action.FAIL)]))
        with pytest.raises(TransientStoreError):
            commit(dying, counter(b"a", b"1"))
        other = place.open()
        other.settle(range(8))
        assert place.peek("counters", ROW) == ({b"a": b"1"} if other.take(SHARD) else {})

    def test_a_writer_that_stalled_before_its_commit_is_fenced(self, place: Place) -> None:
        other = place.open()
        stalls = scripted(commit=[Fault(When.BEFORE, Action.STALL)])
        zombie = FaultyStore(place.open(), stalls, lambda: commit(other, counter(b"a", b"successor")))
        with pytest.raises(Fenced):
            commit(zombie, counter(b"a", b"zombie"), counter(b"b", b"zombie"))
        assert place.peek("counters", ROW) == {b"a": b"successor"}


class ReadContract:
    """`read` and `scan`."""

    def test_rows_that_are_not_there_are_left_out(self, place: Place) -> None:
        store = place.open()
        commit(store, counter(b"a", b"1"))
        assert store.read("counters", [b"no", ROW, b"such"]) == {ROW: [(b"a", b"1")]}
        assert store.read("counters", []) == {}
        assert store.read("visitors", [ROW]) == {}

    def test_a_row_asked_for_twice_is_answered_once(self, place: Place) -> None:
        store = place.open()
        commit(store, counter(b"a", b"1"))
        assert store.read("counters", [ROW] * 3000) == {ROW: [(b"a", b"1")]}

    def test_many_rows_come_at_once(self, place: Place) -> None:
        store = place.open()
        commit(store, *[counter(b"a", b"%d" % n, row=b"row%05d" % n) for n in range(2500)])
        rows = [b"row%05d" % n for n in range(2500)]
        assert store.read("counters", rows) == {row: [(b"a", b"%d" % n)] for n, row in enumerate(rows)}

    def test_qualifiers_are_any_bytes_and_come_in_their_order(self, place: Place) -> None:
        qualifiers = [
            b"\x00",
            b"\x00\x00",
            b"\x00\xff",
            b"a",
            b"a\x00",
            b"\x7f",
            b"\x80",
            b"\xff",
            b"\xff\xff",
            b"\n\r",
        ]
        store = place.open()
        commit(store, *[counter(q, q) for q in qualifiers])
        assert store.read("counters", [ROW]) == {ROW: [(q, q) for q in sorted(qualifiers)]}

    def test_row_keys_are_any_bytes(self, place: Place) -> None:
        rows = [b"\x00", b"\x00\xff", b"a\x00b", b"\xff", b"\xff\xff\x00"]
        store = place.open()
        commit(store, *[counter(b"q", row, row=row) for row in rows])
        assert store.read("counters", rows) == {row: [(b"q", row)] for row in rows}
        assert store.scan("counters", b"") == {row: [(b"q", row)] for row in rows}

    def test_values_of_a_megabyte_come_whole(self, place: Place) -> None:
        store = place.open()
        value = bytes(range(256)) * 4096
        commit(store, counter(b"a", b"small"), counter(b"b", value), counter(b"c", value[::-1]))
        assert store.read("counters", [ROW]) == {ROW: [(b"a", b"small"), (b"b", value), (b"c", value[::-1])]}

    @pytest.mark.parametrize(
        ("ranges", "expected"),
        [
            ([(b"b", b"d")], b"bc"),
            ([(b"b", b"c"), (b"d", b"e")], b"bd"),
            ([(b"d", b"e"), (b"a", b"b")], b"ad"),
            ([(b"a", b"d"), (b"b", b"e")], b"abcd"),
            ([(b"a", b"e"), (b"b", b"c"), (b"b", b"c")], b"abcd"),
            ([(b"", b"b")], b"a"),
            ([(b"c", b"c"), (b"d", b"a")], b""),
            ([], b""),
            ([(b"c", b"\xff")], b"cde"),
            ([(b"%02d" % n, b"%02d\x00" % n) for n in range(99)] * 20 + [(b"e", b"f")], b"e"),
        ],
    )
    def test_ranges_are_half_open_and_each_cell_comes_once(
        self, place: Place, ranges: list[tuple[bytes, bytes]], expected: bytes
    ) -> None:
        store = place.open()
        commit(store, *[counter(bytes([q]), b"v") for q in b"abcde"])
        found = store.read("counters", [ROW], ranges)
        assert found == ({ROW: [(bytes([q]), b"v") for q in expected]} if expected else {})

    def test_hundreds_of_scattered_ranges_are_read(self, place: Place) -> None:
        store = place.open()
        commit(store, *[counter(b"%04d" % n, b"v") for n in range(2000)])
        found = store.read("counters", [ROW, b"no"], [(b"%04d" % n, b"%04d\x00" % n) for n in range(1999, 0, -2)])
        assert found == {ROW: [(b"%04d" % n, b"v") for n in range(1, 2000, 2)]}

    def test_a_scan_finds_what_begins_with_the_prefix(self, place: Place) -> None:
        rows = [b"a", b"a#", b"a#1", b"a#\xff\xff", b"a#" + b"\xff" * 12 + b"z", b"a$", b"b"]
        store = place.open()
        commit(store, *[counter(b"q", b"v", row=row) for row in rows])
        assert sorted(store.scan("counters", b"a#")) == rows[1:5]
        assert sorted(store.scan("counters", b"")) == rows
        assert store.scan("counters", b"none") == {}

    def test_a_scan_of_a_prefix_of_0xff_ends_with_the_table(self, place: Place) -> None:
        store = place.open()
        commit(store, *[counter(b"q", b"v", row=row) for row in (b"\xfe", b"\xff", b"\xff\xffx")])
        assert sorted(store.scan("counters", b"\xff")) == [b"\xff", b"\xff\xffx"]

    def test_what_a_client_put_there_is_read(self, place: Place) -> None:
        place.poke("counters", ROW, b"a", b"poked")
        expected: Rows = {ROW: [(b"a", b"poked")]}
        assert place.open().read("counters", [ROW]) == expected


class MetaContract:
    """`put_meta` and `create_meta`."""

    def test_the_last_put_wins_whoever_makes_it(self, place: Place) -> None:
        first, second = place.open(), place.open()
        first.put_meta(b"m", {b"a": b"1", b"b": b"1"})
        second.put_meta(b"m", {b"a": b"2"})
        assert place.peek("meta", b"m") == {b"a": b"2", b"b": b"1"}
        first.put_meta(b"m", {b"a": b"3"})
        assert second.read("meta", [b"m"]) == {b"m": [(b"a", b"3"), (b"b", b"1")]}

    def test_the_first_creation_stays_and_everybody_learns_it(self, place: Place) -> None:
        first, second = place.open(), place.open()
        assert first.create_meta(b"m", b"a", b"first") == b"first"
        assert second.create_meta(b"m", b"a", b"second") == b"first"
        assert first.create_meta(b"m", b"a", b"third") == b"first"
        assert second.create_meta(b"m", b"b", b"other") == b"other"

    def test_a_put_replaces_what_was_created_or_committed(self, place: Place) -> None:
        store = place.open()
        store.create_meta(b"m", b"a", b"created")
        commit(store, Cell("meta", b"m", b"b", b"committed"))
        store.put_meta(b"m", {b"a": b"put", b"b": b"put"})
        assert store.read("meta", [b"m"]) == {b"m": [(b"a", b"put"), (b"b", b"put")]}

    def test_a_put_of_nothing_changes_nothing(self, place: Place) -> None:
        store = place.open()
        store.put_meta(b"m", {})
        assert store.scan("meta", b"") == {}

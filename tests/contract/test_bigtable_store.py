"""Bigtable behind the store's contract, against Google's emulator, and the rules of the protocol that only it needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from google.api_core.exceptions import NotFound
from google.cloud import bigtable_admin_v2 as admin

from pipeline.model.errors import Fenced, StoreError, TransientStoreError, UsageError
from pipeline.store.bigtable import BigtableStore, connect
from pipeline.store.bigtable.calls import Unwritten
from pipeline.store.bigtable.patience import Patience
from tests.contract.fixed_contract import FixedContract
from tests.contract.model_contract import ModelContract
from tests.contract.store_contract import (
    ROW,
    SHARD,
    CommitContract,
    FaultContract,
    MetaContract,
    ReadContract,
    commit,
    counter,
    fact,
)
from tests.support.faulty_store import Action, Fault, FaultyStore, When, scripted
from tests.support.store_places import BigtablePlace


@pytest.fixture
def place(bigtable_url: str) -> Iterator[BigtablePlace]:
    place = BigtablePlace(bigtable_url)
    yield place
    place.close()


class TestCommit(CommitContract):
    pass


class TestFaults(FaultContract):
    pass


class TestRead(ReadContract):
    pass


class TestMeta(MetaContract):
    pass


class TestFixed(FixedContract):
    pass


class TestModel(ModelContract):
    pass


class CallsBetween:
    """Between a store and its calls: counts them, and lets a test answer instead."""

    def __init__(self, store: BigtableStore) -> None:
        self.store, self.calls = store, store._calls
        self.made: list[str] = []
        store._calls = self  # type: ignore[assignment]

    def check_and_mutate(self, *args: Any, **kwargs: Any) -> bool:
        self.made.append("check_and_mutate")
        return self.calls.check_and_mutate(*args, **kwargs)

    def mutate_rows(self, *args: Any) -> Unwritten:
        self.made.append("mutate_rows")
        return self.calls.mutate_rows(*args)

    def read_rows(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        self.made.append("read_rows")
        return self.calls.read_rows(*args, **kwargs)

    def close(self) -> None:
        self.calls.close()


class FakeTime:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def patience(self, deadline_s: float) -> Patience:
        return Patience(deadline_s, self.sleep, lambda: self.now, lambda: 1.0)


def open_with(place: BigtablePlace, patience: Patience) -> BigtableStore:
    store = place.open()
    assert isinstance(store, BigtableStore)
    store._patience = patience
    return store


class TestProtocol:
    def test_cells_of_a_unit_have_its_seq_as_their_timestamp(self, place: BigtablePlace) -> None:
        store = place.open()
        commit(store, counter(b"a", b"1"), fact(b"f", b"1"))
        commit(store, counter(b"b", b"1"))
        assert place.timestamps("counters", ROW) == {b"a": 1000, b"b": 2000}
        assert place.timestamps("visitors", ROW) == {b"f": 1000}

    def test_a_zombie_that_goes_on_within_its_commit_loses_against_its_successor(self, place: BigtablePlace) -> None:
        other = place.open()
        stall = scripted(commit=[Fault(When.WITHIN, Action.STALL)])
        zombie = FaultyStore(place.open(), stall, lambda: commit(other, counter(b"a", b"0")))
        assert commit(zombie, counter(b"a", b"zombie"), counter(b"b", b"zombie")) == 1
        assert place.peek("counters", ROW) == {b"a": b"0", b"b": b"zombie"}
        assert place.timestamps("counters", ROW) == {b"a": 2000, b"b": 1000}
        with pytest.raises(Fenced):
            zombie.commit(SHARD, 1, [])

    def test_rows_that_land_late_lose_as_well(self, place: BigtablePlace) -> None:
        late = FaultyStore(place.open(), scripted(commit=[Fault(When.WITHIN, Action.LATE, rows=1)]))
        with pytest.raises(TransientStoreError):
            commit(late, counter(b"a", b"old", row=b"r1"), counter(b"a", b"old", row=b"r2"))
        commit(place.open(), counter(b"a", b"new", row=b"r1"), counter(b"a", b"new", row=b"r2"))
        late.land()
        assert place.open().read("counters", [b"r1", b"r2"]) == {row: [(b"a", b"new")] for row in (b"r1", b"r2")}

    def test_a_late_unit_revives_a_fact_but_takes_no_younger_one_away(self, place: BigtablePlace) -> None:
        store = place.open()
        commit(store, fact(b"f", b"1"))
        late = FaultyStore(store, scripted(commit=[Fault(When.WITHIN, Action.LATE)]))
        with pytest.raises(TransientStoreError):
            commit(late, fact(b"f", None))
        commit(place.open(), fact(b"f", b"3"))
        late.land()
        assert place.peek("visitors", ROW) == {b"f": b"3"}

    def test_a_commit_that_lands_late_behind_another_one_is_fenced(self, place: BigtablePlace) -> None:
        late = FaultyStore(place.open(), scripted(commit=[Fault(When.BEFORE, Action.LATE)]))
        with pytest.raises(TransientStoreError):
            commit(late, counter(b"a", b"late"))
        commit(late, counter(b"a", b"second attempt"))
        late.land()
        assert place.open().take(SHARD) == 1
        assert place.peek("counters", ROW) == {b"a": b"second attempt"}

    def test_a_commit_that_lands_before_the_next_attempt_fences_it_and_is_finished(self, place: BigtablePlace) -> None:
        late = FaultyStore(place.open(), scripted(commit=[Fault(When.BEFORE, Action.LATE)]))
        with pytest.raises(TransientStoreError):
            commit(late, counter(b"a", b"late"))
        seq = late.take(SHARD)
        late.land()
        with pytest.raises(Fenced):
            late.commit(SHARD, seq, [counter(b"a", b"second attempt")])
        assert late.take(SHARD) == 1
        assert place.peek("counters", ROW) == {b"a": b"late"}

    def test_a_commit_without_a_take_is_refused(self, place: BigtablePlace) -> None:
        commit(place.open(), counter(b"a", b"1"))
        with pytest.raises(Fenced, match="taken again"):
            place.open().commit(SHARD, 1, [counter(b"a", b"2")])

    def test_after_a_failed_commit_the_shard_has_to_be_taken_again(self, place: BigtablePlace) -> None:
        store = FaultyStore(place.open(), scripted(commit=[Fault(When.WITHIN, Action.FAIL)]))
        with pytest.raises(TransientStoreError):
            commit(store, counter(b"a", b"1"))
        for seq in (0, 1):
            with pytest.raises(Fenced, match="taken again"):
                store.commit(SHARD, seq, [counter(b"a", b"2")])

    def test_what_this_store_applied_itself_is_not_applied_again(self, place: BigtablePlace) -> None:
        store = open_with(place, Patience())
        commit(store, counter(b"a", b"1"))
        between = CallsBetween(store)
        assert store.take(SHARD) == 1
        assert between.made == ["read_rows"]

    def test_what_another_store_committed_since_is_applied_again(self, place: BigtablePlace) -> None:
        store = open_with(place, Patience())
        commit(store, counter(b"a", b"1"))
        commit(place.open(), counter(b"a", b"2"))
        between = CallsBetween(store)
        assert store.take(SHARD) == 2
        assert between.made == ["read_rows", "read_rows", "mutate_rows"]
        assert store.take(SHARD) == 2
        assert between.made[3:] == ["read_rows"]

    def test_the_nonce_tells_two_attempts_at_one_seq_apart(self, place: BigtablePlace) -> None:
        nonces = set()
        for shard in range(5):
            commit(place.open(), shard=shard)
            nonces.add(place.peek("shards", b"head#\x00" + bytes([shard]))[b"nonce"])
        assert {len(nonce) for nonce in nonces} == {16} and len(nonces) == 5

    @pytest.mark.parametrize(
        "cell", [counter(b"q" * 16385, b"1"), counter(b"q", b"1", row=b"r" * 4097), counter(b"q", b"", row=b"")]
    )
    def test_what_could_not_be_applied_is_not_committed(self, place: BigtablePlace, cell: Any) -> None:
        store = place.open()
        with pytest.raises(StoreError, match="limits"):
            commit(store, counter(b"a", b"1"), cell)
        assert store.take(SHARD) == 0

    def test_a_unit_too_large_for_a_head_is_not_committed(self, place: BigtablePlace) -> None:
        store = place.open()
        with pytest.raises(StoreError, match="smaller batches"):
            commit(store, *[counter(b"%d" % n, b"x" * (9 << 20)) for n in range(8)])
        assert store.take(SHARD) == 0


class TestRepeats:
    def test_only_rows_that_failed_are_written_again(self, place: BigtablePlace) -> None:
        time = FakeTime()
        store = open_with(place, time.patience(60))
        seq = store.take(SHARD)
        written: list[list[bytes]] = []

        class Flaky(CallsBetween):
            def mutate_rows(self, table: str, entries: Any, timeout_s: float) -> Unwritten:
                written.append([entry.row_key for entry in entries])
                half = len(entries) // 2
                self.calls.mutate_rows(table, entries[half:], timeout_s)()
                return lambda: (list(entries[:half]), "flaky")

        Flaky(store)
        store.commit(SHARD, seq, [counter(b"a", b"1", row=b"%d" % n) for n in range(4)])
        assert written == [[b"0", b"1", b"2", b"3"], [b"0", b"1"], [b"0"]]
        assert time.pauses == [0.02, 0.04]
        assert len(store.read("counters", [b"%d" % n for n in range(4)])) == 4

    def test_rows_that_are_not_written_in_time_are_an_unknown_outcome(self, place: BigtablePlace) -> None:
        time = FakeTime()
        store = open_with(place, time.patience(10))
        seq = store.take(SHARD)

        class Refusing(CallsBetween):
            def mutate_rows(self, table: str, entries: Any, timeout_s: float) -> Unwritten:
                return lambda: (list(entries), "overloaded")

        refusing = Refusing(store)
        with pytest.raises(TransientStoreError, match="2 rows are not written: overloaded"):
            store.commit(SHARD, seq, [counter(b"a", b"1", row=b"%d" % n) for n in range(2)])
        assert 10 - 2.0 < time.now < 10 and max(time.pauses) == 2.0
        store._calls = refusing.calls
        assert store.take(SHARD) == 1
        assert place.peek("counters", b"0") == {b"a": b"1"}

    def test_a_read_goes_on_behind_the_last_row_when_its_stream_breaks(self, place: BigtablePlace) -> None:
        rows = [b"row%04d" % n for n in range(100)]
        commit(place.open(), *[counter(b"a", row * 1000, row=row) for row in rows])
        store = open_with(place, FakeTime().patience(60))

        class Breaking(CallsBetween):
            def read_rows(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
                self.made.append("read_rows")
                for n, response in enumerate(self.calls.read_rows(*args, **kwargs)):
                    if n == 40:
                        raise TransientStoreError("broken")
                    yield response

        breaking = Breaking(store)
        expected = {row: [(b"a", row * 1000)] for row in rows}
        assert store.read("counters", rows) == expected
        assert len(breaking.made) > 1
        assert store.scan("counters", b"row") == expected

    def test_a_creation_is_repeated_because_the_first_one_stays_anyway(self, place: BigtablePlace) -> None:
        store = open_with(place, FakeTime().patience(60))

        class AnswerLost(CallsBetween):
            def check_and_mutate(self, *args: Any, **kwargs: Any) -> bool:
                there = super().check_and_mutate(*args, **kwargs)
                if self.made.count("check_and_mutate") == 1:
                    raise TransientStoreError("answer lost")
                return there

        AnswerLost(store)
        assert store.create_meta(b"m", b"a", b"1") == b"1"


class TestTables:
    def test_absent_tables_are_a_usage_error_that_names_the_option(self, bigtable_prefix: str) -> None:
        with pytest.raises(UsageError, match="--create-tables"):
            BigtableStore("p", "i", prefix=bigtable_prefix)

    def test_create_tables_makes_them_and_leaves_those_that_are_there(self, bigtable_prefix: str) -> None:
        store = BigtableStore("p", "i", prefix=bigtable_prefix, create_tables=True)
        commit(store, counter(b"a", b"1"))
        again = BigtableStore("p", "i", prefix=bigtable_prefix, create_tables=True)
        assert again.take(SHARD) == 1
        store.close()
        again.close()

    def test_tables_made_in_part_are_completed(self, place: BigtablePlace) -> None:
        client = connect._admin_client()
        client.delete_table(name=f"projects/test-project/instances/test-instance/tables/{place._prefix}meta")
        client.delete_table(name=f"projects/test-project/instances/test-instance/tables/{place._prefix}shards")
        store = place.open(create=True)
        assert commit(store, counter(b"a", b"1")) == 1

    def test_cells_are_never_collected_by_age(self, place: BigtablePlace) -> None:
        for table in ("counters", "visitors", "shards", "meta"):
            name = f"projects/test-project/instances/test-instance/tables/{place._prefix}{table}"
            families = connect._admin_client().get_table(name=name).column_families
            assert dict(families) == {"c": admin.ColumnFamily(gc_rule=admin.GcRule(max_num_versions=1))}

    def test_tables_that_vanish_are_a_usage_error(self, place: BigtablePlace) -> None:
        store = place.open()
        name = f"projects/test-project/instances/test-instance/tables/{place._prefix}shards"
        connect._admin_client().delete_table(name=name)
        with pytest.raises(NotFound):
            connect._admin_client().get_table(name=name)
        with pytest.raises(UsageError, match="not found"):
            store.take(SHARD)

    @pytest.mark.parametrize("prefix", ["-a", "a/b", "x" * 42, "ä"])
    def test_a_prefix_that_is_no_table_name_is_refused(self, bigtable_prefix: str, prefix: str) -> None:
        with pytest.raises(UsageError, match="prefix"):
            BigtableStore("p", "i", prefix=prefix, create=True)

"""What `pipeline.store.fixed` fixes at first use, on every store."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from pipeline.adopt import Adoption
from pipeline.model.definition import Snapshot
from pipeline.model.errors import UsageError
from pipeline.model.layout import META_LAYOUT
from pipeline.store import Store
from pipeline.store.fixed import Fixed, fix, fix_fanout
from tests.support.generate_definitions import parse
from tests.support.hits import MEASURES
from tests.support.store_places import Place

KEY = bytes(range(32))
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def fixed(store: Store, shards: int | None = None, key: bytes | None = None) -> Fixed:
    return fix(store, shards=shards, default_shards=8, visitor_key=key)


def asking(**fanouts: int) -> Snapshot:
    """Accounts with one metric each, and the fanouts that they ask for."""
    metric = {"id": "all", "where": {}, "measures": MEASURES}
    return Snapshot.of(parse(account, {"fanout": fanout}, [metric]) for account, fanout in fanouts.items())


class FixedContract:
    def test_defaults_are_fixed_at_first_use_and_found_again(self, place: Place) -> None:
        first = fixed(place.open())
        assert first.shards == 8
        assert fixed(place.open()) == first
        assert fixed(place.open(), shards=8) == first

    def test_other_shards_are_refused_with_those_in_force(self, place: Place) -> None:
        fixed(place.open(), shards=4)
        with pytest.raises(UsageError, match="--shards 5: this store was made with 4"):
            fixed(place.open(), shards=5)

    def test_a_given_visitor_key_is_not_kept_but_checked(self, place: Place) -> None:
        assert fixed(place.open(), key=KEY).visitor_key == KEY
        assert KEY.hex().encode() not in place.peek("meta", META_LAYOUT)[b"v"]
        assert fixed(place.open(), key=KEY).visitor_key == KEY
        with pytest.raises(UsageError, match="DAYCOUNT_VISITOR_KEY"):
            fixed(place.open(), key=KEY[::-1])

    def test_a_store_with_a_given_key_is_refused_without_it(self, place: Place) -> None:
        fixed(place.open(), key=KEY)
        with pytest.raises(UsageError, match="DAYCOUNT_VISITOR_KEY"):
            fixed(place.open())

    def test_another_layout_version_is_refused(self, place: Place) -> None:
        fixed(place.open())
        found = json.loads(place.peek("meta", META_LAYOUT)[b"v"])
        place.poke("meta", META_LAYOUT, b"v", json.dumps({**found, "version": 99}).encode())
        with pytest.raises(UsageError, match="layout version 99"):
            fixed(place.open())

    def test_an_unreadable_layout_record_is_refused(self, place: Place) -> None:
        place.poke("meta", META_LAYOUT, b"v", b"no json")
        with pytest.raises(UsageError, match="not a Daycount store"):
            fixed(place.open())

    def test_an_account_keeps_the_fanout_that_it_began_with(self, place: Place) -> None:
        assert [fix_fanout(place.open(), "shop", fanout) for fanout in (8, 8, 4)] == [8, 8, 8]
        assert fix_fanout(place.open(), "other", 2) == 2

    def test_another_fanout_is_refused_where_a_run_begins(self, place: Place) -> None:
        Adoption(place.open()).adopt(asking(shop=8), NOW)
        refusing = Adoption(place.open())
        for _ in range(2):
            with pytest.raises(UsageError, match="fanout of account shop is 4, this store was begun with 8: set it back"):
                refusing.adopt(asking(shop=4, other=2), NOW)

    def test_later_on_another_fanout_of_one_account_is_told_and_keeps_back_nobody_elses_definitions(
        self, place: Place
    ) -> None:
        adoption = Adoption(place.open())
        adoption.adopt(asking(shop=8), NOW)
        given = asking(shop=4, other=2)
        in_force = adoption.adopt(given, NOW, meanwhile=True)
        assert {name: a.settings.fanout for name, a in in_force.accounts.items()} == {"shop": 8, "other": 2}
        assert in_force == Snapshot.of(asking(shop=8, other=2).accounts.values())
        assert adoption.refused == "settings.fanout of account shop is 4, this store was begun with 8, which stays"
        assert adoption.adopt(given, NOW, meanwhile=True) is in_force
        assert adoption.adopt(asking(shop=8, other=2), NOW).version == in_force.version
        assert adoption.refused is None

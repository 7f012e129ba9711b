"""What `pipeline.store.fixed` fixes at first use, on every store."""

from __future__ import annotations

import json

import pytest

from pipeline.model.errors import UsageError
from pipeline.model.layout import META_LAYOUT
from pipeline.store import Store
from pipeline.store.fixed import Fixed, fix, fix_fanout
from tests.support.store_places import Place

KEY = bytes(range(32))


def fixed(store: Store, shards: int | None = None, key: bytes | None = None) -> Fixed:
    return fix(store, shards=shards, default_shards=8, visitor_key=key)


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

    def test_another_fanout_of_an_account_is_refused(self, place: Place) -> None:
        fix_fanout(place.open(), "shop", 8)
        fix_fanout(place.open(), "shop", 8)
        fix_fanout(place.open(), "other", 2)
        with pytest.raises(UsageError, match="fanout of account shop is 4, this store was begun with 8"):
            fix_fanout(place.open(), "shop", 4)

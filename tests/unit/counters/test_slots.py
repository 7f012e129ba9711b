"""A shard's own slots: absolute values, hour by hour, that add up to the day."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from pipeline.counters.slots import Address, Changes, Places, Slots
from pipeline.model.counter import NO_MAX, NO_MIN, QUALITY
from pipeline.model.errors import StoreError
from pipeline.model.judged import Judged
from pipeline.model.layout import DAY, HOUR, parse_counter_qualifier, slot_head, unpack_hours, unpack_totals
from tests.support.hits import ACCOUNT, snapshot_of

MEASURES = {
    "n": {"aggregate": "count"},
    "most": {"aggregate": "max", "field": "total"},
    "least": {"aggregate": "min", "field": "total"},
}
METRIC = Judged.of(snapshot_of({"id": "all", "measures": MEASURES}).accounts[ACCOUNT]).metrics[0]  # least, most, n
HERE = Address(b"row", slot_head(breakdown=1, day=5, slot=3))


def held(*addresses: Address) -> Slots:
    slots = Slots(shard=3)
    slots.load(addresses, lambda table, rows, ranges: {})
    return slots


def changed_of(
    slots: Slots, hours: Sequence[int], rows: Sequence[Sequence[int]], value: str = "a", address: Address = HERE
) -> Changes:
    """What adding these rows to hours of one slot comes to."""
    places = Places([address], [value.encode()], np.array([0]), [METRIC])
    return slots.changed(places, np.array([len(hours)]), np.array(hours), np.array(rows))


def change(
    slots: Slots, hours: Sequence[int], rows: Sequence[Sequence[int]], value: str = "a"
) -> tuple[dict[int, list[int]], list[int]]:
    """Add rows to hours of one slot and hold it: its hours and its day then."""
    changed = changed_of(slots, hours, rows, value)
    slots.accept(changed)
    first, touched, body = unpack_hours(changed.hours[0])
    by_hour = {first + i: body[i].tolist() for i in np.flatnonzero(touched).tolist()}
    return by_hour, unpack_totals(changed.totals[0]).tolist()


def test_rows_are_added_to_hours_and_the_day_is_their_sum() -> None:
    slots = held(HERE)
    assert change(slots, [3, 25], [[5, 5, 1], [-2, 9, 2]]) == ({3: [5, 5, 1], 25: [-2, 9, 2]}, [-2, 9, 3])
    assert change(slots, [3], [[4, 7, 1]]) == ({3: [4, 7, 2], 25: [-2, 9, 2]}, [-2, 9, 4])


def test_an_hour_that_was_never_touched_holds_no_minimum() -> None:
    slots = held(HERE)
    change(slots, [2, 5], [[7, 7, 1], [8, 8, 1]])
    assert change(slots, [3], [[9, 9, 1]])[1] == [7, 9, 3]


def test_an_hour_without_a_number_takes_no_part_in_minimum_and_maximum() -> None:
    slots = held(HERE)
    assert change(slots, [2], [[NO_MIN, NO_MAX, 1]])[1] == [NO_MIN, NO_MAX, 1]
    assert change(slots, [2], [[0, 0, 1]])[1] == [0, 0, 2]


def test_a_slot_that_is_taken_back_to_nothing_is_still_written() -> None:
    slots = held(HERE)
    change(slots, [2], [[NO_MIN, NO_MAX, 1]])
    assert change(slots, [2], [[NO_MIN, NO_MAX, -1]]) == ({2: [NO_MIN, NO_MAX, 0]}, [NO_MIN, NO_MAX, 0])


def test_values_of_one_address_are_told_apart() -> None:
    slots = held(HERE)
    change(slots, [2], [[1, 1, 1]], value="a")
    assert change(slots, [2], [[2, 2, 1]], value="b")[1] == [2, 2, 1]
    assert slots.names(HERE) == {"a", "b"}


def test_none_and_other_are_no_named_values() -> None:
    slots = held(HERE)
    for value in ("(none)", "(other)"):
        change(slots, [2], [[1, 1, 1]], value=value)
    assert slots.names(HERE) == set()


def test_nothing_is_held_before_it_is_accepted() -> None:
    slots = held(HERE)
    changed_of(slots, [2], [[1, 1, 1]])
    assert slots.held == {HERE: {}}


def test_the_series_without_breakdown_carries_notes_on_quality() -> None:
    base = Address(b"row", slot_head(breakdown=0, day=5, slot=3))
    slots = held(base)
    changed = changed_of(slots, [2], [[1, 1, 1, *range(1, len(QUALITY) + 1)]], value="", address=base)
    assert unpack_totals(changed.totals[0]).tolist() == [1, 1, 1, *range(1, len(QUALITY) + 1)]


def test_a_change_is_written_by_day_and_by_hours_into_its_own_slot() -> None:
    slots = held(HERE)
    keys = [parse_counter_qualifier(qualifier) for _, qualifier, _ in slots.cells(changed_of(slots, [2], [[1, 1, 1]]))]
    assert [key.kind for key in keys] == [DAY, HOUR]
    assert {key[1:] for key in keys} == {(1, 5, 3, "a")}


def test_what_is_held_is_not_read_again() -> None:
    slots = held(HERE)
    slots.load([HERE], lambda *_: (_ for _ in ()).throw(AssertionError("read again")))
    change(slots, [2], [[1, 1, 1]])
    again = Slots(shard=3)
    cells = {b"row": [(q, v) for _, q, v in slots.cells(changed_of(slots, [2], [[NO_MIN, NO_MAX, 0]])) if q[:1] == HOUR]}
    again.load([HERE], lambda *_: cells)
    assert again.held == slots.held


def test_slots_of_several_widths_and_hours_change_at_once() -> None:
    base, slots = Address(b"row", slot_head(0, 5, 3)), held(HERE, Address(b"row", slot_head(0, 5, 3)))
    places = Places([base, HERE, HERE], [b"", b"a", b"b"], np.array([0, 0, 0]), [METRIC])
    rows = np.array([[1, 1, 1, 2, 3, 4, 5], [2, 2, 1, 0, 0, 0, 0], [3, 3, 1, 0, 0, 0, 0], [4, 4, 1, 0, 0, 0, 0]])
    for times in (1, 2):
        changed = slots.changed(places, np.array([1, 2, 1]), np.array([2, 2, 30, 47]), rows)
        slots.accept(changed)
        found = {(a, v): unpack_totals(totals).tolist() for a, v, _, totals in zip(*changed, strict=True)}
        assert found[base, b""] == [1, 1, times, *(times * n for n in (2, 3, 4, 5))]
        assert found[HERE, b"a"] == [2, 3, 2 * times]
        assert found[HERE, b"b"] == [4, 4, times]


def test_what_it_holds_of_another_width_is_damage_and_its_row_is_named() -> None:
    slots = held(HERE)
    change(slots, [2], [[1, 1, 1]])
    slots.held[HERE][b"a"] += bytes(8)
    with pytest.raises(StoreError, match="row"):
        changed_of(slots, [2], [[1, 1, 1]])

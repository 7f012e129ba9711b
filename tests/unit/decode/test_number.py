"""Micro-units of numbers: exact to the decimal as written, and the same for one as for many at once."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.decode.number import NO_NUMBER, NUMBER_MAX, sum_through, to_micro, to_micros
from tests.support.any_pace import at_any_pace

DECIMALS = st.decimals(-NUMBER_MAX, NUMBER_MAX, places=6).map(float)
TINY = st.integers(-(10**9), 10**9).map(lambda n: n / 1e7)
NUMBERS = st.integers() | st.floats() | DECIMALS | TINY | st.decimals(-(10**13), 10**13, places=6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | TINY | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc01"), inner, max_size=3),
    max_leaves=20,
)


@at_any_pace
@given(st.lists(NUMBERS | st.none(), max_size=30))
@example([10**400, 0.5e-6, 1.5e-6, -2.5e-6, 1e12, 1e12 + 0.0002, float("nan"), float("inf"), 2**63, -0.0, 0.1 + 0.2])
def test_a_list_comes_to_what_its_items_come_to(numbers: list[Any]) -> None:
    one_by_one = [to_micro(n) for n in numbers]
    assert to_micros(numbers).tolist() == [NO_NUMBER if m is None else m for m in one_by_one]
    assert to_micros(numbers).dtype == np.int64


@at_any_pace
@given(st.floats(-NUMBER_MAX, NUMBER_MAX) | st.integers(-NUMBER_MAX, NUMBER_MAX))
def test_a_number_is_its_shortest_text_rounded_half_even(number: float | int) -> None:
    expected = Decimal(repr(number)).quantize(Decimal("0.000001"), rounding=ROUND_HALF_EVEN)
    assert to_micro(number) == int(expected.scaleb(6))


@pytest.mark.parametrize("other", [True, False, "5", "", None, [5], {}, float("nan"), float("inf"), 1e12 + 1, -(10**13)])
def test_what_is_no_number_or_too_large_is_none(other: object) -> None:
    assert to_micro(other) is None


def naive_sum(value: Any, rest: tuple[str, ...]) -> int | None:
    """The micro-units below a path, written the obvious way."""
    if not rest:
        return to_micro(value)
    if isinstance(value, dict):
        return naive_sum(value[rest[0]], rest[1:]) if rest[0] in value else None
    if not isinstance(value, list):
        return None
    if rest[0].isdigit():
        return naive_sum(value[int(rest[0])], rest[1:]) if int(rest[0]) < len(value) else None
    found = [part for element in value if (part := naive_sum(element, rest)) is not None]
    return sum(found) if found else None


@at_any_pace
@given(JSON, st.lists(st.sampled_from("abc01"), max_size=3).map(tuple))
def test_sums_through_arrays_are_those_of_the_obvious_way(value: Any, rest: tuple[str, ...]) -> None:
    expected = naive_sum(value, rest)
    assert sum_through(value, rest) == (None if expected is None else Decimal(expected).scaleb(-6))


def test_the_order_of_elements_cannot_matter() -> None:
    elements = [{"q": n} for n in (0.0000005, 0.0000015, 1e11, -1e11, 0.1, 0.2)]
    assert sum_through(elements, ("q",)) == sum_through(elements[::-1], ("q",)) == Decimal("0.300002")


def test_a_long_index_is_beyond_every_array() -> None:
    assert sum_through([1], ("9" * 5000,)) is None

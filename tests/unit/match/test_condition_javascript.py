"""Values convert as in JavaScript. `javascript_cases.jsonl`: our own conditions and events, random, with the answers
that GrowthBook's JavaScript gave for them."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from pipeline.match import compile_condition, parse_condition, to_terms, value_at
from pipeline.match.coerce import number_of, number_text, same, text_key, text_of, truth_of
from pipeline.match.version import padded_version

GROUPS = {"g1": ["a", "1", 1, True, None], "g2": []}
CASES = [json.loads(line) for line in Path(__file__).with_name("javascript_cases.jsonl").read_text().splitlines()]


def test_conditions_hold_where_javascript_says_so() -> None:
    wrong = [case for case in CASES if compile_condition(case[0], GROUPS)(case[1]) is not case[2]]
    assert len(CASES) > 600
    assert wrong == []


def test_terms_hold_where_javascript_says_so() -> None:
    for condition, event, expected in CASES:
        terms = to_terms(parse_condition(condition, GROUPS))
        assert terms is not None
        assert any(all(c.test(value_at(event, c.path)) for c in term) for term in terms) is expected


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1.0, "1"),
        (-0.0, "0"),
        (0.1, "0.1"),
        (1e16, "10000000000000000"),
        (1.5e20, "150000000000000000000"),
        (1e21, "1e+21"),
        (-1.25e-7, "-1.25e-7"),
        (1e-6, "0.000001"),
        (0.00001234, "0.00001234"),
        (2**53 + 1, "9007199254740992"),
        (10**400, "Infinity"),
        (-(10**400), "-Infinity"),
        (math.nan, "NaN"),
    ],
)
def test_numbers_have_javascripts_text(number: float, text: str) -> None:
    assert number_text(number) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        ([], ""),
        ([[]], ""),
        ([1, [2, [None, 3]], "a"], "1,2,,3,a"),
        ([[], []], ","),
        ([{}], "[object Object]"),
        ({"a": 1}, "[object Object]"),
    ],
)
def test_other_values_have_javascripts_text(value: Any, text: str) -> None:
    assert text_of(value) == text


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("", 0),
        ("\ufeff 5\u00a0\n", 5),
        ("0x1F", 31),
        ("0b11", 3),
        ("0o17", 15),
        (".5", 0.5),
        ("5.", 5),
        ("+1e3", 1000),
        ("-Infinity", -math.inf),
        ("1" * 400, math.inf),
        (None, 0),
        (True, 1),
        ([], 0),
        (["7"], 7),
    ],
)
def test_values_convert_to_numbers_as_in_javascript(value: Any, number: float) -> None:
    assert number_of(value) == number


@pytest.mark.parametrize("value", ["a", "1_0", "-0x10", "0x", "1e", ".", "1 2", "inf", "nan", "٣", "1,2", [1, 2], {}, [{}]])
def test_what_is_no_number_is_nan(value: Any) -> None:
    assert math.isnan(number_of(value))


def test_empty_lists_and_objects_are_true() -> None:
    assert [truth_of(value) for value in ([], {}, "0", -1)] == [True] * 4
    assert [truth_of(value) for value in (None, False, 0, -0.0, "", math.nan)] == [False] * 6


def test_texts_sort_by_utf16_units() -> None:
    assert sorted(["\uffff", "\U0001f600", "z"], key=text_key) == ["z", "\U0001f600", "\uffff"]


def test_integers_that_a_double_cannot_hold_are_compared_as_doubles() -> None:
    assert same(2**53 + 1, 2**53)
    assert same(2**64, float(2**64))
    assert not same(True, 1)


def test_deep_equality_ignores_the_order_of_keys() -> None:
    matches = compile_condition({"a": {"x": 1, "y": [True, None]}})
    assert matches({"a": {"y": [True, None], "x": 1.0}})
    assert not matches({"a": {"y": [1, None], "x": 1}})


def test_versions_sort_as_semver_for_a_while() -> None:
    ordered = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0", "1.9.0", "1.10.0", "v2.0.0+b1"]
    assert sorted(reversed(ordered), key=padded_version) == ordered


def test_a_build_of_many_plus_signs_takes_linear_time() -> None:
    assert padded_version("+" * 200_000 + "\n").endswith("+\n")


def test_lists_nested_thousands_deep_are_converted() -> None:
    nested: list[Any] = []
    for _ in range(5_000):
        nested = [nested]
    matches = compile_condition({"a": {"$gt": "x", "$regex": "x"}, "b": "", "c": {"$not": [[]]}})
    assert matches({"a": "xx", "b": nested, "c": nested})

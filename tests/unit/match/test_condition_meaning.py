"""What conditions say about an event, operator by operator: the documented examples."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.match import compile_condition, groups_named, value_at

ORDER: dict[str, Any] = {
    "event": "Order Completed",
    "properties": {"total": 499, "coupon": None, "products": [{"sku": "A1", "price": 0}, {"sku": "B2", "price": 499}]},
    "context": {"traits": {"gender": "female", "tags": ["vip", "New"]}, "location": {"country": "IN"}},
    "version": "1.10.0",
}

BIG_ORDERS = {
    "event": "Order Completed",
    "$or": [
        {"context.traits.gender": "female", "context.location.country": "IN"},
        {"properties.total": {"$gte": 499}},
    ],
}


def test_an_or_beside_a_path_needs_both() -> None:
    matches = compile_condition(BIG_ORDERS)
    assert matches(ORDER)
    assert matches(ORDER | {"properties": {"total": 1}})
    assert matches(ORDER | {"context": {}})
    assert not matches({"event": "Order Completed", "properties": {"total": 498}})
    assert not matches(ORDER | {"event": "Order Refunded"})


@pytest.mark.parametrize(
    "condition",
    [
        {},
        {"$or": []},
        {"$and": []},
        {"$not": {"event": "Viewed"}},
        {"$nor": [{"event": "Viewed"}, {"version": "2"}]},
        {"properties.total": "499"},
        {"properties.total": {"$gt": "10", "$lt": 500}},
        {"properties.total": {"$in": [1, 499.0]}},
        {"properties.total": {"$nin": ["499"]}},
        {"properties.coupon": None},
        {"properties.absent": None},
        {"properties.coupon": {"$exists": False}},
        {"properties.absent.deeper": {"$type": "null"}},
        {"properties.products.0.sku": "A1"},
        {"properties.products": {"$size": {"$gte": 2}}},
        {"properties.products": {"$size": 2}},
        {"properties.products": {"$elemMatch": {"sku": "B2", "price": {"$gt": 400}}}},
        {"properties.products": {"$elemMatch": {"sku": "B2", "$or": [{"price": 1}, {"price": 499}]}}},
        {"properties.products": {"$not": {"$elemMatch": {"sku": "A1", "price": {"$gt": 0}}}}},
        {"context.traits.tags": {"$in": ["x", "vip"]}},
        {"context.traits.tags": {"$nin": ["new"]}},
        {"context.traits.tags": {"$ini": ["NEW"]}},
        {"context.traits.tags": {"$nini": ["old"]}},
        {"context.traits.tags": {"$all": ["vip", {"$regex": "^N"}]}},
        {"context.traits.tags": {"$alli": ["VIP", "new"]}},
        {"context.traits.tags": ["vip", "New"]},
        {"context.traits.tags": {"$eq": ["vip", "New"]}},
        {"context.traits": {"$type": "object"}},
        {"context.location": {"country": "IN"}},
        {"event": {"$regex": "Order (Completed|Updated)$"}},
        {"event": {"$regexi": "^order"}},
        {"event": {"$not": {"$regex": "order"}}},
        {"event": {"$ne": None}},
        {"version": {"$vgt": "1.9.9", "$vlte": "v1.10.0+build"}},
        {"version": {"$veq": "1.10.0", "$vne": "1.10.0-rc.1"}},
        {"context.location.country": {"$inGroup": "asia"}},
        {"context.location.country": {"$notInGroup": "europe"}},
    ],
    ids=str,
)
def test_it_holds_for_the_order(condition: dict[str, Any]) -> None:
    groups = {"asia": ["IN", "JP"], "europe": ["DK"]}
    assert compile_condition(condition, groups)(ORDER)
    assert not compile_condition({"$not": condition}, groups)(ORDER)


@pytest.mark.parametrize(
    "condition",
    [
        {"$nor": []},
        {"$nor": [{}]},
        {"properties.total": {"$eq": "499"}},
        {"properties.total": {"$gt": "many"}},
        {"properties.total": {"$lte": "many"}},
        {"properties.total": {"$type": "undefined"}},
        {"properties.total": {"$size": 3}},
        {"properties.products": {"$elemMatch": {"sku": "A1", "price": 499}}},
        {"properties.products.00.sku": "A1"},
        {"properties.products.2.sku": "A1"},
        {"properties.products.-1.sku": "B2"},
        {"event.0": "O"},
        {"context.traits.tags": ["New", "vip"]},
        {"context.traits.tags": {"$all": ["vip", "new"]}},
        {"context": {}},
    ],
    ids=str,
)
def test_it_does_not_hold_for_the_order(condition: dict[str, Any]) -> None:
    assert not compile_condition(condition)(ORDER)


def test_without_operators_values_are_converted_as_growthbook_does() -> None:
    """Surprising, and documented: `$eq` and `$exists` are for those who want none of it."""
    assert compile_condition({"discount": 0})({})
    assert compile_condition({"coupon": {"$regex": "^null$"}})({})
    assert compile_condition({"coupon": "null"})({})
    assert compile_condition({"flag": True})({"flag": "no"})
    assert not compile_condition({"flag": False})({})
    assert not compile_condition({"discount": {"$eq": 0}})({})


def test_elements_that_are_empty_or_zero_are_not_looked_at_by_elem_match() -> None:
    assert not compile_condition({"l": {"$elemMatch": {"$lt": 1}}})({"l": [0, None, "", False]})
    assert compile_condition({"l": {"$elemMatch": {}}})({"l": [[]]})


def test_a_path_may_begin_with_a_dollar() -> None:
    assert compile_condition({"$groups.0": "a"})({"$groups": ["a"]})


def test_texts_with_half_a_surrogate_pair_are_searched_and_compared() -> None:
    matches = compile_condition({"a": {"$regex": "b.$", "$gt": "\U0001f600b", "$nini": ["x"], "$vgt": "0"}})
    assert matches({"a": "\U0001f601b\ud800"})


def test_patterns_match_characters_and_search_anywhere() -> None:
    assert compile_condition({"a": {"$regex": "^ü.\U0001f600$"}})({"a": "üé\U0001f600"})
    assert compile_condition({"a": {"$regex": "4"}})({"a": 1.45})
    assert not compile_condition({"a": {"$regex": "b$"}})({"a": "b\n"})


def test_a_pattern_made_to_backtrack_takes_linear_time() -> None:
    assert not compile_condition({"a": {"$regex": "^(a+)+$"}})({"a": "a" * 50_000 + "b"})


def test_the_event_itself_may_be_anything() -> None:
    matches: Any = compile_condition({"a.b": {"$exists": True}})
    assert [matches(event) for event in (None, [], "a", 5, {"a": 1}, [{"b": 1}])] == [False] * 6
    assert compile_condition({"0.b": 1})([{"b": 1}])  # type: ignore[arg-type]


def test_value_at_takes_plain_indexes_only() -> None:
    event = {"l": ["x", {"0": "y"}], "": 1}
    assert value_at(event, ("l", "0")) == "x"
    assert value_at(event, ("l", "1", "0")) == "y"
    for part in ("01", "-1", "+1", "2", "٠", "", "9" * 30, "length"):
        assert value_at(event, ("l", part)) is None
    assert value_at(event, ()) is event


def test_groups_named_finds_them_at_any_depth_and_in_bad_conditions() -> None:
    condition = {"$or": [{"a": {"$inGroup": "x"}}, {"b": {"$not": {"$notInGroup": "y"}}}, {"c": {"$inGroup": 5}}, 7]}
    assert groups_named(condition) == {"x", "y"}
    assert groups_named("no condition") == set()

"""The tree and its terms: what is shared, what is left out, when a condition is too large to cut up."""

from __future__ import annotations

from typing import Any

from pipeline.match import AllOf, AnyOf, Clause, clauses_of, parse_condition, to_terms


def _sources(condition: dict[str, Any], terms_max: int = 64) -> list[list[str]] | None:
    terms = to_terms(parse_condition(condition), terms_max)
    return None if terms is None else [[clause.source for clause in term] for term in terms]


def _clause(condition: dict[str, Any], groups: dict[str, list[Any]] | None = None) -> Clause:
    node = parse_condition(condition, groups)
    assert isinstance(node, Clause)
    return node


def test_a_conjunction_is_one_term_in_the_order_written() -> None:
    condition = {"event": "Viewed", "properties.total": {"$gte": 499, "$lt": 1000}}
    assert _sources(condition) == [['event = "Viewed"', "properties.total $gte 499", "properties.total $lt 1000"]]


def test_an_or_beside_clauses_repeats_them_in_each_term() -> None:
    assert _sources({"$or": [{"a": 1}, {"b": 2}], "c": 3}) == [["c = 3", "a = 1"], ["c = 3", "b = 2"]]


def test_always_is_an_empty_term_and_never_is_no_term() -> None:
    assert to_terms(parse_condition({})) == ((),)
    assert to_terms(parse_condition({"$or": [{"a": 1}, {}]})) == ((),)
    assert to_terms(parse_condition({"$nor": []})) == ()
    assert to_terms(parse_condition({"a": 1, "$not": {"a": 1}})) == ()


def test_terms_that_ask_for_more_than_another_are_left_out() -> None:
    assert _sources({"$or": [{"a": 1, "b": 2}, {"a": 1}, {"a": 1, "c": 3}]}) == [["a = 1"]]


def test_negations_are_pushed_down_to_the_clauses() -> None:
    node = parse_condition({"$not": {"a": 1, "$or": [{"b": 2}, {"$nor": [{"c": 3}]}]}})
    assert isinstance(node, AnyOf) and isinstance(node.children[1], AllOf)
    assert [clause.source for clause in clauses_of(node)] == ["not a = 1", "not b = 2", "c = 3"]


def test_what_nests_behind_one_path_is_one_clause() -> None:
    condition = {"l": {"$elemMatch": {"a": {"$gt": 1}, "$or": [{"b": 1}, {"c": 1}]}, "$size": {"$gt": 1, "$lt": 5}}}
    assert [clause.operator for clause in clauses_of(parse_condition(condition))] == ["$elemMatch", "$size"]


def test_a_clause_knows_its_place_in_the_condition() -> None:
    places = [clause.place for clause in clauses_of(parse_condition({"$or": [{"a.b": 1}, {"c": {"$gt": 1}}]}))]
    assert places == ["$or[0].a.b", "$or[1].c.$gt"]


def test_more_terms_than_allowed_are_not_made() -> None:
    assert to_terms(parse_condition({"$or": [{"a": i} for i in range(64)]})) is not None
    assert to_terms(parse_condition({"$or": [{"a": i} for i in range(65)]})) is None
    assert to_terms(parse_condition({"$and": [{"$or": [{"a": i}, {"b": i}]} for i in range(100)]})) is None
    assert _sources({"$or": [{"a": 1}, {"b": 1}]}, terms_max=1) is None


def test_clauses_beside_an_or_do_not_count_as_terms() -> None:
    condition = {"$and": [{"$or": [{"x": i} for i in range(60)]}, *({f"p{i}": 1} for i in range(1_000))]}
    terms = to_terms(parse_condition(condition))
    assert terms is not None and len(terms) == 60 and len(terms[0]) == 1_001


def test_clauses_are_equal_by_meaning_not_by_place() -> None:
    assert _clause({"a": {"x": 1, "y": 2}}) == _clause({"a": {"y": 2, "x": 1}})
    assert len({_clause({"a": operand}) for operand in (1, True, "1", {"$eq": 1}, {"$in": [1]}, None)}) == 6
    assert _clause({"a.b": 1}) != _clause({"a.c": 1})


def test_a_group_clause_is_another_when_its_members_are() -> None:
    condition = {"a": {"$not": {"$inGroup": "vip"}}}
    assert _clause(condition, {"vip": [1], "other": [2]}) == _clause(condition, {"vip": [1]})
    assert _clause(condition, {"vip": [1]}) != _clause(condition, {"vip": [2]})


def test_a_long_operand_is_cut_in_the_source() -> None:
    source = _clause({"a": {"$in": list(range(1_000))}}).source
    assert len(source) < 220 and source.endswith("…")


def test_strings_are_told_where_a_text_is_all_that_is_asked() -> None:
    assert _clause({"event": "Viewed"}).strings == {"Viewed"}
    assert _clause({"event": {"$eq": "Viewed"}}).strings == {"Viewed"}
    assert _clause({"event": {"$in": ["Viewed", "Added", 5]}}).strings == {"Viewed", "Added"}
    assert _clause({"event": {"$regex": "Viewed"}}).strings is None
    assert _clause({"$not": {"event": "Viewed"}}).strings is None
    assert _clause({"event": 5}).strings is None

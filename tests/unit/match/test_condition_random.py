"""Whatever the condition and the event: three ways to evaluate agree, negation is exact, nothing raises."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from pipeline.match import (
    Clause,
    ConditionError,
    clauses_of,
    compile_condition,
    groups_named,
    node_test,
    parse_condition,
    to_terms,
    value_at,
)
from tests.support.conditions import ANY_JSON, CONDITIONS, EVENTS, GROUPS, naive_holds

QUIET = settings(database=None)


def _by_terms(condition: dict[str, Any], event: Any, terms_max: int) -> bool | None:
    terms = to_terms(parse_condition(condition, GROUPS), terms_max)
    return None if terms is None else any(all(c.test(value_at(event, c.path)) for c in term) for term in terms)


@given(CONDITIONS, EVENTS)
def test_the_compiled_condition_holds_when_the_naive_reading_does(condition: dict[str, Any], event: dict[str, Any]) -> None:
    assert compile_condition(condition, GROUPS)(event) is naive_holds(condition, event)


@given(CONDITIONS, EVENTS)
def test_terms_hold_when_the_condition_does(condition: dict[str, Any], event: dict[str, Any]) -> None:
    assert _by_terms(condition, event, 64) in (compile_condition(condition, GROUPS)(event), None)


@given(CONDITIONS, EVENTS)
def test_a_small_bound_on_terms_never_gives_a_wrong_answer(condition: dict[str, Any], event: dict[str, Any]) -> None:
    assert _by_terms(condition, event, 2) in (compile_condition(condition, GROUPS)(event), None)


@given(CONDITIONS, EVENTS)
def test_not_is_the_complement_of_the_whole_condition(condition: dict[str, Any], event: dict[str, Any]) -> None:
    held = compile_condition(condition, GROUPS)(event)
    assert compile_condition({"$not": condition}, GROUPS)(event) is not held
    assert compile_condition({"$nor": [condition]}, GROUPS)(event) is not held


@given(CONDITIONS, ANY_JSON)
def test_a_negated_clause_is_the_complement_for_any_value(condition: dict[str, Any], value: Any) -> None:
    for clause in clauses_of(parse_condition(condition, GROUPS)):
        assert clause.negate().test(value) is not clause.test(value)
        assert clause.negate() != clause
        assert clause.negate().negate() == clause


@given(CONDITIONS, ANY_JSON)
def test_no_event_makes_a_condition_raise(condition: dict[str, Any], event: Any) -> None:
    assert compile_condition(condition, GROUPS)(event) in (True, False)


@given(ANY_JSON)
def test_any_json_is_parsed_or_refused_with_a_condition_error(condition: Any) -> None:
    groups_named(condition)
    try:
        node = parse_condition(condition)
    except ConditionError as error:
        assert "\n" not in str(error)
    else:
        assert node_test(node, lambda path: None) in (True, False)


@given(CONDITIONS, ANY_JSON)
def test_equal_clauses_test_alike_however_they_were_written(condition: dict[str, Any], value: Any) -> None:
    again = json.loads(json.dumps(condition, sort_keys=True))
    seen: dict[Clause, Clause] = {clause: clause for clause in clauses_of(parse_condition(condition, GROUPS))}
    for clause in clauses_of(parse_condition(again, GROUPS)):
        assert seen[clause].test(value) is clause.test(value)
        assert seen[clause].source == clause.source


@given(CONDITIONS, EVENTS)
def test_strings_say_which_texts_a_clause_asks_for(condition: dict[str, Any], event: dict[str, Any]) -> None:
    for clause in clauses_of(parse_condition(condition, GROUPS)):
        if clause.strings is not None:
            for text in ("a", "A", "", "1", "null", *clause.strings):
                assert clause.test(text) is (text in clause.strings)


def test_a_canary_in_the_naive_reading_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.support.conditions._meets", lambda operand, value: True)
    pairs = st.tuples(CONDITIONS, EVENTS)
    find(pairs, lambda pair: compile_condition(pair[0], GROUPS)(pair[1]) is not naive_holds(*pair), settings=QUIET)

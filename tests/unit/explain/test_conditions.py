"""The tree of a condition says what the compiled condition says, and what the pipeline counts; part by part."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from pipeline.explain.conditions import ConditionTree
from pipeline.explain.judge import Judge, Judgement
from pipeline.match import compile_condition, value_at
from pipeline.model.definition import AccountDefinitions, Measure, Metric, Settings
from tests.support.conditions import CONDITIONS, EVENTS, GROUPS

QUIET = settings(database=None)
NOW_NS = 1_790_000_000_000_000_000


def tree_of(condition: dict[str, Any], event: Any) -> dict[str, Any]:
    return ConditionTree(event, GROUPS).explain(condition, ("where",))


def judge_of(condition: dict[str, Any]) -> Judge:
    metric = Metric("m", condition, (Measure("n", "count"),), (), "", "1" * 16, GROUPS)
    return Judge(AccountDefinitions.of("acme", Settings(groups=GROUPS), [metric]))


@given(CONDITIONS, EVENTS)
def test_it_holds_when_the_compiled_condition_does(condition: dict[str, Any], event: dict[str, Any]) -> None:
    assert tree_of(condition, event)["holds"] is compile_condition(condition, GROUPS)(event)


@settings(max_examples=60)
@given(CONDITIONS, EVENTS)
def test_it_holds_when_the_pipeline_counts_the_event(condition: dict[str, Any], event: dict[str, Any]) -> None:
    judged = judge_of(condition).judge(json.dumps(event).encode(), NOW_NS)
    assert isinstance(judged, Judgement)
    assert tree_of(condition, event)["holds"] is ("m" in judged.metrics)


@given(CONDITIONS, EVENTS)
def test_each_part_follows_from_those_below_it(condition: dict[str, Any], event: dict[str, Any]) -> None:
    ahead = [tree_of(condition, event)]
    while ahead:
        part = ahead.pop()
        if "logic" in part:
            assert part["holds"] is joined(part["logic"], [inner["holds"] for inner in part["parts"]])
            ahead += part["parts"]


def joined(logic: str, held: list[bool]) -> bool:
    return {
        "$and": all(held),
        "$or": any(held) or not held,
        "$nor": not any(held) and bool(held),
        "$not": not all(held),
    }[logic]


@given(CONDITIONS, EVENTS)
def test_a_clause_shows_what_it_asks_and_what_it_saw(condition: dict[str, Any], event: dict[str, Any]) -> None:
    for clause in clauses(tree_of(condition, event)):
        at = reached({"where": condition}, clause["pointer"])
        assert at == clause["operand"] or clause.get("operand_cut")
        value = value_at(event, tuple(clause["path"].split(".")))
        assert value == clause["value"] or clause.get("value_cut")
        alone = {clause["path"]: at if clause["operator"] == "=" else {clause["operator"]: at}}
        assert clause["holds"] is compile_condition(alone, GROUPS)(event)


def clauses(part: dict[str, Any]) -> list[dict[str, Any]]:
    return [c for inner in part["parts"] for c in clauses(inner)] if "logic" in part else [part]


def reached(value: Any, pointer: str) -> Any:
    for key in pointer.split("/")[1:]:
        plain = key.replace("~1", "/").replace("~0", "~")
        value = value[int(plain)] if isinstance(value, list) else value[plain]
    return value


def test_a_tree_is_written_as_the_condition_is() -> None:
    condition = {
        "event": "Order",
        "$or": [{"a/b": {"$gt": 1, "$lt": 5}}, {"$not": {"c": {"$in": [1, 2]}}}],
        "d": {"$not": {"$regex": "x"}},
    }
    tree = tree_of(condition, {"event": "Order", "a/b": 7, "c": None, "d": ["x"]})
    event, either, negated = tree["parts"]
    assert (tree["logic"], tree["holds"]) == ("$and", False)
    assert (event["operator"], event["operand"], event["holds"]) == ("=", "Order", True)
    both, unless = either["parts"]
    assert (either["logic"], either["holds"], both["logic"], both["holds"]) == ("$or", True, "$and", False)
    assert [(c["operator"], c["holds"], c["pointer"]) for c in both["parts"]] == [
        ("$gt", True, "/where/$or/0/a~1b/$gt"),
        ("$lt", False, "/where/$or/0/a~1b/$lt"),
    ]
    assert (unless["logic"], unless["holds"], unless["parts"][0]["type"]) == ("$not", True, "null")
    assert (negated["operator"], negated["holds"], negated["type"], negated["value"]) == ("$not", False, "array", ["x"])


@pytest.mark.parametrize(
    ("event", "path", "kind"),
    [
        ({}, "a", "absent"),
        ({"a": None}, "a", "null"),
        ({"a": {"b": None}}, "a.b", "null"),
        ({"a": 1}, "a.b", "absent"),
        ({"a": [None]}, "a.0", "null"),
        ({"a": [None]}, "a.1", "absent"),
        ({"a": [None]}, "a.00", "absent"),
        ({"a": True}, "a", "boolean"),
        ({"a": 0}, "a", "number"),
        ({"a": ""}, "a", "string"),
        ({"a": []}, "a", "array"),
        ({"a": {}}, "a", "object"),
    ],
)
def test_the_type_is_json_s_and_null_is_told_from_absent(event: dict[str, Any], path: str, kind: str) -> None:
    (clause,) = tree_of({path: 1}, event)["parts"]
    assert clause["type"] == kind


def test_what_is_long_is_cut_and_said_to_be() -> None:
    (clause,) = tree_of({"a": {"$in": ["é" * 200, "b"]}}, {"a": ["c" * 400]})["parts"]
    assert clause["operand"].startswith('["é') and clause["operand"].endswith("…") and clause["operand_cut"]
    assert clause["value"].startswith('["c') and len(clause["value"]) < 310 and clause["value_cut"]


def test_a_canary_in_the_compiled_conditions_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.explain.conditions.node_test", lambda node, read: True)
    pairs = st.tuples(CONDITIONS, EVENTS)
    find(pairs, lambda p: tree_of(*p)["holds"] is not compile_condition(p[0], GROUPS)(p[1]), settings=QUIET)

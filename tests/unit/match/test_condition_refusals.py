"""Bad conditions are refused in one line that names the place and the cure."""

from __future__ import annotations

import datetime
import math
import pickle
from typing import Any

import pytest

from pipeline.match import ConditionError, parse_condition
from pipeline.model.errors import UsageError

BAD: list[tuple[Any, str, str]] = [
    ("event", "", "must be an object"),
    (None, "", "must be an object"),
    ([{"event": "a"}], "", "must be an object"),
    ({"a": {"$regx": "x"}}, "a.$regx", "did you mean $regex?"),
    ({"a": {"$zzzzzz": 1}}, "a.$zzzzzz", "known are $all, "),
    ({"a": {"$options": "i"}}, "a.$options", "$regexi"),
    ({"$gt": 5}, "$gt", "needs a path"),
    ({"$ands": []}, "$ands", "did you mean $and?"),
    ({"$OR": []}, "$OR", "did you mean $or?"),
    ({"a": {"$or": [{"$gt": 1}]}}, "a.$or", "around it"),
    ({"$or": {"a": 1}}, "$or", "put it in [ ]"),
    ({"$or": [{"a": 1}, {"b": {"$gte": None}}]}, "$or[1].b.$gte", "number or a text, not null"),
    ({"$and": [{"$nor": [5]}]}, "$and[0].$nor[0]", "must be an object"),
    ({"$not": []}, "$not", "must be an object"),
    ({"a": {"$gt": True}}, "a.$gt", "not true"),
    ({"a": {"$lt": []}}, "a.$lt", "not an array"),
    ({"a": {"$in": "x"}}, "a.$in", "write ['x']"),
    ({"a": {"$nini": {}}}, "a.$nini", "must be a list"),
    ({"a": {"$in": [1, [2]]}}, "a.$in[1]", "never members"),
    ({"a": {"$exists": 1}}, "a.$exists", "true or false, not 1"),
    ({"a": {"$type": "int"}}, "a.$type", "one of string, number"),
    ({"a": {"$size": -1}}, "a.$size", "whole number"),
    ({"a": {"$size": "2"}}, "a.$size", "whole number"),
    ({"a": {"$size": {}}}, "a.$size", "whole number"),
    ({"a": {"$size": {"$gt": False}}}, "a.$size.$gt", "not false"),
    ({"a": {"$all": "x"}}, "a.$all", "must be a list"),
    ({"a": {"$all": [1] * 101}}, "a.$all", "at most 100"),
    ({"a": {"$all": [{"$foo": 1}]}}, "a.$all[0].$foo", "unknown operator"),
    ({"a": {"$elemMatch": "x"}}, "a.$elemMatch", "must be an object"),
    ({"a": {"$elemMatch": {"$or": []}}}, "a.$elemMatch.$or", "around it"),
    ({"a": {"$elemMatch": {"b": {"$gtt": 1}}}}, "a.$elemMatch.b.$gtt", "did you mean $gt?"),
    ({"a": {"$not": {"$regex": "("}}}, "a.$not.$regex", "bad pattern"),
    ({"a": {"$vgt": 1.1}}, "a.$vgt", "version in quotes"),
    ({"a": {"$inGroup": "vip"}}, "a.$inGroup", "settings.groups"),
    ({"a": {"$notInGroup": ["vip"]}}, "a.$notInGroup", "settings.groups"),
    ({"a": {"$inGroup": "nested"}}, "a.$inGroup (group nested)[0]", "never members"),
    ({"a": {"$inGroup": "text"}}, "a.$inGroup (group text)", "must be a list"),
    ({"a": {"$inGroup": "dated"}}, "a.$inGroup (group dated)[0]", "put it in quotes"),
    ({"a": {"$gt": 1, "b": 2}}, "a", "mixed"),
    ({"properties": {"total": {"$gt": 5}}}, "properties.total.$gt", "with dots"),
    ({"tags": [{"$gt": 5}]}, "tags[0].$gt", "with dots"),
    ({"a..b": 1}, "a..b", "empty part"),
    ({"": 1}, "", "empty part"),
    ({5: 1}, "", "put it in quotes"),
    ({"a" * 501: 1}, "", "at most 500"),
    ({"a": datetime.date(2026, 10, 1)}, "a", "put it in quotes"),
    ({"a": math.nan}, "a", "not a number"),
    ({"a": {"$in": [10**400]}}, "a.$in[0]", "not a number"),
    ({"a": "\ud800"}, "a", "surrogate"),
    ({"a": {"$regex": 5}}, "a.$regex", "pattern in quotes"),
    ({"a": {"$regex": "a" * 1001}}, "a.$regex", "at most 1000"),
    ({"a": {"$regex": "(?=a)"}}, "a.$regex", "lookarounds are not RE2"),
    ({"a": {"$regex": "(?<!a)b"}}, "a.$regex", "lookarounds are not RE2"),
    ({"a": {"$regexi": r"(a)\1"}}, "a.$regexi", "backreferences are not RE2"),
    ({"a": {"$regex": r"\u00e9"}}, "a.$regex", r"\x{00e9}"),
    ({"a": {"$regex": "(a{1000}){1000}"}}, "a.$regex", "repeat at most 1,000"),
    ({"a": {"$regex": r"(\p{L}{9}\p{N}){110}"}}, "a.$regex", "shorten"),
    ({"a": {"$regex": "/???***[)"}}, "a.$regex", "the syntax is RE2's"),
    (
        {"$or": [{"a": {"$regex": "x"}}] * 101},
        "$or[100].a.$regex",
        "more than 100 patterns in a condition; join some with |",
    ),
    ({"a": {"$all": [{"$regex": f"{n}[^a]{{1000}}"} for n in range(50)]}}, "a.$all[12].$regex", "too large together"),
    ({"$or": [{"a": 1}] * 2001}, "$or[2000].a", "join equalities with $in"),
    ({"a": {"$in": [1] * 20_000}}, "", "$inGroup"),
]
GROUPS: Any = {"nested": [[1]], "text": "vip", "dated": [datetime.date(2026, 10, 1)]}


@pytest.mark.parametrize(("condition", "path", "problem"), BAD, ids=[f"{path}: {problem}" for _, path, problem in BAD])
def test_it_is_refused(condition: Any, path: str, problem: str) -> None:
    with pytest.raises(ConditionError) as refused:
        parse_condition(condition, GROUPS)
    assert refused.value.path == path
    assert problem in refused.value.problem
    assert "\n" not in str(refused.value)
    assert str(refused.value).startswith(f"condition at {path}: " if path else "condition: ")


@pytest.mark.parametrize("depth", [40, 100_000])
@pytest.mark.parametrize("key", ["$not", "a", "$or"])
def test_deep_nesting_is_refused_without_recursion(depth: int, key: str) -> None:
    condition: Any = {"a": 1}
    for _ in range(depth):
        condition = {key: [condition] if key == "$or" else condition}
    with pytest.raises(ConditionError, match="levels deep"):
        parse_condition(condition)


def test_as_deep_as_allowed_is_parsed() -> None:
    condition: Any = {"a": 1}
    for _ in range(31):
        condition = {"$not": condition}
    parse_condition(condition)


def test_groups_that_were_not_given_are_unknown() -> None:
    with pytest.raises(ConditionError, match="no group 'vip' is known"):
        parse_condition({"id": {"$inGroup": "vip"}})
    parse_condition({"id": {"$inGroup": "vip"}}, {"vip": []})


def test_control_characters_of_a_key_are_shown_escaped() -> None:
    with pytest.raises(ConditionError) as refused:
        parse_condition({"a\nb": {"$\x1b[31m": 1}})
    assert str(refused.value).startswith("condition at a\\u000ab.$\\u001b[31m: unknown operator $\\u001b[31m; ")


def test_the_error_is_a_usage_error_and_survives_pickling() -> None:
    error = pickle.loads(pickle.dumps(ConditionError("$or[1].a", "must be a list")))
    assert isinstance(error, UsageError)
    assert (error.path, error.problem, str(error)) == (
        "$or[1].a",
        "must be a list",
        "condition at $or[1].a: must be a list",
    )

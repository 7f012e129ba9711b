"""A complaint's place leads to the very key, whatever dots, slashes and brackets are in it."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.definitions.pointer import pointer_of
from pipeline.definitions.validate import examine_account
from tests.support.definitions import metric_document


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"where": {"properties.total": {"$gte": True}}}, "/where/properties.total/$gte"),
        ({"where": {"$or": [{"a": 1}, {"a.b": {"$in": 3}}]}}, "/where/$or/1/a.b/$in"),
        ({"where": {"$and": [{"$nor": [{"b": {"$elemMatch": {"c.d": {"$size": "x"}}}}]}]}},
         "/where/$and/0/$nor/0/b/$elemMatch/c.d/$size"),
        ({"where": {"a/b~c": {"$type": "odd"}}}, "/where/a~1b~0c/$type"),
        ({"where": {"[0]": {"$exists": "yes"}}}, "/where/[0]/$exists"),
        ({"where": {"a": {"$nope": 1}}}, "/where/a/$nope"),
        ({"where": {"x" * 70 + ".$gt": {"$gte": None}}}, "/where/" + "x" * 70 + ".$gt/$gte"),
        ({"where": {"a": {"$all": [1, {"$in": 2}]}}}, "/where/a/$all/1/$in"),
        ({"where": 7}, "/where"),
        ({"measures": {"n": {"aggregate": "add"}}}, "/measures/n/aggregate"),
        ({"measures": {"n": {"aggregate": "sum"}}}, "/measures/n/field"),
        ({"measures": {"n": {"aggregate": "count", "once/pre": 1}}}, "/measures/n/once~1pre"),
        ({"measures": {"N.n": {"aggregate": "count"}}}, "/measures/N.n"),
        ({"measures": {}}, "/measures"),
        ({"breakdowns": ["a", "a"]}, "/breakdowns/1"),
        ({"breakdowns": "a"}, "/breakdowns"),
        ({"id": "No"}, "/id"),
        ({"some.key": 1}, "/some.key"),
        ({"where": {"a": [{"b": float("nan")}]}}, "/where/a/0/b"),
        ({"description": 5}, "/description"),
    ],
)  # fmt: skip
def test_a_complaint_points_at_the_key_it_is_about(changes: dict[str, Any], pointer: str) -> None:
    document = metric_document(**changes)
    _, errors = examine_account({"account": "acme", "metrics": [document]})
    assert [pointer_of(document, error.parts) for error in errors] == [pointer]


def test_of_several_readings_that_with_the_longest_key_is_taken() -> None:
    document = {"a": {"b": {"c": 1}}, "a.b": {"c": 2}, "a.b.d": 3}
    assert pointer_of(document, ("a.b.c",)) == "/a.b/c"
    assert pointer_of(document, ("a.b.d",)) == "/a.b.d"
    assert pointer_of(document, ("a", "b.c")) == "/a/b/c"


def test_what_leads_nowhere_is_given_as_it_stands() -> None:
    assert pointer_of({"a": []}, ("a", "[0]", "b.c")) == "/a/[0]/b.c"
    assert pointer_of(None, ("\ud800",)) == "/\\ud800"

"""Queries as URLs and command lines have them."""

from __future__ import annotations

import pytest

from readers.query import QueryError
from readers.text_query import body_of_texts


def test_texts_become_the_json_of_a_query() -> None:
    texts = {
        "metrics": ["a.x,b.y", "c"],
        "from": ["2026-10-01"],
        "to": ["2026-10-31"],
        "dimensions": ["time:day,country"],
        "filter": ["country=DE", "country=F=R", "country!=IN"],
        "compare": ["2026-09-01,2026-09-30"],
        "order_by": ["a.x:desc,time:day"],
        "limit": ["10"],
        "offset": ["5"],
        "account": ["acme"],
    }
    assert body_of_texts(texts) == {
        "metrics": ["a.x", "b.y", "c"],
        "date_range": ["2026-10-01", "2026-10-31"],
        "dimensions": ["time:day", "country"],
        "filters": [["is", "country", ["DE", "F=R"]], ["is_not", "country", ["IN"]]],
        "compare": ["2026-09-01", "2026-09-30"],
        "order_by": [["a.x", "desc"], ["time:day", "asc"]],
        "limit": 10,
        "offset": 5,
        "account": "acme",
    }


def test_what_is_left_out_has_defaults() -> None:
    body = body_of_texts({"metrics": ["a"]})
    assert body == {"metrics": ["a"], "date_range": "30d", "dimensions": [], "filters": [], "order_by": []}


def test_filters_may_be_json() -> None:
    assert body_of_texts({"filters": ['[["is","a,b",["x"]]]']})["filters"] == [["is", "a,b", ["x"]]]


@pytest.mark.parametrize(
    ("texts", "pointer"),
    [
        ({"from": ["2026-10-01"]}, "/date_range"),
        ({"from": ["2026-10-01"], "to": ["2026-10-01"], "date_range": ["7d"]}, "/date_range"),
        ({"filter": ["country"]}, "/filters"),
        ({"filter": ["=x"]}, "/filters"),
        ({"filters": ["{"]}, "/filters"),
        ({"filters": ["{}"]}, "/filters"),
        ({"nope": ["1"]}, "/nope"),
    ],
)
def test_texts_that_mean_nothing_are_refused(texts: dict[str, list[str]], pointer: str) -> None:
    with pytest.raises(QueryError) as caught:
        body_of_texts(texts)
    assert caught.value.pointer == pointer

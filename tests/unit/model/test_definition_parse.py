"""What is refused in a document: the place and the cure, word by word; and what a lenient reader skips."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.definitions import parse_account
from pipeline.definitions.validate import examine_account
from pipeline.model.definition import DefinitionError, Measure, Settings
from tests.support.definitions import account_document, metric_document

SUM = {"aggregate": "sum", "field": "properties.total"}


def complaint(document: Any) -> str:
    with pytest.raises(DefinitionError) as refused:
        parse_account(document, strict=True)
    return str(refused.value)


def in_metric(**changes: Any) -> str:
    return complaint(account_document(metric_document(), {**metric_document(id="big_orders"), **changes}))


def in_settings(**settings: Any) -> str:
    return complaint(account_document(settings=settings))


def nested(depth: int) -> dict[str, Any]:
    return {"$and": [nested(depth - 1)]} if depth else {}


def test_the_contract_s_example_parses():
    account = parse_account(
        account_document(
            metric_document(measures={"first_spend": {**SUM, "once_per": "visitor"}, "a": {"aggregate": "count"}}),
            settings={
                "timezone": "Europe/Berlin",
                "visitor": ["userId"],
                "fanout": 1024,
                "groups": {"g": [1, "a", True]},
            },
        ),
        strict=True,
    )
    metric = account.metrics["orders"]
    assert metric.measures == (Measure("a", "count"), Measure("first_spend", "sum", "properties.total", "visitor"))
    assert metric.breakdowns == ("properties.plan", "context.country")
    assert account.settings == Settings("Europe/Berlin", ("userId",), 1024, {"g": [1, "a", True]})
    assert account.problems == ()


def test_settings_have_defaults():
    assert parse_account({"account": "acme"}, strict=True).settings == Settings("UTC", ("anonymousId", "userId"), 8, {})


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (3, "3 is not a definitions document; write account:, settings: and metrics:"),
        ({}, "account: missing; name it in the file, or with --account"),
        ({"account": "A b"}, 'account: "A b" is not a name; 1 to 64 of a-z, 0-9, _ and -'),
        ({"account": "a\n"}, 'account: "a\\n" is not a name; 1 to 64 of a-z, 0-9, _ and -'),
        ({"account": "a" * 65}, f'account: "{"a" * 60}…" is not a name; 1 to 64 of a-z, 0-9, _ and -'),
        ({"account": True}, "account: true is not a name; 1 to 64 of a-z, 0-9, _ and -"),
        (
            {"account": "a", "metric": []},
            "metric: unknown; the keys here are account, settings, metrics, layers, experiments",
        ),
        ({"account": "a", "metrics": {}}, "metrics: {} is not a list; write each metric as an item with an id"),
        ({"account": "a", "metrics": [{}] * 2001}, "metrics: 2,001 metrics; at most 2,000 per account"),
        ({"account": "a", "metrics": ["m"]}, 'metrics[0]: "m" is not an object; write id, where and measures'),
        ({"account": "a", "settings": []}, "settings: [] is not an object; write keys such as timezone: Asia/Kolkata"),
    ],
)
def test_a_document_is_refused(document: Any, said: str):
    assert complaint(document) == said


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"time_zone": "UTC"}, "settings.time_zone: unknown; the keys here are timezone, visitor, fanout, groups"),
        *(
            ({"timezone": zone}, f"settings.timezone: {shown} is not a time zone; "
                                 "write a name of the IANA database, such as Asia/Kolkata")
            for zone, shown in [
                ("Mars/Olympus", '"Mars/Olympus"'), ("", '""'), ("America", '"America"'),
                ("../etc/passwd", '"../etc/passwd"'),
                ("/etc/localtime", '"/etc/localtime"'), ("localtime", '"localtime"'), ("right/UTC", '"right/UTC"'),
                (None, "null"), (5.5, "5.5"), ("UTC\0", '"UTC\\u0000"'), ("x" * 5000, f'"{"x" * 60}…"'),
            ]
        ),
        ({"visitor": "userId"},
         'settings.visitor: "userId" is not a list of paths; write one such as [anonymousId, userId]'),
        ({"visitor": []}, "settings.visitor: [] is not a list of paths; write one such as [anonymousId, userId]"),
        ({"visitor": ["a", "a"]}, "settings.visitor[1]: a is named twice; leave one out"),
        ({"visitor": ["a..b"]},
         'settings.visitor[0]: "a..b" is not a path; write names joined by single dots, such as properties.total'),
        *(
            ({"fanout": value}, f"settings.fanout: {shown} is not a fanout; write a whole number from 1 to 1,024")
            for value, shown in [(0, "0"), (1025, "1025"), (True, "true"), ("8", '"8"'), (8.5, "8.5"), (None, "null")]
        ),
        ({"groups": ["u1"]}, "settings.groups: a list is not an object; write groups such as {vip: [u1, u2]}"),
        ({"groups": {"vip": "u1"}}, 'settings.groups.vip: "u1" is not a list; write one such as [u1, u2]'),
        ({"groups": {"vip": [None]}},
         "settings.groups.vip: a member is neither text, a number nor a boolean; leave it out"),
        ({"groups": {"": []}}, "settings.groups: not a group's name; 1 to 128 characters"),
        ({"groups": {"g": ["x" * 1024] * 1025}}, "settings: 1,052,693 bytes of JSON; at most 1,048,576"),
    ],
)  # fmt: skip
def test_settings_are_refused(settings: dict[str, Any], said: str):
    assert in_settings(**settings) == said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"id": None}, "metrics[1]: id: missing; name the metric, such as big_orders"),
        ({"id": "Big Orders"}, 'metrics[1]: id: "Big Orders" is not an id; 1 to 64 of a-z, 0-9 and _'),
        ({"id": "big-orders"}, 'metrics[1]: id: "big-orders" is not an id; 1 to 64 of a-z, 0-9 and _'),
        ({"id": 7}, "metrics[1]: id: 7 is not an id; 1 to 64 of a-z, 0-9 and _"),
        ({"id": "_rejected"},
         "metrics[1] (_rejected): id: _rejected counts what was rejected, in each account; take another id"),
        ({"id": "orders"}, "metrics[1] (orders): id: the same as that of metrics[0] (orders); ids are unique"),
        ({"were": {}}, "were: unknown; the keys here are id, description, where, measures, breakdowns"),
        ({"description": 3}, "description: 3 is not text; put it in quotes"),
        ({"description": "x" * 1001}, "description: 1,001 characters; at most 1,000"),
        ({"where": None}, "where: null; write a condition such as {event: Order Completed}, or {} for every event"),
        ({"where": []}, "where: []; write a condition such as {event: Order Completed}, or {} for every event"),
        ({"where": {"event": nested(40)}}, "nested too deep; at most 32 levels"),
        ({"where": {"event": float("nan")}}, "where.event: nan is not a number in JSON; leave it out"),
        ({"where": {"event": float("inf")}}, "where.event: inf is not a number in JSON; leave it out"),
        ({"where": {"event": 2**63}}, "where.event: too large a number; at most 64 bits"),
        ({"where": {"event": "\ud800"}}, "where.event: not Unicode text; it holds half a surrogate pair"),
        ({"where": {"d": {"$gte": date(2026, 1, 1)}}},
         "where.d.$gte: a date is not JSON; put the value in quotes to make it text"),
        ({"where": {True: 1}}, "where: the key true is not text; put it in quotes"),
        ({"where": {"a": {"$in": ["x" * 70_000]}}}, "70,224 bytes of JSON; at most 65,536"),
        ({"where": {"a": {"$in": [0] * 70_000}}}, "too large; at most 65,536 bytes of JSON"),
        ({"measures": None}, "measures: missing; name at least one, such as orders: {aggregate: count}"),
        ({"measures": {}}, "measures: empty; name at least one, such as orders: {aggregate: count}"),
        ({"measures": [SUM]},
         "measures: a list is not an object; name at least one, such as orders: {aggregate: count}"),
        ({"measures": {f"m{i}": SUM for i in range(51)}}, "measures: 51 measures; at most 50"),
        ({"measures": {"Total": SUM}}, "measures.Total: not a measure's name; 1 to 64 of a-z, 0-9 and _"),
        ({"measures": {"a\nb": SUM}}, 'measures."a\\nb": not a measure\'s name; 1 to 64 of a-z, 0-9 and _'),
        ({"measures": {"m": "count"}}, 'measures.m: "count" is not an object; write one such as {aggregate: count}'),
        ({"measures": {"m": {"aggregate": "count", "once_pre": "visitor"}}},
         "measures.m.once_pre: unknown; the keys here are aggregate, field, once_per"),
        ({"measures": {"m": {}}}, "measures.m.aggregate: missing; write one of count, sum, min, max, mean"),
        ({"measures": {"m": {"aggregate": "median"}}},
         'measures.m.aggregate: "median" is not an aggregate; write one of count, sum, min, max, mean'),
        ({"measures": {"m": {"aggregate": ["sum"]}}},
         "measures.m.aggregate: a list is not an aggregate; write one of count, sum, min, max, mean"),
        ({"measures": {"revenue": {"aggregate": "sum"}}},
         "measures.revenue.field: missing; name the path of a number, such as properties.total"),
        ({"measures": {"m": {"aggregate": "count", "field": "a"}}},
         "measures.m.field: a count reads no field; leave it out, or write aggregate: sum"),
        ({"measures": {"m": {"aggregate": "mean", "field": 3}}},
         "measures.m.field: 3 is not a path; write text such as properties.total"),
        ({"measures": {"m": {"aggregate": "mean", "field": ".a"}}},
         'measures.m.field: ".a" is not a path; write names joined by single dots, such as properties.total'),
        ({"measures": {"m": {"aggregate": "max", "field": "x" * 257}}},
         "measures.m.field: too long; at most 256 bytes and 16 names"),
        ({"measures": {"m": {"aggregate": "max", "field": ".".join("x" * 17)}}},
         "measures.m.field: too long; at most 256 bytes and 16 names"),
        ({"measures": {"m": {**SUM, "once_per": "week"}}},
         'measures.m.once_per: "week" is not known; write one of none, visitor, visitor_day'),
        ({"measures": {"m": {**SUM, "once_per": True}}},
         "measures.m.once_per: true is not known; write one of none, visitor, visitor_day"),
        ({"measures": {"m": {**SUM, "aggregate": "min", "once_per": "visitor"}}},
         "measures.m.once_per: goes with count, sum and mean; leave it out of a min"),
        ({"measures": {"m": {**SUM, "aggregate": "max", "once_per": "visitor_day"}}},
         "measures.m.once_per: goes with count, sum and mean; leave it out of a max"),
        ({"breakdowns": "a"}, 'breakdowns: "a" is not a list; write one such as [context.location.country]'),
        ({"breakdowns": ["a", "a"]}, "breakdowns[1]: a is named twice; leave one out"),
        ({"breakdowns": ["a", "time:day"]},
         'breakdowns[1]: "time:day" would be a time in a query; a breakdown can\'t begin with time:'),
        ({"breakdowns": [None]}, "breakdowns[0]: empty; name a path"),
        ({"breakdowns": list("abcdefghijk")}, "breakdowns: 11 paths; at most 10"),
        ({"where": {"event": {"$foo": 1}}}, "where.event.$foo: unknown operator $foo"),
        ({"where": {"$or": [{"a": 1}, {"b": {"$regex": "("}}]}}, "where.$or[1].b.$regex: "),
        ({"where": {"userId": {"$inGroup": "staff"}}}, "where.userId.$inGroup: no group 'staff' is known"),
    ],
)  # fmt: skip
def test_a_metric_is_refused(changes: dict[str, Any], said: str):
    place = "" if said.startswith("metrics[1]") else "metrics[1] (big_orders): "
    assert in_metric(**changes).startswith(place + said)
    if "$" not in said:
        assert in_metric(**changes) == place + said


def test_all_problems_of_a_document_are_found_at_once():
    bad = metric_document(id="b", where={"a": {"$foo": 1}}, measures={"m": {}, "n": {"aggregate": "sum"}}, breakdowns=3)
    _, found = examine_account(account_document(metric_document(), bad, settings={"fanout": 0, "x": 1}, more=1))
    assert [error.path for error in found] == [
        "more", "settings.x", "settings.fanout", "metrics[1] (b): where.a.$foo", "metrics[1] (b): measures.m.aggregate",
        "metrics[1] (b): measures.n.field", "metrics[1] (b): breakdowns",
    ]  # fmt: skip


def test_a_document_of_aliases_that_unfold_without_end_is_refused():
    bomb: Any = ["x"]
    for _ in range(60):
        bomb = [bomb] * 10
    assert in_metric(where=bomb) == ("metrics[1] (big_orders): nested too deep; at most 32 levels")
    wide: Any = ["x"]
    for _ in range(20):
        wide = [wide] * 10
    assert in_metric(where={"a": wide}) == "metrics[1] (big_orders): too large; at most 65,536 bytes of JSON"
    assert complaint({"account": "a", "settings": wide}).startswith("settings: a list is not an object")


def test_lenient_skips_bad_metrics_and_says_so():
    document = account_document(metric_document(), metric_document(id="bad", where=3), metric_document())
    account = parse_account(document, strict=False)
    assert list(account.metrics) == ["orders"]
    assert account.problems == (
        "metrics[1] (bad): where: 3; write a condition such as {event: Order Completed}, or {} for every event",
        "metrics[2] (orders): id: the same as that of metrics[0] (orders); ids are unique",
    )


def test_lenient_takes_unknown_keys_for_notes_but_not_in_a_measure():
    noted = metric_document(owner="zoë")
    doubtful = metric_document(id="doubtful", measures={"m": {"aggregate": "count", "once_pre": "visitor"}})
    account = parse_account(account_document(noted, doubtful, settings={"colour": 1}, more=1), strict=False)
    assert list(account.metrics) == ["orders"]
    assert len(account.problems) == 1


def test_lenient_counts_nothing_under_settings_that_are_not_valid():
    account = parse_account(account_document(settings={"timezone": "Mars"}), strict=False)
    assert account.metrics == {}
    assert account.problems[-1] == "settings: no metric of this account counts until they are mended"


def test_lenient_too_demands_an_account():
    with pytest.raises(DefinitionError):
        parse_account({"metrics": []}, strict=False)


SCRAPS = st.sampled_from(
    [
        "id",
        "where",
        "measures",
        "aggregate",
        "sum",
        "count",
        "field",
        "once_per",
        "visitor",
        "breakdowns",
        "a.b",
        "$or",
        "$in",
    ]
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | SCRAPS | st.dates(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(SCRAPS | st.text() | st.integers(), inner, max_size=4),
    max_leaves=30,
)


@given(ANYTHING, ANYTHING)
def test_lenient_never_fails_whatever_is_written(settings: Any, metric: Any):
    account = parse_account({"account": "a", "settings": settings, "metrics": [metric]}, strict=False)
    assert account.metrics or account.problems
    assert all(line.isprintable() for line in account.problems)


@given(ANYTHING)
def test_lenient_never_fails_on_odd_parts_of_a_metric(part: Any):
    for key in ("where", "measures", "breakdowns", "description", "id"):
        parse_account(account_document({**metric_document(), key: part}), strict=False)

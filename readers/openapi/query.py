"""Owns the description of `/v1/query`. What is refused, and how, is `readers.query`'s."""

from __future__ import annotations

from typing import Any

from pipeline.model.definition_check import ACCOUNT
from readers.openapi.parts import KEY, Part, array, body, cached, in_query, nullable, problems, record, row, schema
from readers.query.dates import COMPARISONS, PRESETS
from readers.query.limits import DAYS_MAX, LIMIT_DEFAULT, LIMIT_MAX, METRICS_MAX, OFFSET_MAX, VALUES_MAX
from readers.query.plan import TIMES
from readers.query.receipt import GAPS_MAX, QUALITY_ORDER
from readers.query.request import DIRECTIONS, FILTERS_MAX, OPERATORS, ORDERS_MAX
from readers.text_query import RANGE_DEFAULT

TEXT: Part = {"type": "string"}
COUNT: Part = {"type": "integer", "minimum": 0}
NUMBER: Part = {"type": ["number", "null"]}
DAY: Part = {"type": "string", "format": "date"}
MOMENT: Part = {"type": "string", "format": "date-time"}
ACCOUNT_NAME: Part = {"type": "string", "pattern": f"^{ACCOUNT.pattern}$"}
EXAMPLES: dict[str, Any] = {
    "days": {
        "metrics": ["big_orders.orders", "big_orders.revenue"],
        "date_range": ["2026-10-01", "2026-10-31"],
        "dimensions": ["time:day"],
        "compare": "previous_period",
    },
    "breakdown": {
        "metrics": ["big_orders.revenue"],
        "date_range": "30d",
        "dimensions": ["context.location.country"],
        "filters": [["is_not", "context.location.country", ["(none)"]]],
        "order_by": [["big_orders.revenue", "desc"]],
        "limit": 10,
    },
}
METRICS_TEXT = "`metric.measure`, `metric` for all its measures, or `metric@revision.measure`."
ACCOUNT_TEXT = "The account; a key has its own, and leaves it out."


def _days(presets: tuple[str, ...]) -> Part:
    return {"anyOf": [{"enum": list(presets)}, row(DAY, DAY)]}


QUERY = record(
    {
        "metrics": {
            **array({"type": "string", "minLength": 1}, minItems=1, maxItems=METRICS_MAX),
            "description": METRICS_TEXT,
        },
        "date_range": {
            **_days(PRESETS),
            "description": f"At most {DAYS_MAX} days, both ends included, in the account's zone.",
        },
    },
    {
        "dimensions": {
            **nullable(array(TEXT, maxItems=2)),
            "description": f"None, one of {', '.join(TIMES)}, a declared breakdown, or a time and then a breakdown.",
        },
        "filters": {
            **nullable(array(schema("Filter"), maxItems=FILTERS_MAX)),
            "description": "By one breakdown, that of the dimensions where there is one.",
        },
        "compare": nullable(_days(COMPARISONS)),
        "order_by": {
            **nullable(array(row(TEXT, {"enum": list(DIRECTIONS)}), maxItems=ORDERS_MAX)),
            "description": "Metrics or dimensions, the first one first.",
        },
        "limit": nullable({"type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT_DEFAULT}),
        "offset": nullable({"type": "integer", "minimum": 0, "maximum": OFFSET_MAX, "default": 0}),
        "account": {**nullable(ACCOUNT_NAME), "description": ACCOUNT_TEXT},
    },
)
FILTER = row(
    {"enum": list(OPERATORS)}, TEXT, array({"type": ["string", "number", "boolean"]}, minItems=1, maxItems=VALUES_MAX)
)
RESULT = record(
    {"dimensions": array(TEXT, maxItems=2), "metrics": array(NUMBER)},
    {"comparison": record({"metrics": array(NUMBER), "change": array(NUMBER)})},
)
OF_METRIC = record(
    {"revision": TEXT, "since": {**nullable(MOMENT), "description": "When this revision was first in force."}},
    {"gaps": array(row(MOMENT, nullable(MOMENT)), maxItems=GAPS_MAX)},
)
META = record(
    {
        "metrics": {"type": "object", "additionalProperties": OF_METRIC},
        "complete_until": {**nullable(MOMENT), "description": "Everything acknowledged before it is in the numbers."},
        "timezone": TEXT,
        "quality": record(dict.fromkeys(QUALITY_ORDER, COUNT)),
        "warnings": array(TEXT),
        "total_rows": {**COUNT, "description": "Before limit and offset."},
    }
)
EXECUTED = record(
    {
        "account": TEXT,
        "metrics": array(TEXT, minItems=1),
        "date_range": row(DAY, DAY),
        "dimensions": array(TEXT, maxItems=2),
        "filters": array(schema("Filter"), maxItems=FILTERS_MAX),
        "order_by": array(row(TEXT, {"enum": list(DIRECTIONS)}), maxItems=ORDERS_MAX),
        "limit": {"type": "integer"},
        "offset": {"type": "integer"},
    },
    {"compare": row(DAY, DAY)},
)
ANSWER = record({"results": array(schema("Result"), maxItems=LIMIT_MAX), "meta": META, "query": schema("ExecutedQuery")})
FLAT = array({"type": "object", "additionalProperties": {"type": ["string", "number", "null"]}}, maxItems=LIMIT_MAX)
SCHEMAS = {
    "Query": QUERY,
    "Filter": FILTER,
    "Result": RESULT,
    "ExecutedQuery": EXECUTED,
    "Answer": ANSWER,
    "FlatAnswer": FLAT,
}

ACCOUNT_PARAMETER = in_query("account", ACCOUNT_TEXT, ACCOUNT_NAME)
PARAMETERS = [
    in_query("metrics", METRICS_TEXT + " Comma separated or repeated.", array(TEXT, minItems=1), required=True),
    in_query("date_range", f"As in POST; a pair of days with a comma. Default: {RANGE_DEFAULT}.", TEXT),
    in_query("from", "The first day, with `to` instead of `date_range`.", DAY),
    in_query("to", "The last day.", DAY),
    in_query("dimensions", "Comma separated or repeated.", array(TEXT)),
    in_query(
        "filter", "`NAME=VALUE` keeps a breakdown's value, `NAME!=VALUE` drops it. Repeated: any of the values.", array(TEXT)
    ),
    in_query("filters", "As in POST, as JSON.", TEXT),
    in_query("compare", "As in POST; a pair of days with a comma.", TEXT),
    in_query("order_by", "`NAME` or `NAME:desc`, comma separated or repeated.", array(TEXT)),
    in_query("limit", "Rows at most.", QUERY["properties"]["limit"]["anyOf"][0]),
    in_query("offset", "Rows to leave out first.", QUERY["properties"]["offset"]["anyOf"][0]),
    ACCOUNT_PARAMETER,
]

PATHS = {
    "/v1/query": {
        "post": {
            "operationId": "query",
            "summary": "Ask for numbers: results, what they rest on, and the query as executed.",
            "parameters": [ACCOUNT_PARAMETER],
            "requestBody": body(schema("Query"), EXAMPLES),
            "responses": {**cached("The answer.", schema("Answer")), **problems(400, 408, 413, 415, *KEY)},
        },
        "get": {
            "operationId": "queryFlat",
            "summary": "The same as a flat list of rows, for Grafana and spreadsheets.",
            "parameters": PARAMETERS,
            "responses": {**cached("The rows.", schema("FlatAnswer")), **problems(400, *KEY)},
        },
    }
}

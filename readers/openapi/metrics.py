"""Owns the description of `/v1/metrics`. What makes a definition valid is `pipeline.model`'s."""

from __future__ import annotations

from typing import Any

from pipeline.model.definition import AGGREGATES, ONCE_PER
from pipeline.model.definition_check import ID
from pipeline.model.limits import BREAKDOWNS_PER_METRIC_MAX, DESCRIPTION_CHARS_MAX, MEASURES_PER_METRIC_MAX
from readers.openapi.parts import (
    KEY,
    Part,
    array,
    body,
    cached,
    in_header,
    in_query,
    json_answer,
    nullable,
    problems,
    record,
    schema,
)
from readers.openapi.query import ACCOUNT_NAME, ACCOUNT_TEXT, MOMENT, TEXT
from readers.revisions import SHOWN_MAX

ID_TEXT: Part = {"type": "string", "pattern": f"^{ID.pattern}$"}
EXAMPLE: dict[str, Any] = {
    "description": "Orders from India, or of 499 and more",
    "where": {
        "event": "Order Completed",
        "$or": [{"context.location.country": "IN"}, {"properties.total": {"$gte": 499}}],
    },
    "measures": {
        "orders": {"aggregate": "count"},
        "buyers": {"aggregate": "count", "once_per": "visitor"},
        "revenue": {"aggregate": "sum", "field": "properties.total"},
    },
    "breakdowns": ["context.location.country"],
}
MEASURE = record(
    {"aggregate": {"enum": list(AGGREGATES)}},
    {"field": nullable(TEXT), "once_per": {"enum": ["none", *ONCE_PER, None]}},
)
DEFINITION: dict[str, Part] = {
    "where": {"type": "object", "description": "A condition, MongoDB-style as GrowthBook has it."},
    "measures": {
        "type": "object",
        "propertyNames": ID_TEXT,
        "additionalProperties": MEASURE,
        "minProperties": 1,
        "maxProperties": MEASURES_PER_METRIC_MAX,
    },
}
MORE: dict[str, Part] = {
    "description": nullable({"type": "string", "maxLength": DESCRIPTION_CHARS_MAX}),
    "breakdowns": array(TEXT, maxItems=BREAKDOWNS_PER_METRIC_MAX),
}
WRITTEN = {
    "type": "object",
    "description": "A metric. What it is shown with besides may stand in it, and is passed over.",
    "properties": {"id": ID_TEXT, **DEFINITION, **MORE},
    "required": list(DEFINITION),
}
SHOWN: dict[str, Part] = {"account": TEXT, "timezone": nullable(TEXT), "id": ID_TEXT, **DEFINITION, **MORE, "revision": TEXT}
SPAN = record({"revision": TEXT, "from": MOMENT, "to": nullable(MOMENT)})
HISTORY = {
    "history": {
        **nullable(array(SPAN, maxItems=SHOWN_MAX)),
        "description": "When which revision was counted; null: not known now.",
    }
}
OUTCOME = {
    "outcome": {"enum": ["new", "new revision", "description", "unchanged"]},
    "before": nullable(TEXT),
    "notes": array(TEXT),
}
LISTED = record({"metrics": array(schema("Metric")), "problems": array(record({"account": TEXT, "detail": TEXT}))})
SCHEMAS = {
    "WrittenMetric": WRITTEN,
    "Metric": record(SHOWN),
    "MetricWithHistory": record({**SHOWN, **HISTORY}),
    "ChangedMetric": record({**SHOWN, **OUTCOME}),
    "Metrics": LISTED,
}

ACCOUNT = in_query("account", ACCOUNT_TEXT, ACCOUNT_NAME)
IF_MATCH = in_header("if-match", "Only where the metric is still the one with this tag.")
IF_NONE_MATCH = in_header("if-none-match", "`*`: only where there is none.")
CHANGED = json_answer("It was there; `outcome` says what has changed.", schema("ChangedMetric"), "etag")
MADE = json_answer("It is new.", schema("ChangedMetric"), "etag", "location")

PATHS = {
    "/v1/metrics": {
        "get": {
            "operationId": "listMetrics",
            "summary": "All metrics of the account, and what is wrong with stored definitions.",
            "parameters": [ACCOUNT],
            "responses": {**cached("The metrics.", schema("Metrics")), **problems(400, *KEY)},
        }
    },
    "/v1/metrics/{id}": {
        "parameters": [{"name": "id", "in": "path", "required": True, "schema": ID_TEXT}, ACCOUNT],
        "get": {
            "operationId": "showMetric",
            "summary": "One metric, with the revisions that were counted.",
            "responses": {**cached("The metric.", schema("MetricWithHistory")), **problems(400, 404, *KEY)},
        },
        "put": {
            "operationId": "putMetric",
            "summary": "Push one metric; needs a key of the role write. Doing it again changes nothing.",
            "parameters": [IF_MATCH, IF_NONE_MATCH],
            "requestBody": body(schema("WrittenMetric"), {"orders": EXAMPLE}),
            "responses": {"200": CHANGED, "201": MADE, **problems(400, 405, 408, 412, 413, 415, *KEY)},
        },
        "delete": {
            "operationId": "deleteMetric",
            "summary": "Delete one metric; needs a key of the role write. Its counters stay.",
            "parameters": [IF_MATCH, IF_NONE_MATCH],
            "responses": {"204": {"description": "It is gone."}, **problems(400, 404, 405, 412, *KEY)},
        },
    },
}

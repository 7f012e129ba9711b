"""Owns the description of `/v1/explain`. What is in an explanation is `pipeline.explain`'s."""

from __future__ import annotations

from typing import Any

from pipeline.match.names import LOGIC
from pipeline.model.definition import AGGREGATES, ONCE_PER
from pipeline.model.rejects import RejectReason
from readers.openapi.metrics import ACCOUNT, ID_TEXT
from readers.openapi.parts import KEY, Part, array, body, in_query, json_answer, nullable, problems, record, schema
from readers.openapi.query import DAY, MOMENT, TEXT

TRUTH: Part = {"type": "boolean"}
ANY: Part = {}  # any JSON value
EVENT = {
    "messageId": "m1",
    "type": "track",
    "event": "Order Completed",
    "anonymousId": "u1",
    "timestamp": "2026-10-01T12:00:00Z",
    "properties": {"total": 512.5},
}
EXAMPLES: dict[str, Any] = {"event": EVENT, "one metric": {"event": EVENT, "metric": "big_orders"}}
ASKED: Part = {
    "type": "object",
    "description": "An event as it is sent, or an object that holds one in `event`, and beside it `metric` and `account`.",
}

CUT = "True where what is shown is only the beginning of its JSON, as a text."
SEEN: dict[str, Part] = {
    "type": {"enum": ["absent", "null", "boolean", "number", "string", "array", "object"]},
    "value": ANY,
}
VALUE_CUT: dict[str, Part] = {"value_cut": {**TRUTH, "description": CUT}}
CLAUSE = record(
    {"path": TEXT, "operator": TEXT, "operand": ANY, "holds": TRUTH, **SEEN, "pointer": TEXT},
    {"operand_cut": {**TRUTH, "description": CUT}, **VALUE_CUT},
)
LOGIC_PART = record({"logic": {"enum": list(LOGIC)}, "holds": TRUTH, "parts": array(schema("ConditionPart"))})
MEASURE = record(
    {
        "name": TEXT,
        "aggregate": {"enum": list(AGGREGATES)},
        "counts": {"type": ["boolean", "null"], "description": "null: that depends on what the store knows."},
        "adds": {"type": ["number", "null"]},
    },
    {
        "field": TEXT,
        "once_per": {"enum": list(ONCE_PER)},
        "first": {**TRUTH, "description": "Whether it is, or would be, the first of its visitor, or of that day."},
        "instead_of": {**DAY, "description": "The day of the later event whose place it takes as the first."},
        "why": TEXT,
        **SEEN,
        **VALUE_CUT,
    },
)
METRIC = record(
    {
        "id": ID_TEXT,
        "revision": TEXT,
        "matches": TRUTH,
        "where": {**nullable(schema("ConditionPart")), "description": "null: too many clauses; name the metric."},
        "counts": TRUTH,
    },
    {
        "counted_before": TRUTH,
        "breakdowns": {"type": "object", "additionalProperties": TEXT},
        "measures": array(schema("ExplainedMeasure")),
    },
)
EXPERIMENT = record(
    {
        "id": ID_TEXT,
        "exposure": {**TRUTH, "description": "Whether it shows the visitor's variation."},
        "where": {**nullable(schema("ConditionPart")), "description": "null: too many clauses."},
        "goals": {**array(TEXT), "description": "Those that it is an event of, if the visitor is exposed by then."},
    },
    {"epoch": {"type": "integer"}, "variation": TEXT, "why": {**TEXT, "description": "What keeps it from counting."}},
)
TIME = record(
    {
        "event_time": MOMENT,
        "from": {"enum": ["timestamp", "receivedAt", "arrival"]},
        "day": DAY,
        "local": MOMENT,
        "timezone": TEXT,
        "clock": {"enum": ["kept", "corrected", "behind"]},
        "late": TRUTH,
        "arrival": MOMENT,
        "arrival_from": {"enum": ["now", "receivedAt"]},
    },
    {"corrected_by_s": {"type": "number"}},
)
EXPLANATION = record(
    {
        "account": TEXT,
        "event": ANY,
        "counts_in": array(ID_TEXT),
        "rejected": nullable(record({"reason": {"enum": [reason.value for reason in RejectReason]}, "cause": TEXT})),
        "time": {**nullable(TIME), "description": "null where it is rejected."},
        "visitor": nullable(record({"id": TEXT, "from": TEXT}, {"id_cut": TRUTH})),
        "message_id": nullable(TEXT),
        "metrics": array(schema("ExplainedMetric")),
        "experiments": {**array(schema("ExplainedExperiment")), "description": "Empty where one metric is asked for."},
        "warnings": array(TEXT),
    },
    {"event_cut": TRUTH, "message_id_cut": TRUTH},
)
SCHEMAS = {
    "ExplainedEvent": ASKED,
    "ConditionPart": {"anyOf": [LOGIC_PART, CLAUSE]},
    "ExplainedMeasure": MEASURE,
    "ExplainedMetric": METRIC,
    "ExplainedExperiment": EXPERIMENT,
    "Explanation": EXPLANATION,
}
PATHS = {
    "/v1/explain": {
        "post": {
            "operationId": "explain",
            "summary": "Why an event does or does not count, clause by clause. Nothing is counted.",
            "parameters": [ACCOUNT, in_query("metric", "Only this metric.", ID_TEXT)],
            "requestBody": body(schema("ExplainedEvent"), EXAMPLES),
            "responses": {
                "200": json_answer("The explanation.", schema("Explanation")),
                **problems(400, 408, 413, 415, *KEY),
            },
        }
    }
}

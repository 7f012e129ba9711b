"""Owns the description of `/v1/experiments/{id}/results`. What the numbers mean is `readers.experiments`'."""

from __future__ import annotations

from pipeline.model.experiment import BETTER, STATUSES
from readers.experiments.decision import VERDICTS
from readers.experiments.sample import KINDS
from readers.openapi.metrics import ACCOUNT, ID_TEXT
from readers.openapi.parts import KEY, Part, array, cached, in_query, nullable, problems, record, row, schema
from readers.openapi.query import DAY, MOMENT, TEXT
from readers.routes.results import VALUES_MAX

NUMBER: Part = {"type": "number"}
COUNT: Part = {"type": "integer", "minimum": 0}
SHARE: Part = {"type": "number", "minimum": 0, "maximum": 1}
TRUTH: Part = {"type": "boolean"}
INTERVAL = nullable(row(NUMBER, NUMBER))
FIXED = record(
    {"p_value": SHARE, "interval": row(NUMBER, NUMBER)},
    {"z": {**NUMBER, "description": "Of a rate."}, "t": {**NUMBER, "description": "Of a mean."}},
)
MOMENT_OF_TEST = record({"day": DAY, "difference": nullable(NUMBER), "interval": INTERVAL})
COMPARED: dict[str, Part] = {
    "difference": nullable(NUMBER),
    "interval": {**INTERVAL, "description": "Valid however often it is looked at; null: too early."},
    "uplift": nullable(NUMBER),
    "uplift_interval": INTERVAL,
    "p_value": {**nullable(SHARE), "description": "The least alpha whose interval excludes 0, from these totals alone."},
    "fixed": {**nullable(FIXED), "description": "Valid if looked at once, at a number of visitors chosen before."},
}
ADJUSTED = nullable(record({**COMPARED, "variance_explained": NUMBER}))
COMPARISON = record(
    COMPARED,
    {
        "over_time": array(MOMENT_OF_TEST),
        "adjusted": {**ADJUSTED, "description": "A mean's, with what visitors did before taken into account."},
    },
)
VARIATION = record(
    {
        "id": TEXT,
        "visitors": COUNT,
        "total": NUMBER,
        "converted": COUNT,
        "value": nullable(NUMBER),
    },
    {
        "days": array(record({"day": DAY, "visitors": COUNT, "total": NUMBER})),
        "versus_control": schema("Comparison"),
    },
)
GOAL = record(
    {
        "goal": TEXT,
        "kind": {"enum": list(KINDS)},
        "better": {"enum": list(BETTER)},
        "primary": TRUTH,
        "guardrail": TRUTH,
        "variations": array(schema("ComparedVariation")),
    }
)
BY_VARIATION = {"type": "object", "additionalProperties": SHARE}
RATIO = record(
    {
        "ok": TRUTH,
        "p_value": nullable(SHARE),
        "sequential_p_value": nullable(SHARE),
        "alarm_below": SHARE,
        "expected": BY_VARIATION,
        "observed": {"type": "object", "additionalProperties": COUNT},
    }
)
POWER = record(
    {
        "minimum_effect": SHARE,
        "difference": NUMBER,
        "power": SHARE,
        "visitors_needed": nullable(COUNT),
        "visitors_needed_fixed": nullable(COUNT),
        "visitors_missing": nullable(COUNT),
        "days_left": nullable(COUNT),
    }
)
EXCLUDED = record({"several_variations": COUNT, "unknown_variation": COUNT, "forgotten_goal_events": COUNT})
NUMBERS: dict[str, Part] = {
    "sample_ratio": schema("SampleRatio"),
    "excluded": EXCLUDED,
    "goals": array(schema("ComparedGoal")),
    "power": {**nullable(POWER), "description": "How long still for the primary goal; null: can't be told yet."},
}
METHOD = record({"name": TEXT, "level": SHARE, "parameters": {"type": "object"}, "source": TEXT})
DECISION = record({"verdict": {"enum": list(VERDICTS)}, "variation": nullable(TEXT), "reason": TEXT})
RESULTS = record(
    {
        "experiment": ID_TEXT,
        "epoch": {"type": "integer", "minimum": 1},
        "since": nullable(MOMENT),
        "until": nullable(MOMENT),
        "status": {"enum": list(STATUSES)},
        "control": TEXT,
        "method": METHOD,
        **NUMBERS,
        "decision": DECISION,
    },
    {
        "by": TEXT,
        "values": array(record({"value": TEXT, **NUMBERS}), maxItems=VALUES_MAX),
        "values_left_out": COUNT,
    },
)
SCHEMAS = {
    "Comparison": COMPARISON,
    "ComparedVariation": VARIATION,
    "ComparedGoal": GOAL,
    "SampleRatio": RATIO,
    "Results": RESULTS,
}
EPOCH = in_query(
    "epoch", "Which epoch. Default: the latest that has begun and has buckets.", {"type": "integer", "minimum": 1}
)
BY = in_query("by", f"A breakdown: also for each of its values, at most {VALUES_MAX}, those with most visitors.", TEXT)
EFFECT = in_query(
    "minimum_effect",
    "The least change that matters, as a part of control's value.",
    {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
)
PATHS = {
    "/v1/experiments/{id}/results": {
        "get": {
            "operationId": "experimentResults",
            "summary": "What an experiment has come to so far, and what to do about it.",
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": ID_TEXT}, EPOCH, BY, EFFECT, ACCOUNT],
            "responses": {**cached("The results.", schema("Results")), **problems(400, 404, *KEY)},
        }
    }
}

"""Owns the description of `/v1/assign`, `/v1/allocations` and of what OpenFeature's clients ask."""

from __future__ import annotations

from pipeline.model.experiment import RUNNING, STOPPED
from readers.assign import ASSIGNED, NOT_ALLOCATED, NOT_ELIGIBLE
from readers.openapi.experiments import ALLOCATION, BUCKET, DEFINED, NAME_TEXT, NUMBER, OPTIONAL, VALUES
from readers.openapi.metrics import ACCOUNT, ID_TEXT
from readers.openapi.parts import (
    KEY,
    Part,
    array,
    body,
    cached,
    headers,
    in_header,
    json_answer,
    nullable,
    problems,
    record,
    schema,
)
from readers.openapi.query import ACCOUNT_NAME, TEXT
from readers.routes.assign import UNIT_CHARS_MAX
from readers.routes.ofrep import CODES, FLAG_NOT_FOUND, REASONS

UNIT: Part = {"type": "string", "minLength": 1, "maxLength": UNIT_CHARS_MAX, "description": "Who is to be assigned."}
ATTRIBUTES: Part = {"type": "object", "description": "What `eligible` is asked of."}
ASKED = record({"unit": UNIT}, {"attributes": ATTRIBUTES, "account": nullable(ACCOUNT_NAME)})
DECISION = record(
    {
        "variation": nullable(NAME_TEXT),
        "parameters": {**VALUES, "description": "The variation's, or the defaults."},
        "bucket": BUCKET,
        "epoch": NUMBER,
        "reason": {"enum": [ASSIGNED, NOT_ELIGIBLE, NOT_ALLOCATED]},
    }
)
ASSIGNMENT = record(
    {
        "experiments": {"type": "object", "propertyNames": ID_TEXT, "additionalProperties": schema("Decision")},
        "parameters": {**VALUES, "description": "Of all layers; defaults where nothing sets them."},
    }
)
ALLOCATED = record({**DEFINED, "status": {"enum": [RUNNING, STOPPED]}, "allocation": ALLOCATION, "epoch": NUMBER}, OPTIONAL)
ALLOCATIONS = record(
    {"layers": array(record({"id": ID_TEXT, "buckets": NUMBER})), "experiments": array(schema("AllocatedExperiment"))},
    {"groups": {"type": "object", "additionalProperties": array({}), "description": "Those that `eligible` names."}},
)
CONTEXT = {"type": "object", "properties": {"targetingKey": UNIT}, "required": ["targetingKey"]}
FLAG = record(
    {"key": TEXT, "value": {}, "reason": {"enum": list(REASONS)}, "variant": TEXT},
    {"metadata": {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}},
)
FAILURE = record({"errorCode": {"enum": list(CODES)}, "errorDetails": TEXT}, {"key": TEXT})
NOT_FOUND = record({"key": TEXT, "errorCode": {"const": FLAG_NOT_FOUND}, "errorDetails": TEXT})
SCHEMAS = {
    "AssignmentAsked": ASKED,
    "Decision": DECISION,
    "Assignment": ASSIGNMENT,
    "AllocatedExperiment": ALLOCATED,
    "Allocations": ALLOCATIONS,
    "EvaluationContext": {"type": "object", "properties": {"context": CONTEXT}, "required": ["context"]},
    "Flag": FLAG,
    "Flags": record({"flags": array(schema("Flag"))}),
    "EvaluationFailure": FAILURE,
    "FlagNotFound": NOT_FOUND,
}
CONTEXT_BODY = body(schema("EvaluationContext"), {"somebody": {"context": {"targetingKey": "user-42", "country": "DK"}}})
PROBLEM_OR_FAILURE: Part = {
    "description": "The context can't be evaluated (in OFREP's words), or the account is not known (a problem).",
    "content": {
        "application/json": {"schema": schema("EvaluationFailure")},
        "application/problem+json": {"schema": schema("Problem")},
    },
}
NO_FLAG: Part = {
    "description": "No running or stopped experiment has such a parameter, or the account has no definitions (a problem).",
    "content": {
        "application/json": {"schema": schema("FlagNotFound")},
        "application/problem+json": {"schema": schema("Problem")},
    },
}
UNCHANGED: Part = {"304": {"description": "It is as it was.", "headers": headers("etag")}}
PATHS = {
    "/v1/assign": {
        "post": {
            "operationId": "assign",
            "summary": "What a unit gets of every running experiment. Nothing is counted: exposures are events.",
            "parameters": [ACCOUNT],
            "requestBody": body(schema("AssignmentAsked"), {"somebody": {"unit": "u1", "attributes": {"country": "DK"}}}),
            "responses": {
                "200": json_answer("What it gets.", schema("Assignment")),
                **problems(400, 404, 408, 413, 415, *KEY),
            },
        }
    },
    "/v1/allocations": {
        "get": {
            "operationId": "allocations",
            "summary": "All that is needed to decide locally; readers/assign/README.md says how.",
            "parameters": [ACCOUNT],
            "responses": {**cached("The allocations.", schema("Allocations")), **problems(400, 404, *KEY)},
        }
    },
    "/ofrep/v1/evaluate/flags/{key}": {
        "post": {
            "operationId": "evaluateFlag",
            "summary": "One parameter, as OpenFeature's clients ask for a flag.",
            "parameters": [{"name": "key", "in": "path", "required": True, "schema": TEXT}, ACCOUNT],
            "requestBody": CONTEXT_BODY,
            "responses": {
                "200": json_answer("The flag.", schema("Flag")),
                "400": PROBLEM_OR_FAILURE,
                "404": NO_FLAG,
                **problems(408, 413, 415, *KEY),
            },
        }
    },
    "/ofrep/v1/evaluate/flags": {
        "post": {
            "operationId": "evaluateFlags",
            "summary": "All parameters, as OpenFeature's clients ask for flags.",
            "parameters": [in_header("if-none-match", "The tag of the answer that is held."), ACCOUNT],
            "requestBody": CONTEXT_BODY,
            "responses": {
                "200": json_answer("The flags.", schema("Flags"), "etag"),
                **UNCHANGED,
                "400": PROBLEM_OR_FAILURE,
                **problems(404, 408, 413, 415, *KEY),
            },
        }
    },
}

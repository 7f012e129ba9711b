"""Owns the description of `/v1/experiments` and `/v1/layers`. What makes them valid is `pipeline.model`'s."""

from __future__ import annotations

from typing import Any

from pipeline.model import limits
from pipeline.model.definition_variation import NAME
from pipeline.model.experiment import BETTER, PARAMETER_TYPES, STATUSES
from readers.editing import HISTORY_READ_MAX
from readers.openapi.metrics import ACCOUNT, ID_TEXT
from readers.openapi.parts import (
    KEY,
    Part,
    array,
    body,
    cached,
    in_header,
    json_answer,
    nullable,
    problems,
    record,
    row,
    schema,
)
from readers.openapi.query import MOMENT, TEXT

EXAMPLE: dict[str, Any] = {
    "layer": "homepage",
    "status": "running",
    "parameters": {"cta": {"type": "string", "default": "Join"}},
    "variations": [{"id": "control"}, {"id": "friendly", "parameters": {"cta": "Count me in!"}}],
    "allocation": {"control": [[0, 512]], "friendly": [[512, 1024]]},
    "eligible": {"country": {"$in": ["UK", "DK"]}},
    "exposure": {"where": {"event": "Experiment Viewed"}, "variation": "properties.variationName"},
    "goals": ["orders.buyers", {"goal": "cancellations.n", "better": "lower", "guardrail": True}],
    "control": "control",
}
NAME_TEXT: Part = {"type": "string", "pattern": f"^{NAME.pattern}$"}
NUMBER: Part = {"type": "integer", "minimum": 1}
CONDITION: Part = {"type": "object", "description": "A condition, MongoDB-style as GrowthBook has it."}
BUCKET: Part = {"type": "integer", "minimum": 0, "maximum": limits.BUCKETS_MAX}
RANGES = array(row(BUCKET, BUCKET), maxItems=limits.RANGES_PER_EXPERIMENT_MAX)
GOAL = record({"goal": TEXT}, {"better": {"enum": list(BETTER)}, "guardrail": {"type": "boolean"}})
VALUES: Part = {"type": "object", "propertyNames": NAME_TEXT}
ALLOCATION: Part = {
    "type": "object",
    "additionalProperties": RANGES,
    "description": "Variation -> half-open ranges of buckets. What is in no range is in no variation.",
}
PARTS: dict[str, Part] = {
    "layer": ID_TEXT,
    "status": {"enum": list(STATUSES)},
    "variations": array(
        record({"id": NAME_TEXT}, {"parameters": VALUES}), minItems=1, maxItems=limits.VARIATIONS_PER_EXPERIMENT_MAX
    ),
    "exposure": record({"where": CONDITION, "variation": TEXT}),
    "goals": array({"anyOf": [TEXT, GOAL]}, minItems=1, maxItems=limits.GOALS_PER_EXPERIMENT_MAX),
    "control": NAME_TEXT,
}
MORE: dict[str, Part] = {
    "parameters": {
        "type": "object",
        "propertyNames": NAME_TEXT,
        "additionalProperties": record({"type": {"enum": list(PARAMETER_TYPES)}, "default": {}}),
    },
    "allocation": ALLOCATION,
    "eligible": CONDITION,
    "breakdowns": array(TEXT, maxItems=limits.BREAKDOWNS_PER_METRIC_MAX),
}
OPTIONAL: dict[str, Part] = {
    "description": {"type": "string", "maxLength": limits.DESCRIPTION_CHARS_MAX},
    "start": MOMENT,
    "end": MOMENT,
}
EFFECTIVE_AT: Part = {**MOMENT, "description": "When a change of who gets what begins; left out: now. It opens an epoch."}
WRITTEN = {
    "type": "object",
    "description": "An experiment. What it is shown with besides may stand in it, and is passed over.",
    "properties": {"id": ID_TEXT, **PARTS, **MORE, **OPTIONAL, "effective_at": EFFECTIVE_AT},
    "required": list(PARTS),
}
EPOCH = record(
    {
        "number": NUMBER,
        "effective_at": {**nullable(MOMENT), "description": "null: open to the past."},
        "variations": PARTS["variations"],
        "allocation": ALLOCATION,
        "eligible": CONDITION,
    }
)
DEFINED: dict[str, Part] = {"id": ID_TEXT, **PARTS, **MORE}
SHOWN: dict[str, Part] = {"account": TEXT, **DEFINED, "revision": TEXT, "epoch": NUMBER}
EPOCHS: dict[str, Part] = {"epochs": array(schema("Epoch"))}
ENTRY = record(
    {"at": MOMENT, "outcome": {"enum": ["new", "changed", "deleted"]}, "fields": array(TEXT)},
    {"by": TEXT, "epoch": {**nullable(schema("Epoch")), "description": "The one that this opened."}},
)
HISTORY_TEXT = f"Among the account's last {HISTORY_READ_MAX:,} changes, oldest first; null: not known now."
HISTORY: dict[str, Part] = {"history": {**nullable(array(schema("DefinitionChange"))), "description": HISTORY_TEXT}}
OUTCOME: dict[str, Part] = {
    "outcome": {"enum": ["new", "changed", "unchanged"]},
    "fields": {**array(TEXT), "description": "Those that changed."},
    "notes": array(TEXT),
}
BUCKETS: Part = {**NUMBER, "maximum": limits.BUCKETS_MAX, "description": "A power of two."}
LAYER: dict[str, Part] = {"account": TEXT, "id": ID_TEXT, "buckets": BUCKETS}
WRITTEN_LAYER = {"type": "object", "properties": {"id": ID_TEXT, "buckets": BUCKETS}, "required": ["buckets"]}
PROBLEMS = {"problems": array(record({"account": TEXT, "detail": TEXT}))}
SCHEMAS = {
    "Epoch": EPOCH,
    "DefinitionChange": ENTRY,
    "WrittenExperiment": WRITTEN,
    "Experiment": record(SHOWN, OPTIONAL),
    "ExperimentWithHistory": record({**SHOWN, **EPOCHS, **HISTORY}, OPTIONAL),
    "ChangedExperiment": record({**SHOWN, **EPOCHS, **OUTCOME}, OPTIONAL),
    "Experiments": record({"experiments": array(schema("Experiment")), **PROBLEMS}),
    "WrittenLayer": WRITTEN_LAYER,
    "Layer": record(LAYER),
    "LayerWithHistory": record({**LAYER, **HISTORY}),
    "ChangedLayer": record({**LAYER, **OUTCOME}),
    "Layers": record({"layers": array(schema("Layer")), **PROBLEMS}),
}


def _described(kind: str, example: Any) -> dict[str, Part]:
    """The routes of one kind of definition."""
    name = kind.capitalize()
    tags = [in_header("if-match", f"Only where the {kind} is still the one with this tag."),
            in_header("if-none-match", "`*`: only where there is none.")]  # fmt: skip
    changed = json_answer("It was there; `outcome` says what has changed.", schema(f"Changed{name}"), "etag")
    made = json_answer("It is new.", schema(f"Changed{name}"), "etag", "location")
    return {
        f"/v1/{kind}s": {
            "get": {
                "operationId": f"list{name}s",
                "summary": f"All {kind}s of the account, and what is wrong with stored ones.",
                "parameters": [ACCOUNT],
                "responses": {**cached(f"The {kind}s.", schema(f"{name}s")), **problems(400, *KEY)},
            }
        },
        f"/v1/{kind}s/{{id}}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": ID_TEXT}, ACCOUNT],
            "get": {
                "operationId": f"show{name}",
                "summary": f"One {kind}, with who changed what when.",
                "responses": {**cached(f"The {kind}.", schema(f"{name}WithHistory")), **problems(400, 404, *KEY)},
            },
            "put": {
                "operationId": f"put{name}",
                "summary": f"Push one {kind}; needs a key of the role write. Doing it again changes nothing.",
                "parameters": tags,
                "requestBody": body(schema(f"Written{name}"), {kind: example}),
                "responses": {"200": changed, "201": made, **problems(400, 405, 408, 412, 413, 415, *KEY)},
            },
            "delete": {
                "operationId": f"delete{name}",
                "summary": f"Delete one {kind}; needs a key of the role write. What was counted stays.",
                "parameters": tags,
                "responses": {"204": {"description": "It is gone."}, **problems(400, 404, 405, 409, 412, *KEY)},
            },
        },
    }


PATHS = {**_described("experiment", EXAMPLE), **_described("layer", {"buckets": 1024})}

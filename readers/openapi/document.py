"""Owns the document as a whole. A test holds its paths and methods equal to the routes."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any

from readers.openapi import assign, experiments, explain, metrics, query, results, service
from readers.openapi.parts import HEADERS, problem_responses, record

KEY = {"type": "http", "scheme": "bearer", "description": "`daycount keys create --account A --role read` makes one."}
PROBLEM = record(
    {"title": {"type": "string"}, "status": {"type": "integer"}, "detail": {"type": "string"}},
    {"pointer": {"type": "string", "description": "A JSON pointer to the place that is meant."}},
)
DESCRIBED = (query, metrics, explain, experiments, results, assign)
PARTS = (*DESCRIBED, service)
INFO = {
    "title": "Daycount",
    "summary": "Day-wise counters from raw visitor events.",
    "description": "Every answer about numbers carries an ETag. Errors are problems (RFC 9457).",
    "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
}


def document() -> dict[str, Any]:
    """The OpenAPI document of the read service, as JSON would have it."""
    return {
        "openapi": "3.1.0",
        "info": {**INFO, "version": _version()},
        "security": [{"key": []}],
        "paths": {name: path for part in PARTS for name, path in part.PATHS.items()},
        "components": {
            "schemas": {"Problem": PROBLEM, **{name: of for part in DESCRIBED for name, of in part.SCHEMAS.items()}},
            "headers": HEADERS,
            "responses": problem_responses(),
            "securitySchemes": {"key": KEY},
        },
    }


def _version() -> str:
    try:
        return version("daycount")
    except PackageNotFoundError:  # run from a source tree
        return "0"

"""Owns the description of what the service tells of itself."""

from __future__ import annotations

from readers.openapi.parts import Part, headers, json_answer, problems, record

OPEN: list[Part] = []  # no key is asked for


def _status(word: str) -> Part:
    return json_answer("So it is.", record({"status": {"const": word}}))


TEXT = {"description": "The metrics.", "content": {"text/plain": {"schema": {"type": "string"}}}}
PAGE = {"description": "The page.", "content": {"text/html": {"schema": {"type": "string"}}}}
DOCUMENT = {
    "200": json_answer("The document.", {"type": "object", "required": ["openapi", "paths"]}, "etag"),
    "304": {"description": "It is as it was.", "headers": headers("etag")},
}

PATHS = {
    "/healthz": {
        "get": {
            "operationId": "healthz",
            "summary": "The process answers.",
            "security": OPEN,
            "responses": {"200": _status("ok")},
        }
    },
    "/readyz": {
        "get": {
            "operationId": "readyz",
            "summary": "The store answers, and definitions are fresh.",
            "security": OPEN,
            "responses": {"200": _status("ready"), **problems(503)},
        }
    },
    "/metrics": {
        "get": {
            "operationId": "telemetry",
            "summary": "What the service tells of itself, in Prometheus' text format.",
            "security": OPEN,
            "responses": {"200": TEXT},
        }
    },
    "/openapi.json": {
        "get": {"operationId": "openapi", "summary": "This document.", "security": OPEN, "responses": DOCUMENT}
    },
    "/docs": {
        "get": {"operationId": "docs", "summary": "This document as a page.", "security": OPEN, "responses": {"200": PAGE}}
    },
}

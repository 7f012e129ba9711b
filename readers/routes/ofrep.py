"""`/ofrep/v1/evaluate/flags`: assignment for OpenFeature's clients. A flag is a parameter, whatever experiment sets it.

The protocol is open-feature/protocol, service/openapi.yaml, 0.3.0. Keys, accounts and a server without its Redis are
answered as elsewhere.
"""

from __future__ import annotations

import hashlib
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from readers.answers import DIGEST_BYTES, has_tag
from readers.assign import ASSIGNED, assign
from readers.body import read_bytes
from readers.routes.assign import NOT_KEPT, UNIT_CHARS_MAX, standing_of
from readers.service import service_of

SPLIT, STATIC, DISABLED = REASONS = ("SPLIT", "STATIC", "DISABLED")
DEFAULT_VARIANT = "default"
PARSE_ERROR, TARGETING_KEY_MISSING, INVALID_CONTEXT = CODES = ("PARSE_ERROR", "TARGETING_KEY_MISSING", "INVALID_CONTEXT")
FLAG_NOT_FOUND = "FLAG_NOT_FOUND"


class Failure(Exception):
    """A context that can't be evaluated, in the protocol's words."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail

    def response(self, key: str | None) -> Response:
        named = {} if key is None else {"key": key}
        return _json({**named, "errorCode": self.code, "errorDetails": self.detail}, 400)


async def evaluate_flag(request: Request) -> Response:
    """One flag."""
    key = request.path_params["key"]
    try:
        flags = await _evaluate(request)
    except Failure as failure:
        return failure.response(key)
    if key not in flags:
        detail = f"no running or stopped experiment has a parameter {key[:64]!r}"
        return _json({"key": key, "errorCode": FLAG_NOT_FOUND, "errorDetails": detail}, 404)
    return _json(flags[key])


async def evaluate_flags(request: Request) -> Response:
    """All flags, with a tag: asked again with it, the answer is 304 while nothing has changed."""
    try:
        flags = await _evaluate(request)
    except Failure as failure:
        return failure.response(None)
    body = orjson.dumps({"flags": [flags[key] for key in sorted(flags)]})
    tag = f'"{hashlib.blake2b(body, digest_size=DIGEST_BYTES).hexdigest()}"'
    headers = {"etag": tag, "cache-control": "private, no-cache"}
    if has_tag(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")


async def _evaluate(request: Request) -> dict[str, dict[str, Any]]:
    """All flags by key, as the context of a request has them. Raises Failure, Problem."""
    service = service_of(request)
    caller = await service.caller(request)
    unit, attributes = _context(await read_bytes(request))
    standing = await standing_of(service, caller, request.query_params.get("account"))
    decided = assign(standing.allocations, unit, attributes, service.now())
    return _flags(standing.document, decided)


def _context(body: bytes) -> tuple[str, dict[str, Any]]:
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Failure(PARSE_ERROR, f"the body is not JSON: {error}") from None
    context = asked.get("context") if isinstance(asked, dict) else None
    if not isinstance(context, dict):
        raise Failure(INVALID_CONTEXT, "the body must be an object with a context, which is an object")
    unit = context.get("targetingKey")
    if unit is None or unit == "":
        raise Failure(TARGETING_KEY_MISSING, "the context must have a targetingKey: who is to be assigned")
    if not isinstance(unit, str) or len(unit) > UNIT_CHARS_MAX:
        raise Failure(INVALID_CONTEXT, f"the targetingKey must be a text of at most {UNIT_CHARS_MAX:,} characters")
    return unit, context


def _flags(document: dict[str, Any], decided: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """A flag per parameter: of the experiment that set it, else of one that would, else of one that is over."""
    types = {n: p["type"] for e in document["experiments"] for n, p in e["parameters"].items()}
    setters: dict[str, str] = {}
    # Sorting is stable: those that assigned the unit come first, in the order in which they are heard.
    decisions = sorted(decided["experiments"].items(), key=lambda item: item[1]["reason"] != ASSIGNED)
    for experiment_id, decision in decisions:
        for name in decision["parameters"]:
            setters.setdefault(name, experiment_id)
    return {
        name: _flag(name, _typed(value, types[name]), setters.get(name), decided["experiments"])
        for name, value in decided["parameters"].items()
    }


def _flag(name: str, value: Any, experiment_id: str | None, decisions: dict[str, Any]) -> dict[str, Any]:
    flag = {"key": name, "value": value, "reason": DISABLED, "variant": DEFAULT_VARIANT}
    if experiment_id is None:
        return flag
    decision = decisions[experiment_id]
    assigned = decision["reason"] == ASSIGNED
    metadata = {"experiment": experiment_id, "assignment": decision["reason"]}
    metadata |= {"epoch": decision["epoch"], "bucket": decision["bucket"]}
    variant = decision["variation"] if assigned else DEFAULT_VARIANT
    return {**flag, "reason": SPLIT if assigned else STATIC, "variant": variant, "metadata": metadata}


def _typed(value: Any, kind: str) -> Any:
    """Clients in typed languages tell 3 from 3.0."""
    return float(value) if kind == "number" else value


def _json(document: dict[str, Any], status: int = 200) -> Response:
    return Response(orjson.dumps(document), status, headers=NOT_KEPT, media_type="application/json")


ROUTES = [
    Route("/ofrep/v1/evaluate/flags", evaluate_flags, methods=["POST"]),
    Route("/ofrep/v1/evaluate/flags/{key}", evaluate_flag, methods=["POST"]),
]

"""`/v1/assign` and `/v1/allocations`: which variation a unit gets, and all that is needed to decide that locally."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipeline.definitions.pointer import to_pointer
from readers.answers import json_answer
from readers.assign import assign
from readers.assigning import Standing
from readers.auth import Caller
from readers.body import read_json
from readers.problem import Problem
from readers.service import Service, service_of

UNIT_CHARS_MAX = 1_024
NOT_KEPT = {"cache-control": "private, no-store"}
_KEYS = ("unit", "attributes", "account")


async def post_assign(request: Request) -> Response:
    """What a unit gets of every running experiment."""
    service = service_of(request)
    caller = await service.caller(request)
    body = await read_json(request)
    unit, attributes = _asked(body)
    named = body.get("account")
    standing = await standing_of(service, caller, request.query_params.get("account") if named is None else named)
    decided = assign(standing.allocations, unit, attributes, service.now())
    return Response(orjson.dumps(decided), headers=NOT_KEPT, media_type="application/json")


async def get_allocations(request: Request) -> Response:
    """The layers, and the experiments in the epoch that is in force."""
    service = service_of(request)
    caller = await service.caller(request)
    standing = await standing_of(service, caller, request.query_params.get("account"))
    return json_answer(request, standing.body)


async def standing_of(service: Service, caller: Caller, named: object) -> Standing:
    """The allocations of the account that a request is about. Raises Problem (400, 403, 404)."""
    name = service.account(caller, named)
    definitions = service.snapshots.current.accounts.get(name)
    if definitions is None:
        raise Problem(404, f"account {name} has no definitions: push them first")
    return await service.assigner.standing(definitions, service.now())


def _asked(body: Any) -> tuple[str, dict[str, Any]]:
    if not isinstance(body, dict):
        raise Problem(400, 'the body must be a JSON object such as {"unit": "u1", "attributes": {}}', pointer="")
    for key in body.keys() - set(_KEYS):
        raise Problem(400, f"unknown; the keys here are {', '.join(_KEYS)}", pointer=to_pointer((key,)))
    unit, attributes = body.get("unit"), body.get("attributes", {})
    if not isinstance(unit, str) or not 1 <= len(unit) <= UNIT_CHARS_MAX:
        detail = f"name who is to be assigned, a text of at most {UNIT_CHARS_MAX:,} characters"
        raise Problem(400, detail, pointer="/unit")
    if not isinstance(attributes, dict):
        raise Problem(400, 'attributes are an object, such as {"country": "DK"}', pointer="/attributes")
    return unit, attributes


ROUTES = [
    Route("/v1/assign", post_assign, methods=["POST"]),
    Route("/v1/allocations", get_allocations, methods=["GET"]),
]

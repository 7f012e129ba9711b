"""`/v1/query`: the query engine over HTTP."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from readers.answers import json_answer
from readers.problem import Problem
from readers.query.limits import BODY_BYTES_MAX
from readers.service import service_of
from readers.text_query import body_of_texts


async def post_query(request: Request) -> Response:
    """The full answer: results, meta, and the query as executed."""
    service = service_of(request)
    caller = await service.caller(request)
    answer = await service.answer(caller, await read_json(request))
    return json_answer(request, answer.to_json())


async def get_query(request: Request) -> Response:
    """The same as a flat list of rows, for Grafana and spreadsheets."""
    service = service_of(request)
    caller = await service.caller(request)
    texts = {name: request.query_params.getlist(name) for name in request.query_params}
    answer = await service.answer(caller, body_of_texts(texts))
    return json_answer(request, answer.to_flat_json())


async def read_json(request: Request) -> Any:
    """The JSON of a request's body. Raises Problem (400, 413, 415)."""
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        raise Problem(415, f"send JSON with Content-Type: application/json, not {kind}")
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > BODY_BYTES_MAX:
            raise Problem(413, f"the body is larger than {BODY_BYTES_MAX} bytes (1 MiB)")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Problem(400, f"the body is not JSON: {error}", pointer="") from None


async def _query(request: Request) -> Response:
    # One route, so that a refused method is told of both.
    return await (post_query if request.method == "POST" else get_query)(request)


ROUTES = [Route("/v1/query", _query, methods=["GET", "POST"])]

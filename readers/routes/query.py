"""`/v1/query`: the query engine over HTTP."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from readers.answers import json_answer
from readers.body import read_json
from readers.problem import Problem
from readers.query import Answer
from readers.service import service_of
from readers.text_query import body_of_texts


async def post_query(request: Request) -> Response:
    """The full answer: results, meta, and the query as executed. The account may stand in the address, as elsewhere."""
    service = service_of(request)
    caller = await service.caller(request)
    body = _of_account(request.query_params.get("account"), await read_json(request))
    return json_answer(request, await service.answer(caller, body, Answer.to_json))


def _of_account(named: str | None, body: Any) -> Any:
    """The query with the account that the address names, if it names one. Raises Problem (400)."""
    if named is None or not isinstance(body, dict):
        return body
    if body.get("account") not in (None, named):
        raise Problem(400, "the body names another account than the address does", pointer="/account")
    return {**body, "account": named}


async def get_query(request: Request) -> Response:
    """The same as a flat list of rows, for Grafana and spreadsheets. What `meta` would warn of is in a header."""
    service = service_of(request)
    caller = await service.caller(request)
    texts = {name: request.query_params.getlist(name) for name in request.query_params}
    warnings: list[str] = []

    def flat(answer: Answer) -> bytes:
        warnings.extend(answer.meta["warnings"])
        return answer.to_flat_json()

    body = await service.answer(caller, body_of_texts(texts), flat)
    return json_answer(request, body, warnings=warnings)


async def _query(request: Request) -> Response:
    # One route, so that a refused method is told of both.
    return await (post_query if request.method == "POST" else get_query)(request)


ROUTES = [Route("/v1/query", _query, methods=["GET", "POST"])]

"""`/v1/experiments` and `/v1/layers`: which there are, and changing them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipeline.model.definition import AccountDefinitions, Metric
from pipeline.model.errors import UsageError
from pipeline.model.experiment import Experiment, Layer
from readers.answers import json_answer
from readers.changing import METHODS, Put, delete_definition, put_definition
from readers.editing import EXPERIMENT, LAYER, found, missing, tag_of
from readers.problem import LOG
from readers.service import Service, service_of

Answer = Callable[[Request], Awaitable[Response]]


def _list(kind: str) -> Answer:
    async def answer(request: Request) -> Response:
        """All of the account; without authentication and an account, those of all accounts."""
        service = service_of(request)
        caller = await service.caller(request)
        known = service.snapshots.current.accounts
        asked = request.query_params.get("account")
        everything = asked is None and caller.account is None
        name = None if everything else service.account(caller, asked)
        accounts = [account for account in known.values() if everything or account.account == name]
        told = [_document(a.account, d) for a in accounts for d in _all(a, kind)]
        problems = [
            {"account": account.account, "detail": line}
            for account in accounts
            for line in account.problems
            if line.startswith(f"{kind}:")
        ]
        return json_answer(request, orjson.dumps({f"{kind}s": told, "problems": problems}))

    return answer


def _one(kind: str) -> Answer:
    async def get(request: Request) -> Response:
        """One of the account, with what was done to it."""
        service = service_of(request)
        caller = await service.caller(request)
        name, item_id = service.account(caller, request.query_params.get("account")), request.path_params["id"]
        definition = found(service.snapshots.current.accounts.get(name), kind, item_id)
        if definition is None:
            raise missing(name, kind, item_id)
        history = await _history(service, name, kind, item_id)
        document = {**_document(name, definition), **_epochs(definition), "history": history}
        return json_answer(request, orjson.dumps(document), of=tag_of(definition))

    async def put(request: Request) -> Response:
        """Push one: 201 where it is new, else 200. **Retry:** harmless; what is there already is `unchanged`."""
        return _told(await put_definition(request, kind), kind)

    async def delete(request: Request) -> Response:
        """Delete one. **Retry:** 404, for it is gone."""
        return await delete_definition(request, kind)

    async def answer(request: Request) -> Response:
        # One route, so that a refused method is told of all.
        return await {"PUT": put, "DELETE": delete}.get(request.method, get)(request)

    return answer


def _all(account: AccountDefinitions, kind: str) -> list[Layer] | list[Experiment]:
    return list(account.layers.values()) if kind == LAYER else list(account.experiments.values())


def _document(account: str, definition: Metric | Layer | Experiment) -> dict[str, Any]:
    document = {"account": account, **definition.document()}
    if isinstance(definition, Experiment):
        document |= {"revision": definition.revision, "epoch": definition.epoch.number}
    return document


def _epochs(definition: Metric | Layer | Experiment) -> dict[str, Any]:
    if not isinstance(definition, Experiment):
        return {}
    return {"epochs": [epoch.document() for epoch in definition.epochs]}


def _told(put: Put, kind: str) -> Response:
    """The definition as it is in force now, and what has become of it."""
    definition = found(put.report.after, kind, put.id)
    assert definition is not None, "what was pushed is in force"
    (change,) = (change for change in put.report.trials if (change.kind, change.id) == (kind, put.id))
    what = {"outcome": change.outcome, "fields": change.fields, "notes": put.report.notes}
    document = {**_document(put.report.account, definition), **_epochs(definition), **what}
    return put.answer(document, tag_of(definition), is_new=change.outcome == "new")


async def _history(service: Service, account: str, kind: str, item_id: str) -> list[dict[str, Any]] | None:
    """None where Redis doesn't say: definitions go on without it. A file remembers nothing."""
    if service.editor is None:
        return []
    try:
        return await asyncio.to_thread(service.editor.history, account, kind, item_id)
    except UsageError as error:
        LOG.error("the history of an experiment: %s", error)
        return None


ROUTES = [
    Route(path, answer, methods=methods)
    for kind in (EXPERIMENT, LAYER)
    for path, answer, methods in (
        (f"/v1/{kind}s", _list(kind), ["GET"]),
        (f"/v1/{kind}s/{{id}}", _one(kind), list(METHODS)),
    )
]

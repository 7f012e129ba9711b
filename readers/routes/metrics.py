"""`/v1/metrics`: which metrics there are. Changing them is not done here yet."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipeline.model.definition import AccountDefinitions, Metric
from readers.answers import json_answer
from readers.problem import Problem
from readers.service import service_of


async def list_metrics(request: Request) -> Response:
    """All metrics of the account; without authentication and an account, those of all accounts."""
    service = service_of(request)
    caller = await service.caller(request)
    known = service.snapshots.current.accounts
    named = request.query_params.get("account")
    everything = named is None and caller.account is None
    name = None if everything else service.account(caller, named)
    accounts = [account for account in known.values() if everything or account.account == name]
    metrics = [_document(account, metric) for account in accounts for metric in account.metrics.values()]
    problems = [{"account": account.account, "detail": line} for account in accounts for line in account.problems]
    return json_answer(request, orjson.dumps({"metrics": metrics, "problems": problems}))


async def get_metric(request: Request) -> Response:
    """One metric of the account."""
    service = service_of(request)
    caller = await service.caller(request)
    name, metric_id = service.account(caller, request.query_params.get("account")), request.path_params["id"]
    account = service.snapshots.current.accounts.get(name)
    if account is None or metric_id not in account.metrics:
        raise Problem(404, f"account {name} has no metric {metric_id!r}")
    return json_answer(request, orjson.dumps(_document(account, account.metrics[metric_id])))


def _document(account: AccountDefinitions, metric: Metric) -> dict[str, Any]:
    where = {"account": account.account, "timezone": account.settings.timezone}
    return {**where, **metric.document(), "description": metric.description, "revision": metric.revision}


ROUTES = [
    Route("/v1/metrics", list_metrics, methods=["GET"]),
    Route("/v1/metrics/{id}", get_metric, methods=["GET"]),
]

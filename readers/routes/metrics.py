"""`/v1/metrics`: which metrics there are, and changing them."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipeline.model.definition import AccountDefinitions, Metric
from pipeline.model.errors import StoreError, UsageError
from readers.answers import json_answer
from readers.changing import METHODS, Put, delete_definition, put_definition
from readers.editing import METRIC, missing, tag_of
from readers.problem import LOG
from readers.revisions import read_history
from readers.service import Service, service_of


async def list_metrics(request: Request) -> Response:
    """All metrics of the account; without authentication and an account, those of all accounts."""
    service = service_of(request)
    caller = await service.caller(request)
    known = service.snapshots.current.accounts
    asked = request.query_params.get("account")
    everything = asked is None and caller.account is None
    name = None if everything else service.account(caller, asked)
    accounts = [account for account in known.values() if everything or account.account == name]
    metrics = [_document(account, metric) for account in accounts for metric in account.metrics.values()]
    problems = [{"account": account.account, "detail": line} for account in accounts for line in account.problems]
    return json_answer(request, orjson.dumps({"metrics": metrics, "problems": problems}))


async def get_metric(request: Request) -> Response:
    """One metric of the account, with the revisions that a store has counted under."""
    service = service_of(request)
    caller = await service.caller(request)
    name, metric_id = service.account(caller, request.query_params.get("account")), request.path_params["id"]
    account = service.snapshots.current.accounts.get(name)
    if account is None or metric_id not in account.metrics:
        raise missing(name, METRIC, metric_id)
    metric = account.metrics[metric_id]
    document = {**_document(account, metric), "history": await _history(service, name, metric_id)}
    return json_answer(request, orjson.dumps(document), of=tag_of(metric))


async def put_metric(request: Request) -> Response:
    """Push one metric: 201 where it is new, else 200. **Retry:** harmless; what is there already is `unchanged`."""
    return _told(service_of(request), await put_definition(request, METRIC))


async def delete_metric(request: Request) -> Response:
    """Delete one metric. **Retry:** 404, for it is gone."""
    return await delete_definition(request, METRIC)


def _told(service: Service, put: Put) -> Response:
    """The metric as it is in force now, and what has become of it."""
    (metric,) = put.report.pushed
    (change,) = (change for change in put.report.changes if change.metric == put.id)
    account = service.snapshots.current.accounts.get(put.report.account)
    timezone = account.settings.timezone if account else None
    before = None if change.outcome == "unchanged" else change.before
    what = {"outcome": change.outcome, "before": before, "notes": put.report.notes}
    document = {**_shown(put.report.account, timezone, metric), **what}
    return put.answer(document, tag_of(metric), is_new=change.outcome == "new")


def _document(account: AccountDefinitions, metric: Metric) -> dict[str, Any]:
    return _shown(account.account, account.settings.timezone, metric)


def _shown(account: str, timezone: str | None, metric: Metric) -> dict[str, Any]:
    where = {"account": account, "timezone": timezone}
    return {**where, **metric.document(), "description": metric.description, "revision": metric.revision}


async def _history(service: Service, account: str, metric_id: str) -> list[dict[str, str | None]] | None:
    """None where the store doesn't say: the definition itself is not in it."""
    try:
        return await service.stores.run(lambda store: read_history(store, account, metric_id))
    except (StoreError, UsageError) as error:
        LOG.error("the history of a metric: %s", error)
        return None


async def _metric(request: Request) -> Response:
    # One route, so that a refused method is told of all.
    answer = {"PUT": put_metric, "DELETE": delete_metric}.get(request.method, get_metric)
    return await answer(request)


ROUTES = [
    Route("/v1/metrics", list_metrics, methods=["GET"]),
    Route("/v1/metrics/{id}", _metric, methods=list(METHODS)),
]

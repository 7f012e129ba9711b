"""`/v1/explain`: why an event does or does not count, as `daycount explain` says it."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipeline.definitions.pointer import to_pointer
from pipeline.explain.body import chosen, to_json
from pipeline.explain.record import BadEvent, read_json_object
from readers.body import read_bytes
from readers.explaining import Question
from readers.problem import Problem
from readers.service import service_of

_KEYS = ("event", "metric", "account")


class _Asked(NamedTuple):
    """What the body asks. `at`: where the event lies in it, as a JSON pointer."""

    text: bytes
    event: dict[str, Any]
    at: str
    metric: Any = None
    account: Any = None


class _Wrapped(msgspec.Struct):
    event: msgspec.Raw


async def explain(request: Request) -> Response:
    """The explanation of one event: the body, or `event` in it beside the `metric` that is asked about."""
    service = service_of(request)
    caller = await service.caller(request)
    asked = _read(await read_bytes(request))
    named = request.query_params.get("account") if asked.account is None else asked.account
    if named is None and caller.account is None:
        named = asked.event.get("account")
    account = service.account(caller, named)
    definitions = service.snapshots.current.accounts.get(account)
    if definitions is None:
        raise Problem(400, f"account {account!r} has no definitions: push them, or correct the account", pointer="/account")
    metric = request.query_params.get("metric") if asked.metric is None else asked.metric
    try:
        metrics = chosen(definitions, metric)
    except (KeyError, TypeError):
        raise Problem(400, f"account {account} has no metric {str(metric)[:64]!r}", pointer="/metric") from None
    try:
        body = await service.explainers.explain(service.stores, Question(definitions, metrics, asked.text, service.now()))
    except BadEvent as error:
        raise Problem(400, str(error), pointer=asked.at + error.pointer) from None
    body["warnings"] += service.warnings()
    return Response(to_json(body), headers={"cache-control": "private, no-store"}, media_type="application/json")


def _read(text: bytes) -> _Asked:
    """An event is named by a text, so `event` being an object is one that is asked about. Raises Problem (400)."""
    try:
        body = read_json_object(text)
    except BadEvent as error:
        raise Problem(400, str(error), pointer=error.pointer) from None
    if not isinstance(body.get("event"), dict):
        return _Asked(text, body, "")
    for key in body.keys() - set(_KEYS):
        detail = f"unknown beside event; the keys here are {', '.join(_KEYS)}"
        raise Problem(400, detail, pointer=to_pointer((key,)))
    # Its bytes as they came: numbers beyond the doubles would not survive being written again.
    try:
        raw = bytes(msgspec.json.decode(text, type=_Wrapped).event)
    except RecursionError:
        raise Problem(400, "the event is nested too deep to be read", pointer="/event") from None
    return _Asked(raw, body["event"], "/event", body.get("metric"), body.get("account"))


ROUTES = [Route("/v1/explain", explain, methods=["POST"])]

"""Owns what a request that changes a definition must bring (a key that may, an id that can be, an account, a body), and
the way of such a request, whatever kind of definition it is about.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson
from starlette.requests import Request
from starlette.responses import Response

from pipeline.definitions.documents import parse_json
from pipeline.definitions.plan import Report
from pipeline.model.definition_check import ACCOUNT, ID, named
from readers.auth import Caller
from readers.body import read_bytes
from readers.editing import Address, Editor, Expected
from readers.problem import Problem
from readers.service import Service, service_of

READ_METHODS = ("GET", "HEAD")
METHODS = (*READ_METHODS, "PUT", "DELETE")


class Put(NamedTuple):
    """What a push came to, and the address at which the definition is found now."""

    report: Report
    id: str
    found_at: str

    def answer(self, document: Mapping[str, Any], tag: str, *, is_new: bool) -> Response:
        """201 where it is new, else 200."""
        headers = {"etag": f'"{tag}"', **({"location": self.found_at} if is_new else {})}
        return Response(orjson.dumps(document), 201 if is_new else 200, headers, "application/json")


async def put_definition(request: Request, kind: str) -> Put:
    """Push what the body says. Raises Problem. **Retry:** harmless; what is there already is `unchanged`."""
    service = service_of(request)
    caller = await service.caller(request)
    editor, address = _editor_for(service, caller), _address_to_put(service, caller, request, kind)
    report = await asyncio.to_thread(editor.put, address, await _written_in(request), Expected.of(request.headers))
    await service.snapshots.refresh()
    found_at = f"/v1/{kind}s/{address.id}" + ("" if caller.account else f"?account={address.account}")
    return Put(report, address.id, found_at)


async def delete_definition(request: Request, kind: str) -> Response:
    """Delete it: 204. What was counted stays, and goes on when it is put again. Raises Problem.

    **Retry:** 404, for it is gone.
    """
    service = service_of(request)
    caller = await service.caller(request)
    editor, address = _editor_for(service, caller), _address_to_delete(service, caller, request, kind)
    await asyncio.to_thread(editor.delete, address, Expected.of(request.headers))
    await service.snapshots.refresh()
    return Response(status_code=204)


def _editor_for(service: Service, caller: Caller) -> Editor:
    """What changes definitions. Raises Problem (403, 405)."""
    caller.demand_write()
    if service.editor is None:
        detail = "the definitions are a file here, which is edited by hand; serve --definitions redis://HOST:PORT/DB"
        raise Problem(405, f"{detail} takes changes over HTTP", headers={"allow": ", ".join(READ_METHODS)})
    return service.editor


def _address_to_put(service: Service, caller: Caller, request: Request, kind: str) -> Address:
    """Which definition is put: an account that is named may be a new one, as with `daycount define push`."""
    asked, item_id = request.query_params.get("account"), request.path_params["id"]
    if caller.account is not None or asked is None:
        asked = service.account(caller, asked)
    elif not named(ACCOUNT, asked):
        raise Problem(400, f"{asked[:64]!r} is not an account's name; 1 to 64 of a-z, 0-9, _ and -", pointer="/account")
    if not named(ID, item_id):
        raise Problem(400, f"{item_id[:64]!r} in the address is not a {kind}'s id; 1 to 64 of a-z, 0-9 and _")
    return Address(asked, kind, item_id, caller.name)


def _address_to_delete(service: Service, caller: Caller, request: Request, kind: str) -> Address:
    """Which definition is deleted, of an account that is there."""
    account = service.account(caller, request.query_params.get("account"))
    return Address(account, kind, request.path_params["id"], caller.name)


async def _written_in(request: Request) -> Any:
    """The JSON of a body, judged as definitions are. Raises Problem (400, 408, 413, 415)."""
    try:
        return parse_json(await read_bytes(request))
    except ValueError as error:
        raise Problem(400, f"the body is refused: {error}", pointer="") from None

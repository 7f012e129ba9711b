"""Owns what a request that changes a definition must bring: a key that may, an id that can be, an account, a body."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from pipeline.definitions.documents import parse_json
from pipeline.model.definition_check import ACCOUNT, ID, named
from readers.auth import Caller
from readers.body import read_bytes
from readers.editing import Address, Editor
from readers.problem import Problem
from readers.service import Service

READ_METHODS = ("GET", "HEAD")
METHODS = (*READ_METHODS, "PUT", "DELETE")


def editor_for(service: Service, caller: Caller) -> Editor:
    """What changes definitions. Raises Problem (403, 405)."""
    caller.demand_write()
    if service.editor is None:
        detail = "the definitions are a file here, which is edited by hand; serve --definitions redis://HOST:PORT/DB"
        raise Problem(405, f"{detail} takes changes over HTTP", headers={"allow": ", ".join(READ_METHODS)})
    return service.editor


def address_to_put(service: Service, caller: Caller, request: Request, kind: str) -> Address:
    """Which definition is put: an account that is named may be a new one, as with `daycount define push`."""
    asked, item_id = request.query_params.get("account"), request.path_params["id"]
    if caller.account is not None or asked is None:
        asked = service.account(caller, asked)
    elif not named(ACCOUNT, asked):
        raise Problem(400, f"{asked[:64]!r} is not an account's name; 1 to 64 of a-z, 0-9, _ and -", pointer="/account")
    if not named(ID, item_id):
        raise Problem(400, f"{item_id[:64]!r} in the address is not a {kind}'s id; 1 to 64 of a-z, 0-9 and _")
    return Address(asked, kind, item_id, caller.name)


def address_to_delete(service: Service, caller: Caller, request: Request, kind: str) -> Address:
    """Which definition is deleted, of an account that is there."""
    account = service.account(caller, request.query_params.get("account"))
    return Address(account, kind, request.path_params["id"], caller.name)


async def written_in(request: Request) -> Any:
    """The JSON of a body, judged as definitions are. Raises Problem (400, 408, 413, 415)."""
    try:
        return parse_json(await read_bytes(request))
    except ValueError as error:
        raise Problem(400, f"the body is refused: {error}", pointer="") from None

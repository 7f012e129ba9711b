"""Owns how the body of a request is read: JSON, and no more of it than the bound."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request

from readers.problem import Problem
from readers.query.limits import BODY_BYTES_MAX

BODY_WITHIN_S = 10.0


async def read_json(request: Request) -> Any:
    """The JSON of a request's body. Raises Problem (400, 408, 413, 415)."""
    try:
        return orjson.loads(await read_bytes(request))
    except orjson.JSONDecodeError as error:
        raise Problem(400, f"the body is not JSON: {error}", pointer="") from None


async def read_bytes(request: Request) -> bytes:
    """A body that is said to be JSON, as it came. Raises Problem (400, 408, 413, 415)."""
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        raise Problem(415, f"send JSON with Content-Type: application/json, not {kind}")
    packed = request.headers.get("content-encoding", "").strip().lower()
    if packed not in ("", "identity"):
        raise Problem(415, f"send the JSON as it is, without Content-Encoding: {packed[:64]}")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and len(declared) < 20 and int(declared) > BODY_BYTES_MAX:
        raise _too_large()
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            return await _receive(request)
    except TimeoutError:
        raise Problem(408, f"the body took longer than {BODY_WITHIN_S:g} s", headers={"connection": "close"}) from None
    except ClientDisconnect:
        raise Problem(400, "the body ended early") from None  # heard by nobody


async def _receive(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > BODY_BYTES_MAX:
            raise _too_large()
    return bytes(body)


def _too_large() -> Problem:
    return Problem(413, f"the body is larger than {BODY_BYTES_MAX} bytes (1 MiB)")

"""Reads a request's body: bounded in size, time and unpacking. What it says is not looked at here."""

from __future__ import annotations

import asyncio
import zlib

from starlette.requests import ClientDisconnect, Request

from pipeline.collect.refusal import Refusal, bad, too_large
from pipeline.collect.room import Held

BODY_BYTES_MAX = 1024 * 1024  # Segment's clients send batches of at most 500 KB
BODY_TIMEOUT_S = 30.0
_GZIP_MEMBERS_MAX = 16  # a gzip file may be several in a row; each costs a copy of the rest
_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_PACKED = {"gzip", "x-gzip"}
_PLAIN = {"", "identity"}


async def read_body(request: Request, held: Held, timeout_s: float = BODY_TIMEOUT_S) -> bytes:
    """The body, unpacked. held: grows by what is read. Raises Refusal (400, 408, 413, 415, 429)."""
    coding = request.headers.get("content-encoding", "").strip().lower()
    if coding not in _PACKED | _PLAIN:
        raise Refusal(415, "the body may be gzip or plain: leave other encodings out")
    try:
        async with asyncio.timeout(timeout_s):
            body = await _receive(request, held)
    except TimeoutError:
        raise Refusal(408, f"the body took longer than {timeout_s:g} s", headers={"connection": "close"}) from None
    except ClientDisconnect:
        raise bad("the body ended early") from None  # heard by nobody
    if coding in _PLAIN:
        return body
    plain = unpack(body)
    held.take(len(plain))
    return plain


async def _receive(request: Request, held: Held) -> bytes:
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > BODY_BYTES_MAX:
        raise _too_large()
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > BODY_BYTES_MAX:
            raise _too_large()
        held.take(len(part))
        parts.append(part)
    return b"".join(parts)


def unpack(packed: bytes) -> bytes:
    """The content of a gzip body. Never holds more than the bound. Raises Refusal (400, 413)."""
    plain = bytearray()
    for _ in range(_GZIP_MEMBERS_MAX):
        unpacker = zlib.decompressobj(_GZIP_WINDOW)
        try:
            plain += unpacker.decompress(packed, BODY_BYTES_MAX + 1 - len(plain))
        except zlib.error:
            raise bad("the body is said to be gzip, and is not") from None
        if len(plain) > BODY_BYTES_MAX:
            raise _too_large()
        if not unpacker.eof:
            raise bad("the gzip body is cut short")
        packed = unpacker.unused_data
        if not packed:
            return bytes(plain)
    raise bad("the body is more than one gzip file")


def _too_large() -> Refusal:
    return too_large(f"the body is larger than {BODY_BYTES_MAX} bytes, unpacked: send smaller batches")

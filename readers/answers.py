"""Owns how JSON is handed over: an `ETag` of the bytes, and 304 to who has them already."""

from __future__ import annotations

import hashlib

from starlette.requests import Request
from starlette.responses import Response

from readers.service import service_of

DIGEST_BYTES = 16


def json_answer(request: Request, body: bytes, of: str = "") -> Response:
    """200 with the body, or 304 without it. of: what in it editors go by, the first part of the tag."""
    digest = hashlib.blake2b(body, digest_size=DIGEST_BYTES).hexdigest()
    tag = f'"{of}-{digest}"' if of else f'"{digest}"'
    headers = {"etag": tag, "cache-control": "private, no-cache"}
    if warnings := service_of(request).warnings():
        headers["daycount-warning"] = "; ".join(warnings)
    if has_tag(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")


def has_tag(if_none_match: str, tag: str) -> bool:
    """Whether who sent this header has the answer with the tag."""
    held = [one.strip().removeprefix("W/") for one in if_none_match.split(",")]
    return tag in held or held == ["*"]

"""Owns how JSON is handed over: an `ETag` of the bytes, and 304 to who has them already."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from readers.service import service_of

DIGEST_BYTES = 16
WARNING_CHARS_MAX = 2_000  # proxies take some 4,000 of headers


def json_answer(request: Request, body: bytes, of: str = "", warnings: Sequence[str] = ()) -> Response:
    """200 with the body, or 304 without it. of: what in it editors go by, the first part of the tag; warnings: those
    that the body has no place for.
    """
    digest = hashlib.blake2b(body, digest_size=DIGEST_BYTES).hexdigest()
    tag = f'"{of}-{digest}"' if of else f'"{digest}"'
    headers = {"etag": tag, "cache-control": "private, no-cache"}
    if said := dict.fromkeys([*service_of(request).warnings(), *warnings]):
        headers["daycount-warning"] = _in_header("; ".join(said))
    if has_tag(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")


def has_tag(if_none_match: str, tag: str) -> bool:
    """Whether who sent this header has the answer with the tag."""
    held = [one.strip().removeprefix("W/") for one in if_none_match.split(",")]
    return tag in held or held == ["*"]


def _in_header(text: str) -> str:
    """Breakdowns have names in all scripts; headers are printable ASCII."""
    plain = text.encode("unicode_escape").decode("ascii")
    return plain if len(plain) <= WARNING_CHARS_MAX else plain[: WARNING_CHARS_MAX - 3] + "..."

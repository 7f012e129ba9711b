"""Owns the one shape of refusals: RFC 9457 problems, which also say `code` and `message`, what Segment's clients show.

Those clients try 408, 429 and 5xx again, later where `Retry-After` says so, and give up on any other 4xx.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from pipeline.definitions.connection import DefinitionsUnavailable

LOG = logging.getLogger("daycount.collect")
FULL_RETRY_AFTER_S = 1
UNAVAILABLE_RETRY_AFTER_S = 5


class Refusal(Exception):
    """An answer that says why events are not taken. `detail` holds nothing of the events."""

    def __init__(self, status: int, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers

    def response(self) -> Response:
        title = HTTPStatus(self.status).phrase
        body = {"title": title, "status": self.status, "detail": self.detail}
        body |= {"code": title.lower().replace(" ", "_"), "message": self.detail}
        return Response(orjson.dumps(body), self.status, self.headers, media_type="application/problem+json")


def bad(detail: str) -> Refusal:
    """The request can't be taken as it is."""
    return Refusal(400, detail)


def too_large(detail: str) -> Refusal:
    """The request goes beyond a bound, which the detail names."""
    return Refusal(413, detail)


def unknown_sender(detail: str) -> Refusal:
    """No write key, or none that is known."""
    # A challenge is required. With the scheme Basic, browsers would ask the visitors of a page for a password.
    return Refusal(401, detail, headers={"www-authenticate": "WriteKey"})


def full() -> Refusal:
    """More is under way than is held in memory."""
    return Refusal(429, "too much at once: send it again", headers={"retry-after": str(FULL_RETRY_AFTER_S)})


def unavailable(detail: str) -> Refusal:
    """It may go later. Nothing was acknowledged; events sent again are known by their messageId."""
    return Refusal(503, detail, headers={"retry-after": str(UNAVAILABLE_RETRY_AFTER_S)})


# None of them waits for anything, a thread among them: a request may be ended by the server at any such place.
async def on_refusal(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return error.response()


async def on_keys_unavailable(_: Request, error: Exception) -> Response:
    """What exactly failed is the log's, not the public's."""
    LOG.error("write keys can't be looked up: %s", error)
    return unavailable("write keys can't be looked up just now: send it again").response()


async def on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    details = {404: "there is nothing at this path", 405: f"{request.method} is not possible here"}
    return Refusal(error.status_code, details.get(error.status_code, error.detail), headers=error.headers).response()


async def on_failure(_: Request, error: Exception) -> Response:
    """A fault of ours. Clients send it again."""
    return Refusal(500, "something went wrong in the collector; its log has the reason").response()


HANDLERS = {
    Refusal: on_refusal,
    DefinitionsUnavailable: on_keys_unavailable,
    HTTPException: on_http_exception,
    Exception: on_failure,
}

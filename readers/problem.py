"""Owns the one shape of errors over HTTP: RFC 9457 `application/problem+json`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from pipeline.definitions.connection import DefinitionsUnavailable
from pipeline.model.errors import StoreError, UsageError
from readers.query import QueryError
from readers.telemetry import telemetry_of

LOG = logging.getLogger("daycount.serve")
RETRY_AFTER_S = 5
RETRY_AFTER = {"retry-after": str(RETRY_AFTER_S)}


class Problem(Exception):
    """An answer that says what is wrong, where (`pointer`, a JSON pointer into the body) and what would do."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        pointer: str | None = None,
        title: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.pointer = pointer
        self.title = title
        self.headers = headers

    def response(self) -> Response:
        body = {"title": self.title or HTTPStatus(self.status).phrase, "status": self.status, "detail": self.detail}
        if self.pointer is not None:
            body["pointer"] = self.pointer
        return Response(orjson.dumps(body), self.status, self.headers, media_type="application/problem+json")


class Overloaded(Problem):
    """More queries wait than can be answered soon."""

    def __init__(self) -> None:
        super().__init__(503, "too many queries are waiting; try again in a few seconds", headers=RETRY_AFTER)


def on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    if isinstance(error, Overloaded):
        telemetry_of(request).refused.inc()
    return error.response()


def on_query_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, QueryError)
    return Problem(400, error.detail, pointer=error.pointer, title=error.title).response()


def on_unavailable(request: Request, error: Exception) -> Response:
    """The store, or what keys are read from, did not answer. What exactly failed is the log's, not the public's."""
    LOG.error("%s %s: %s", request.method, request.url.path, error)
    if isinstance(error, DefinitionsUnavailable):
        return unavailable("this API key can't be looked up just now; try again in a few seconds").response()
    telemetry_of(request).store_errors.inc()
    return unavailable("the numbers can't be read just now; try again in a few seconds").response()


def on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    details = {404: f"there is nothing at {request.url.path}", 405: f"{request.method} is not possible here"}
    detail = details.get(error.status_code, error.detail)
    return Problem(error.status_code, detail, headers=error.headers).response()


def on_failure(request: Request, _: Exception) -> Response:
    return Problem(500, "something went wrong in the server; its log has the reason").response()


def unavailable(detail: str) -> Problem:
    return Problem(503, detail, headers=RETRY_AFTER)


HANDLERS = {
    Problem: on_problem,
    QueryError: on_query_error,
    StoreError: on_unavailable,
    UsageError: on_unavailable,
    HTTPException: on_http_exception,
    Exception: on_failure,
}

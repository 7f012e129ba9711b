"""`/openapi.json` and `/docs`: the description of the API, and a page of it that asks nobody else for anything."""

from __future__ import annotations

import gzip
from functools import cache
from importlib.resources import files

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from readers.answers import json_answer
from readers.openapi import document
from readers.problem import Problem

POLICY = (
    "default-src 'none'; connect-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
    "vary": "accept-encoding",
}
FILES = {
    "start.js": ("start.js", "text/javascript"),
    "swagger-ui-bundle.js": ("swagger-ui/swagger-ui-bundle.js", "text/javascript"),
    "swagger-ui.css": ("swagger-ui/swagger-ui.css", "text/css"),
    "LICENSE.txt": ("swagger-ui/LICENSE.txt", "text/plain"),
    "swagger-ui-bundle.js.LICENSE.txt": ("swagger-ui/swagger-ui-bundle.js.LICENSE.txt", "text/plain"),
}


async def openapi(request: Request) -> Response:
    """The document."""
    return json_answer(request, _document())


async def docs(request: Request) -> Response:
    """The page."""
    return _handed(request, "index.html", "text/html")


async def file(request: Request) -> Response:
    """A file of the page. Raises Problem (404)."""
    name = request.path_params["name"]
    if name not in FILES:
        raise Problem(404, f"there is nothing at {request.url.path}")
    return _handed(request, *FILES[name])


def _handed(request: Request, path: str, kind: str) -> Response:
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(_packed(path), 200, {**HEADERS, "content-encoding": "gzip"}, kind)
    return Response(_plain(path), 200, HEADERS, kind)


@cache
def _document() -> bytes:
    return orjson.dumps(document(), option=orjson.OPT_INDENT_2)


def _plain(path: str) -> bytes:
    return files("readers.openapi").joinpath("page", path).read_bytes()


@cache
def _packed(path: str) -> bytes:
    return gzip.compress(_plain(path), mtime=0)


ROUTES = [
    Route("/openapi.json", openapi, methods=["GET"]),
    Route("/docs", docs, methods=["GET"]),
    Route("/docs/{name}", file, methods=["GET"], include_in_schema=False),
]

"""`/`: one page that draws the account's metrics. It holds no data; what it shows it asks of `/v1`."""

from __future__ import annotations

from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

# Everything the page needs is in it: nothing is fetched from elsewhere, and it can't be framed.
POLICY = (
    "default-src 'none'; connect-src 'self'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {"content-security-policy": POLICY, "x-content-type-options": "nosniff", "cache-control": "no-cache"}


async def page(request: Request) -> Response:
    """The page itself."""
    return Response(files("readers.dashboard").joinpath("index.html").read_bytes(), 200, HEADERS, "text/html")


ROUTES = [Route("/", page)]

"""`/` and `/static/`: a page that draws the account's metrics. It holds no data; what it shows it asks of `/v1`."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from readers.dashboard.assets import Asset, load_assets
from readers.problem import Problem

# Scripts, styles and requests are this service's own, none stands in the page itself, and it can't be framed.
POLICY = (
    "default-src 'none'; connect-src 'self'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
COMMON = {"x-content-type-options": "nosniff", "vary": "accept-encoding"}
PAGE = {**COMMON, "content-security-policy": POLICY, "referrer-policy": "no-referrer", "cache-control": "no-cache"}
FOR_GOOD = {**COMMON, "cache-control": "public, max-age=31536000, immutable"}


async def page(request: Request) -> Response:
    """The page itself. Its tag is the digest of what it names, which changes with any file."""
    assets = load_assets()
    headers = {**PAGE, "etag": f'W/"{assets.digest}"'}
    if assets.digest in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return _handed(request, assets.page, headers)


async def static(request: Request) -> Response:
    """A file of the page, in this version. Raises Problem (404)."""
    assets, path = load_assets(), request.path_params["path"]
    if request.path_params["digest"] != assets.digest or path not in assets.files:
        raise Problem(404, "there is no such file in this version of the dashboard: load the page again")
    return _handed(request, assets.files[path], FOR_GOOD)


async def favicon(request: Request) -> Response:
    """What browsers ask for unasked, on pages that name no icon."""
    return RedirectResponse(f"/static/{load_assets().digest}/icon.svg", headers={"cache-control": "no-cache"})


def _handed(request: Request, asset: Asset, headers: dict[str, str]) -> Response:
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(asset.packed, 200, {**headers, "content-encoding": "gzip"}, asset.media_type)
    return Response(asset.body, 200, headers, asset.media_type)


ROUTES = [
    Route("/", page),
    Route("/favicon.ico", favicon),
    Route("/static/{digest}/{path:path}", static),
]

"""`/healthz` and `/readyz`: whether the process lives, and whether it can answer."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pipeline.model.errors import StoreError, UsageError
from pipeline.model.layout import META_COMPLETE
from readers.problem import LOG, unavailable
from readers.service import service_of

WITHIN_S = 3.0  # who asks whether it is ready waits for no more


async def healthz(request: Request) -> Response:
    """The process answers."""
    return JSONResponse({"status": "ok"})


async def readyz(request: Request) -> Response:
    """The store answers, and definitions are fresh."""
    service = service_of(request)
    try:
        await service.stores.run(lambda store: store.read("meta", [META_COMPLETE]), WITHIN_S)
    except (StoreError, UsageError) as error:
        LOG.error("not ready: %s", error)
        raise unavailable("the store does not answer") from None
    if service.snapshots.stale:
        LOG.error("not ready: %s", service.snapshots.stale)
        raise unavailable("definitions can't be refreshed; the last known stay in force")
    return JSONResponse({"status": "ready"})


ROUTES = [Route("/healthz", healthz), Route("/readyz", readyz)]

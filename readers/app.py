"""Owns the read service as an ASGI application: its routes, its errors, its life from start to end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from readers.problem import HANDLERS
from readers.routes import assign, docs, experiments, explain, health, metrics, ofrep, page, query, results, telemetry
from readers.service import Service
from readers.telemetry import Measured, Telemetry

ROUTES = [
    *query.ROUTES,
    *metrics.ROUTES,
    *explain.ROUTES,
    *experiments.ROUTES,
    *results.ROUTES,
    *assign.ROUTES,
    *ofrep.ROUTES,
    *health.ROUTES,
    *telemetry.ROUTES,
    *docs.ROUTES,
    *page.ROUTES,
]


def create_app(service: Service, registry: CollectorRegistry | None = None, cors_origins: Sequence[str] = ()) -> Starlette:
    """The application around a service, whose stores and keys it closes when it ends. registry: what `/metrics` tells;
    cors_origins: sites whose pages may ask from a browser.
    """
    told = Telemetry(registry or CollectorRegistry())

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        refresher = asyncio.create_task(service.snapshots.keep_fresh())
        try:
            yield
        finally:
            refresher.cancel()
            await asyncio.to_thread(service.stores.close)
            service.auth.close()

    middleware = [Middleware(Measured, telemetry=told), *([_cors(cors_origins)] if cors_origins else [])]
    app = Starlette(routes=ROUTES, middleware=middleware, exception_handlers=HANDLERS, lifespan=lifespan)
    app.state.service, app.state.telemetry = service, told
    return app


def _cors(origins: Sequence[str]) -> Middleware:
    return Middleware(
        CORSMiddleware,
        allow_origins=list(origins),
        allow_methods=["GET", "POST", "PUT", "DELETE"],
        allow_headers=["authorization", "content-type", "if-match", "if-none-match"],
        expose_headers=["etag", "location", "retry-after", "daycount-warning"],
    )

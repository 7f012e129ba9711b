"""Owns the read service as an ASGI application: its routes, its errors, its life from start to end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.middleware import Middleware

from readers.problem import HANDLERS
from readers.routes import docs, explain, health, metrics, page, query, results, telemetry
from readers.service import Service
from readers.telemetry import Measured, Telemetry

ROUTES = [
    *query.ROUTES,
    *metrics.ROUTES,
    *explain.ROUTES,
    *results.ROUTES,
    *health.ROUTES,
    *telemetry.ROUTES,
    *docs.ROUTES,
    *page.ROUTES,
]


def create_app(service: Service, registry: CollectorRegistry | None = None) -> Starlette:
    """The application around a service, whose stores and keys it closes when it ends. registry: what `/metrics` tells."""
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

    measured = Middleware(Measured, telemetry=told)
    app = Starlette(routes=ROUTES, middleware=[measured], exception_handlers=HANDLERS, lifespan=lifespan)
    app.state.service, app.state.telemetry = service, told
    return app

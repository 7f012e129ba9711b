"""Owns the read service as an ASGI application: its routes, its errors, its life from start to end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from starlette.applications import Starlette

from readers.problem import HANDLERS
from readers.routes import health, metrics, page, query
from readers.service import Service

ROUTES = [*query.ROUTES, *metrics.ROUTES, *health.ROUTES, *page.ROUTES]


def create_app(service: Service) -> Starlette:
    """The application around a service. It closes the service's stores when it ends."""

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        refresher = asyncio.create_task(service.snapshots.keep_fresh())
        try:
            yield
        finally:
            refresher.cancel()
            await asyncio.to_thread(service.stores.close)

    app = Starlette(routes=ROUTES, exception_handlers=HANDLERS, lifespan=lifespan)
    app.state.service = service
    return app

"""`/metrics`: what Prometheus reads. Who may reach the port may read it; it names no account."""

from __future__ import annotations

from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipeline.model.errors import StoreError, UsageError
from pipeline.model.layout import META_COMPLETE
from pipeline.store.contract import Store
from readers.problem import Problem
from readers.service import Service, service_of
from readers.telemetry import MEDIA_TYPE, telemetry_of

STORE_WITHIN_S = 2.0  # a store that is away must not cost the other metrics


async def telemetry(request: Request) -> Response:
    """All metrics as they are now."""
    service, told = service_of(request), telemetry_of(request)
    told.definitions_age_s.set((service.now() - service.snapshots.read_at).total_seconds())
    told.lag_s.set(await _lag_s(service))
    return Response(told.exposition(), media_type=MEDIA_TYPE)


async def _lag_s(service: Service) -> float:
    """NaN where nothing says."""
    try:
        until = await service.stores.run(_complete_until, STORE_WITHIN_S)
        return (service.now() - datetime.fromisoformat(until)).total_seconds()
    except (StoreError, UsageError, Problem, ValueError, TypeError):
        return float("nan")


def _complete_until(store: Store) -> str:
    return dict(store.read("meta", [META_COMPLETE]).get(META_COMPLETE, ())).get(b"until", b"").decode()


ROUTES = [Route("/metrics", telemetry, methods=["GET"])]

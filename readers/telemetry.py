"""Owns what the service tells of itself to Prometheus. Every name is declared once, in `DECLARED`.

No label names an account, a metric, a visitor or whatever else a client makes up: their number is bounded by the routes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
OTHER = "other"  # a method that HTTP doesn't know, an address where nothing is
BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
MEDIA_TYPE = CONTENT_TYPE_PLAIN_0_0_4
NO_ANSWER = 499  # the client went away before it got one


class Declared(NamedTuple):
    """A metric of ours: kind is counter, gauge or histogram; a counter's name ends in `_total` when it is read."""

    name: str
    kind: type[Counter] | type[Gauge] | type[Histogram]
    labels: tuple[str, ...]
    help: str


DECLARED = (
    Declared("daycount_http_requests_total", Counter, ("route", "method", "status"), "Requests that were answered."),
    Declared("daycount_http_request_seconds", Histogram, ("route", "method"), "Time from a request's head to its answer."),
    Declared("daycount_http_requests_in_progress", Gauge, (), "Requests that are being answered."),
    Declared("daycount_queries_refused_total", Counter, (), "Answered with 503 because too many were waiting."),
    Declared("daycount_store_errors_total", Counter, (), "Answered with 503 because the store did not answer."),
    Declared("daycount_definitions_age_seconds", Gauge, (), "Time since definitions were last read."),
    Declared("daycount_complete_until_lag_seconds", Gauge, (), "How old complete_until is; NaN where nothing says."),
)


class Telemetry:
    """The metrics of one service, in a registry of its own."""

    def __init__(self, registry: CollectorRegistry, clock_s: Callable[[], float] = time.perf_counter) -> None:
        self._registry = registry
        self.clock_s = clock_s
        made = {one.name: _make(one, registry) for one in DECLARED}
        self._requests = made["daycount_http_requests_total"]
        self._seconds = made["daycount_http_request_seconds"]
        self.in_progress = made["daycount_http_requests_in_progress"]
        self.refused = made["daycount_queries_refused_total"]
        self.store_errors = made["daycount_store_errors_total"]
        self.definitions_age_s = made["daycount_definitions_age_seconds"]
        self.lag_s = made["daycount_complete_until_lag_seconds"]
        ProcessCollector(registry=registry)

    def answered(self, scope: Scope, status: int, seconds: float) -> None:
        """Notes a request by its route's template, never by its address."""
        route = getattr(scope.get("route"), "path", OTHER)
        method = scope["method"] if scope["method"] in METHODS else OTHER
        self._requests.labels(route, method, status).inc()
        self._seconds.labels(route, method).observe(seconds)

    def exposition(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self._registry)


def telemetry_of(request: Request) -> Telemetry:
    """The metrics of the service that answers this request."""
    found: Telemetry = request.app.state.telemetry
    return found


class Measured:
    """Measures every request on its way to the application."""

    def __init__(self, app: ASGIApp, telemetry: Telemetry) -> None:
        self._app = app
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = self._telemetry.clock_s(), NO_ANSWER

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with self._telemetry.in_progress.track_inprogress():
            try:
                await self._app(scope, receive, noting)
            except Exception:
                status = 500  # what is outside answers so
                raise
            finally:
                self._telemetry.answered(scope, status, self._telemetry.clock_s() - begun)


def _make(one: Declared, registry: CollectorRegistry) -> Any:
    options: dict[str, Any] = {"buckets": BUCKETS_S} if one.kind is Histogram else {}
    return one.kind(one.name, one.help, one.labels, registry=registry, **options)

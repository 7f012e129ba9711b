"""The collector as an ASGI application: its routes, what they do with a request, its life from start to end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pipeline.collect.body import read_body
from pipeline.collect.gather import Gather
from pipeline.collect.hand_over import HandOverError, Place
from pipeline.collect.records import WRITE_KEY, read_message
from pipeline.collect.refusal import HANDLERS, unavailable
from pipeline.collect.room import Room
from pipeline.collect.senders import Senders, key_of_header
from pipeline.model.errors import UsageError

LOG = logging.getLogger("daycount.collect")

# What clients call: whole words from servers, first letters from Segment's browsers and phones, `import` from Segment's
# older servers, the beacon from RudderStack's browsers.
TYPES = ("track", "page", "screen", "identify", "group", "alias")
SINGLE = {f"/v1/{name}": type_ for type_ in TYPES for name in (type_, type_[0])}
BATCHES = ("/v1/batch", "/v1/import", "/v1/b", "/beacon/v1/batch")
SUCCESS = b'{"success":true}'

# Web pages of any site may send, with any headers of their client: what keeps others out is the write key.
CORS = Middleware(
    CORSMiddleware,
    allow_origin_regex=".*",
    allow_credentials=True,
    allow_methods=["POST"],
    allow_headers=["*"],
    expose_headers=["Retry-After"],
    max_age=7200,
)


@dataclass(frozen=True, slots=True)
class Collector:
    """What the routes work with."""

    senders: Senders
    place: Place
    gather: Gather
    now: Callable[[], datetime]
    room: Room

    async def take(self, request: Request, type_: str | None) -> None:
        """All events of the request are durably handed over once this returns. Raises Refusal, DefinitionsUnavailable.

        **Retry:** what clients do; events with a messageId count once.
        """
        named = key_of_header(request.headers.get("authorization")) or request.query_params.get(WRITE_KEY)
        account = await self.senders.account(named) if named else None
        with self.room.hold() as held:
            message = read_message(await read_body(request, held), type_)
            if account is None:
                account = await self.senders.account(message.write_key)
            await self.gather.hand_over(message.batch(account, self.now()))


def create_app(collector: Collector) -> Starlette:
    """The application around a collector. When it ends it hands over what it has taken."""

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await collector.gather.close()
            collector.senders.close()

    takes = [
        *(Route(path, partial(_take, type_=type_), methods=["POST"]) for path, type_ in SINGLE.items()),
        *(Route(path, partial(_take, type_=None), methods=["POST"]) for path in BATCHES),
    ]
    routes = [*takes, Route("/healthz", _healthz), Route("/readyz", _readyz)]
    app = Starlette(routes=routes, middleware=[CORS], exception_handlers=HANDLERS, lifespan=lifespan)
    app.router.redirect_slashes = False  # clients don't follow a redirect with their events, or take it for success
    app.state.collector = collector
    return app


async def _take(request: Request, type_: str | None) -> Response:
    collector: Collector = request.app.state.collector
    try:
        await collector.take(request, type_)
    except HandOverError:
        raise unavailable("events can't be stored just now: send them again") from None
    except asyncio.CancelledError:  # the process ends, and this request was too slow for it
        raise unavailable("the collector is ending: send them again") from None
    return Response(SUCCESS, media_type="application/json")


async def _healthz(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _readyz(request: Request) -> Response:
    collector: Collector = request.app.state.collector
    try:
        await asyncio.to_thread(collector.place.check)
    except (HandOverError, UsageError) as error:
        LOG.error("not ready: %s", error)
        raise unavailable("events can't be stored just now") from None
    return JSONResponse({"status": "ready"})

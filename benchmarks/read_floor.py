"""The floor of `read`: the same server and framework, with an application that answers a constant."""

from __future__ import annotations

import argparse

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipeline.serving import bind, serve_app, url_of


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.read_floor", description="Answer a constant.")
    parser.add_argument("--bytes", type=int, default=4_000, help="size of the answer (default %(default)s)")
    answer = b"x" * parser.parse_args().bytes

    async def constant(request: Request) -> Response:
        await request.body()
        return Response(answer, media_type="application/json")

    app = Starlette(routes=[Route("/v1/query", constant, methods=["POST"])])
    listener = bind("127.0.0.1", 0, loopback_only=True)
    serve_app(app, listener, lambda: print(f"serving on {url_of(listener)}", flush=True))


if __name__ == "__main__":
    main()

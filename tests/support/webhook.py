"""Owns a real HTTP server that takes messages as a webhook does, and refuses or drops those it is told to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TAKEN, DROPPED = 200, 0  # dropped: it is taken, but the answer is lost


class WebhookServer:
    """answers: the statuses of the next requests; afterwards all are taken."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.texts: list[str] = []
        self.ids: list[str] = []
        self.asked = 0
        self.url = ""

    def take(self, headers: dict[str, str], body: bytes) -> int:
        self.asked += 1
        status = self.answers.pop(0) if self.answers else TAKEN
        if status in (TAKEN, DROPPED):
            content = json.loads(body)
            assert content.keys() == {"text"} and headers["content-type"] == "application/json"
            self.texts.append(content["text"])
            self.ids.append(headers["idempotency-key"])
        return status


@contextmanager
def webhook_server() -> Iterator[WebhookServer]:
    """A server on a free port of this machine."""
    hook = WebhookServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status = hook.take({name.lower(): value for name, value in self.headers.items()}, body)
            if status == DROPPED:
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("location", hook.url)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Tests say themselves what they have seen."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    hook.url = f"http://127.0.0.1:{server.server_port}/services/secret"
    try:
        yield hook
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

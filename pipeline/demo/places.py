"""Where the parts of a demo are, and the commands that name them: those it runs itself and those it shows."""

from __future__ import annotations

import glob
import shlex
import socket
import sys
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote

from pipeline.demo.tally import HERO
from pipeline.model.errors import UsageError

ACCOUNT = "shop"
HOST = "127.0.0.1"
PORTS_TRIED_MAX = 50


@dataclass(frozen=True, slots=True)
class Places:
    """A demo's directory (absolute), its Redis and its port."""

    folder: Path
    definitions_url: str
    port: int

    @property
    def events(self) -> Path:
        return self.folder / "events"

    @property
    def store_url(self) -> str:
        return f"sqlite:///{quote(str(self.folder / 'numbers.db'))}"

    @property
    def rejects(self) -> Path:
        """Where `daycount run` keeps them when it isn't told otherwise."""
        return self.folder / "numbers.db.rejects.jsonl"

    @property
    def shop(self) -> Path:
        return self.folder / "shop.yaml"

    @property
    def big_orders(self) -> Path:
        return self.folder / "big_orders.yaml"

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.port}"

    def write_definitions(self) -> None:
        for path in (self.shop, self.big_orders):
            path.write_text((files("pipeline.demo") / path.name).read_text(encoding="utf-8"), encoding="utf-8")

    def run_words(self) -> list[str]:
        inputs = ["--input", str(Path(glob.escape(str(self.events))) / "*.jsonl"), "--account", ACCOUNT]
        return [*daycount_words(), "run", "--follow", *inputs, *self._stored()]

    def serve_words(self) -> list[str]:
        return [*daycount_words(), "serve", "--no-auth", "--port", str(self.port), *self._stored()]

    def try_next(self) -> list[tuple[str, list[str]]]:
        """What one may do beside a running demo: a sentence, and complete commands for a shell."""
        asked = "metrics=orders.orders,orders.revenue&date_range=7d&dimensions=time:day"
        per_variation = ["hero_views", "hero_clicks", "--dimensions", "properties.variationName"]
        per_hour = ["orders.orders", "orders.revenue", "--range", "day", "--dimensions", "time:hour"]
        push = ["define", "push", str(self.big_orders), "--definitions", self.definitions_url]
        return [
            (
                "Ask over HTTP: orders of the last 7 days",
                [f"curl -s {shlex.quote(f'{self.address}/v1/query?{asked}')}"],
            ),
            ("Ask the store: the A/B test, and today by hour", [self._query(*per_variation), self._query(*per_hour)]),
            (
                "Ask for the A/B test's results, and which variation a visitor gets",
                [
                    f"curl -s {self.address}/v1/experiments/{HERO}/results",
                    f"curl -s {self.address}/v1/assign -H 'Content-Type: application/json' -d '{{\"unit\": \"u1\"}}'",
                ],
            ),
            (
                "Count something new, from now on",
                [shlex.join([*daycount_words(), *push]), self._query("big_orders", "--range", "day")],
            ),
            ("See what was rejected, and why", [shlex.join(["tail", "-n", "3", str(self.rejects)])]),
        ]

    def _query(self, *words: str) -> str:
        return shlex.join([*daycount_words(), "query", *words, *self._stored(), "--account", ACCOUNT])

    def _stored(self) -> list[str]:
        return ["--store", self.store_url, "--definitions", self.definitions_url]


def daycount_words() -> list[str]:
    """This installation's `daycount`, as any shell finds it."""
    script = Path(sys.executable).with_name("daycount")
    return [str(script)] if script.exists() else [sys.executable, "-m", "pipeline"]


def free_port(wanted: int) -> int:
    """This port, or the next one that nobody listens on."""
    for port in range(wanted, min(wanted + PORTS_TRIED_MAX, 65_536)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise UsageError(f"--port {wanted}: neither it nor the next {PORTS_TRIED_MAX} ports are free; name another")

"""Asks the demo's read service, over HTTP as anybody would."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from http.client import HTTPException
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

TIMEOUT_S = 10.0
LIMIT = 10_000


class NoAnswer(Exception):
    """The service does not answer, or not yet."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows: dimensions -> metric -> number, in the order of the answer."""

    rows: dict[tuple[str, ...], dict[str, Decimal]]
    complete_until: datetime | None

    def total(self, metric: str) -> Decimal:
        """A number of an answer without dimensions."""
        return self.rows.get((), {}).get(metric, Decimal(0))


class Numbers:
    """The service at an address."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._opener = build_opener(ProxyHandler({}))  # a proxy of the environment does not know this machine

    def is_up(self) -> bool:
        """Whether the service can answer."""
        try:
            self._ask(Request(f"{self._address}/readyz"))
        except NoAnswer:
            return False
        return True

    def ask(self, metrics: Sequence[str], date_range: str | list[str], *dimensions: str) -> Answer:
        """The answer to a query. Raises NoAnswer."""
        query = {"metrics": list(metrics), "date_range": date_range, "dimensions": list(dimensions), "limit": LIMIT}
        body = json.dumps(query).encode()
        return _answer(self._ask(Request(f"{self._address}/v1/query", body, {"Content-Type": "application/json"})))

    def experiments(self, path: str) -> Mapping[str, Any]:
        """What stands at an address about experiments. Raises NoAnswer."""
        return self._ask(Request(f"{self._address}{path}"))

    def _ask(self, request: Request) -> Mapping[str, Any]:
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as response:
                body: Mapping[str, Any] = json.loads(response.read(), parse_float=Decimal)
                return body
        except (OSError, HTTPException, ValueError) as error:
            raise NoAnswer(f"{request.full_url}: {error}") from error


def _answer(body: Mapping[str, Any]) -> Answer:
    names = body["query"]["metrics"]
    rows = {
        tuple(row["dimensions"]): {n: Decimal(v) for n, v in zip(names, row["metrics"], strict=True) if v is not None}
        for row in body["results"]
    }
    until = body["meta"]["complete_until"]
    return Answer(rows, datetime.fromisoformat(until) if until else None)

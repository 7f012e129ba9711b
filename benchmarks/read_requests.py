"""What `read` asks: seeded requests as dashboards make them. Of 1 to 5 metrics over 30 to 90 days by day."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any

from benchmarks.read_store import ACCOUNT, BREAKDOWNS, MEASURES, Size, metric_id

# Half of the ranges end today, half anywhere in the year. Every metric is as likely as any other, which is the
# hardest for a cache.
SHARES = {"plain": 0.8, "values by day": 0.1, "values": 0.1}


def make_requests(size: Size, number: int, seed: int = 1) -> Iterator[dict[str, Any]]:
    """Bodies of POST /v1/query."""
    random = Random(seed)
    for _ in range(number):
        yield _request(random, size)


def to_lines(requests: Iterator[dict[str, Any]]) -> str:
    """One body a line, as the load generator reads them."""
    return "".join(json.dumps(request, separators=(",", ":")) + "\n" for request in requests)


def _request(random: Random, size: Size) -> dict[str, Any]:
    days = min(random.randint(30, 90), size.days)
    last = size.last - timedelta(random.choice((0, random.randint(0, size.days - days))))
    metrics = random.sample(range(size.metrics), min(random.randint(1, 5), size.metrics))
    kind = random.choices(list(SHARES), list(SHARES.values()))[0]
    breakdown = [] if kind == "plain" else [random.choice(BREAKDOWNS)]
    return {
        "account": ACCOUNT,
        "metrics": [f"{metric_id(metric)}.{random.choice(list(MEASURES))}" for metric in metrics],
        "date_range": [(last - timedelta(days - 1)).isoformat(), last.isoformat()],
        "dimensions": [*([] if kind == "values" else ["time:day"]), *breakdown],
    }

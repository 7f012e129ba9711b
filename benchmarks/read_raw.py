"""The numbers of the ingest workload by day, computed from raw events by ClickHouse (`chdb`), at so many clients.

A program of its own that imports nothing of the project, so that it can run in an environment with `chdb` alone (it takes
a gigabyte). Duplicates are dropped when the events are loaded, which costs the queries nothing.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import threading
import time
from typing import Any

_LOAD = """
create table events engine MergeTree order by (event, time) as
select JSONExtractString(line, 'event')::LowCardinality(String) as event,
       parseDateTime64BestEffort(JSONExtractString(line, 'timestamp'), 3, 'UTC') as time,
       JSONExtractString(line, 'anonymousId') as visitor,
       JSONExtractString(line, 'properties', 'category')::LowCardinality(String) as category,
       JSONExtractFloat(line, 'properties', 'price') as price, JSONExtractFloat(line, 'properties', 'total') as total
from file('{file}', LineAsString, 'line String')
limit 1 by visitor, JSONExtractString(line, 'messageId')
"""
CONDITIONS = {
    "page_views": "event = 'Page Viewed'",
    "cat_views": "event = 'Product Viewed' and category in ('shoes', 'bags', 'watches')",
    "adds_50": "event = 'Product Added' and price >= 50",
    "orders": "event = 'Order Completed'",
    "big_orders": "event = 'Order Completed' and total >= 499",
    "exp_views": "event = 'Experiment Viewed'",
}
_METRIC = "select '{metric}', toDate(time) as day, count(), uniqExact(visitor) from events where {where} group by day"


def main() -> None:
    parser = argparse.ArgumentParser(description="Print a line of JSON for each number of clients.")
    parser.add_argument("file")
    parser.add_argument("--clients", default="1,10")
    parser.add_argument("--seconds", type=float, default=5.0)
    arguments = parser.parse_args()
    from chdb.session import Session  # others import this module for its conditions

    with tempfile.TemporaryDirectory() as folder:
        session = Session(folder)
        session.query("create database if not exists raw")
        session.query("use raw")
        session.query(_LOAD.format(file=arguments.file))
        counts = (f"countIf({where})" for where in CONDITIONS.values())
        totals = session.query(f"select {', '.join(counts)} from events", "JSONCompactEachRow").bytes()
        print(json.dumps({"totals": dict(zip(CONDITIONS, map(int, json.loads(totals)), strict=True))}), flush=True)
        for clients in map(int, arguments.clients.split(",")):
            print(json.dumps({"clients": clients, **_drive(session, clients, arguments.seconds)}), flush=True)
        session.close()


def _drive(session: Any, clients: int, seconds: float) -> dict[str, float]:
    end = time.monotonic() + seconds
    took: list[float] = []

    def client(seed: int) -> None:
        draw = random.Random(seed)
        while time.monotonic() < end:
            metrics = draw.sample(list(CONDITIONS), draw.randint(1, 5))
            parts = [_METRIC.format(metric=metric, where=CONDITIONS[metric]) for metric in metrics]
            begun = time.monotonic()
            session.query(" union all ".join(parts), "JSONCompact").bytes()
            took.append(time.monotonic() - begun)

    threads = [threading.Thread(target=client, args=(seed,)) for seed in range(clients)]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ordered = sorted(took)
    at = {name: ordered[int(len(ordered) * share)] * 1000 for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99))}
    return {**at, "per_s": len(took) / (time.monotonic() - begun)}


if __name__ == "__main__":
    main()

"""What is read and not measured: prices, other people's limits, and what is assumed. Edit them; everything else follows."""

from __future__ import annotations

from typing import NamedTuple

REGION, AS_OF = "us-central1", "November 2026, US dollars, list price, no discounts"
HOURS_PER_MONTH, DAYS_PER_MONTH = 730, 30


class Read(NamedTuple):
    """A figure, what it is of, and the page it is from."""

    value: float
    what: str
    source: str


_DATAFLOW = "cloud.google.com/dataflow/pricing"
_BIGTABLE = "cloud.google.com/bigtable/pricing"
_PERFORMANCE = "cloud.google.com/bigtable/docs/performance"
_MONITORING = "cloud.google.com/bigtable/docs/monitoring-instance"
_QUOTAS = "cloud.google.com/bigtable/quotas"

PRICES = {
    "vcpu_hour": Read(0.069, "$ per vCPU and hour of a streaming worker", _DATAFLOW),
    "gb_hour": Read(0.003557, "$ per GB and hour of its memory", _DATAFLOW),
    "engine_gb": Read(0.018, "$ per GB that Streaming Engine processes", _DATAFLOW),
    "node_hour": Read(0.65, "$ per Bigtable node and hour", _BIGTABLE),
    "ssd_gb_month": Read(0.17, "$ per GB and month on SSD", _BIGTABLE),
    "pubsub_tib": Read(40.0, "$ per TiB, published and delivered each", "cloud.google.com/pubsub/pricing"),
    "redis_gb_hour": Read(0.054, "$ per GB and hour, Standard Tier", "cloud.google.com/memorystore/docs/redis/pricing"),
}

LIMITS = {
    "node_writes": Read(14_000, "rows of 1 KB written per second and node, SSD", _PERFORMANCE),
    "node_scan_mb": Read(220, "MB scanned per second and node", _PERFORMANCE),
    "node_cpu": Read(0.7, "of a node's CPU and disk to be used, one cluster", _MONITORING),
    "node_tb": Read(5, "TB on SSD per node", _QUOTAS),
    "row_mb": Read(100, "MB a row should have at the most (256 is refused)", _QUOTAS),
}

ASSUMED = {
    "worker_cpu": Read(0.6, "of the workers' CPU to be used", "headroom for catching up"),
    "worker_gb": Read(8, "GB of memory per vCPU, and half of it for facts", "n2-highmem"),
    "worker_facts": Read(0.5, "of the workers' memory to hold facts", "the rest: Python, Beam, what is under way"),
    "shard_busy": Read(0.7, "of the time a shard may be at work", "beyond it waiting grows fast"),
    "message_us": Read(10, "µs of Beam's own per message", "a step costs 5 to 25 µs an element on Beam's local runner"),
    "block_events": Read(1_000, "events judged together", "less makes a block's own cost felt"),
    "messages_per_event": Read(0.1, "messages, ten events in each", "`collect` hands on a request as one"),
    "message_extra_bytes": Read(100, "bytes of attributes and ids per message", "Pub/Sub bills them too"),
    "rpc_ms": Read(10, "ms for a call, between 5 and 15", "Bigtable, same region, under load"),
    "new_visitors": Read(0.1, "of a day's visitors were never seen before", "the rest came within the history"),
    "accounts_zipf": Read(1.0, "exponent of the accounts' sizes", "the largest of 10,000 then has 10 %"),
}

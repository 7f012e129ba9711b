"""Owns what is remembered of past definitions: who pushed which revision of a metric when, what was changed of an
experiment and which epoch that opened; in a list per account.

Only what is pushed through us is in it. It serves people and the reading of old revisions; no number depends on it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import redis

from pipeline.definitions.connection import naming_the_server
from pipeline.definitions.documents import parse_json
from pipeline.definitions.hashes import to_value
from pipeline.definitions.plan_trials import EXPERIMENT, TrialChange
from pipeline.model.definition import Metric

_ENTRIES_MAX = 10_000


def history_key(account: str) -> str:
    """The key of an account's list."""
    return f"history:{account}"


def pushed(metric: Metric, at: datetime, by: str) -> bytes:
    """The entry of a metric's new revision. by: who pushed it."""
    entry = {"metric": metric.id, "revision": metric.revision, "at": at.isoformat(), "definition": metric.document()}
    return _value(entry, by)


def deleted(metric_id: str, at: datetime, by: str) -> bytes:
    """The entry of a metric's end."""
    return _value({"metric": metric_id, "revision": None, "at": at.isoformat()}, by)


def changed(change: TrialChange, at: datetime, by: str) -> bytes:
    """The entry of what happened to a layer or an experiment. epoch: the one that it opened, or null."""
    entry = {change.kind: change.id, "at": at.isoformat(), "outcome": change.outcome, "fields": list(change.fields)}
    opened = {} if change.kind != EXPERIMENT else {"epoch": change.opened.document() if change.opened else None}
    return _value({**entry, **opened}, by)


def _value(entry: dict[str, Any], by: str) -> bytes:
    return to_value({**entry, "by": by} if by else entry)


def remember(client: redis.Redis, account: str, entries: list[bytes]) -> None:
    """Appends entries; the oldest beyond the bound go."""
    if entries:
        client.rpush(history_key(account), *entries)
        client.ltrim(history_key(account), -_ENTRIES_MAX, -1)


def read_history(client: redis.Redis, url: str, account: str, last: int = _ENTRIES_MAX) -> list[dict[str, Any]]:
    """The account's last entries, oldest first; what somebody else wrote there and is not JSON is left out."""
    with naming_the_server(url):
        values = client.lrange(history_key(account), -last, -1)
    return [entry for value in values if (entry := _entry(value)) is not None]


def _entry(value: bytes | str) -> dict[str, Any] | None:
    try:
        entry = parse_json(value)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None

"""Which transform reads an `--input` on an engine, and what acknowledges its records. One place for all kinds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import apache_beam as beam

from pipeline.definitions.connection import REDIS_SCHEMES
from pipeline.model.errors import UsageError
from pipeline.sources.opening import shown


class Acknowledger(Protocol):
    """Tells a source what is counted, from any process."""

    def acknowledge(self, ids: Sequence[str]) -> str | None:
        """Returns what kept it from being told, if anything did: the records come again then. **Retry:** harmless."""

    def close(self) -> None:
        """Let go of connections."""


def scheme_of(url: str) -> str:
    return url.partition("://")[0] if "://" in url else ""


def check_inputs(inputs: Sequence[str]) -> None:
    """Raises UsageError, within seconds, for what no engine reads without end, or what can't be reached from here."""
    for url in inputs:
        scheme = scheme_of(url)
        if scheme in REDIS_SCHEMES:
            from pipeline.streaming.redis import check
        elif scheme == "pubsub":
            from pipeline.streaming.pubsub import check
        elif scheme == "kafka":
            from pipeline.streaming.kafka import check
        else:
            raise UsageError(
                f"--input {shown(url)}: engines read streams without end: name redis://HOST:PORT/DB?stream=NAME, "
                "pubsub://PROJECT/SUBSCRIPTION or kafka://HOST:PORT/TOPIC; files are counted without --follow"
            )
        check(url)


def take(root: beam.Pipeline, number: int, url: str, *, by_engine: bool) -> beam.PCollection:
    """The records of input `number`, as `Taken` in bytes. by_engine: the engine has a source for it and acknowledges."""
    if scheme_of(url) in REDIS_SCHEMES:
        from pipeline.streaming.redis import take_entries

        return take_entries(root, number, url)
    if scheme_of(url) == "kafka":
        from pipeline.streaming.kafka import take_records

        return take_records(root, number, url)
    from pipeline.streaming import pubsub

    return pubsub.take_by_engine(root, number, url) if by_engine else pubsub.take_messages(root, number, url)


def open_acknowledger(url: str) -> Acknowledger:
    """For what `take` gave with ids to acknowledge."""
    if scheme_of(url) in REDIS_SCHEMES:
        from pipeline.streaming.redis import EntryAcknowledger

        return EntryAcknowledger(url)
    from pipeline.streaming.pubsub import MessageAcknowledger

    return MessageAcknowledger(url)

"""A Pub/Sub subscription on an engine: by the engine's own source where it has one (Dataflow), else pulled by us.

Pulled by us, messages are held by one long lease and acknowledged when they are counted, by whoever is done. The engine's
own source acknowledges what the engine has taken over for good: it is counted unless the job is cancelled, so drain it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import apache_beam as beam

from pipeline.model.errors import RunError, UsageError
from pipeline.sources.pubsub.calls import Away, Calls, cure_of_silence, named
from pipeline.sources.pubsub.leases import CALL_S, Leases, in_requests
from pipeline.sources.pubsub.message import ACCOUNT, blocks_of, place
from pipeline.sources.pubsub.pulling import LOOK_S, Pulling
from pipeline.sources.records import RECORD_MAX
from pipeline.streaming.gathering import BLOCK_BYTES, Gather, Item
from pipeline.streaming.reading import IDLE_S, take_side_by_side
from pipeline.streaming.taken import Taken, taken

PULLERS = 2
LEASE_S = 120  # of what is in the engine's hands; what isn't counted by then comes again


def _subscription(url: str) -> str:
    project, name = named(url, "--input", "SUBSCRIPTION")
    return f"projects/{project}/subscriptions/{name}"


def check(url: str) -> None:
    """Raises UsageError where it can't be pulled from. **Retry:** harmless; a message that it is given is given back."""
    subscription = _subscription(url)
    calls = Calls.at(f"--input {url}")
    try:
        answer = calls.answer(calls.pull(subscription, 1, LOOK_S, at_once=True))
        ids = [received.ack_id for received in answer.received_messages]
        if ids:
            calls.answer(calls.lease(subscription, ids, 0, CALL_S))
    except (Away, RunError) as e:
        raise UsageError(f"{e}; {cure_of_silence()}" if isinstance(e, Away) else str(e)) from e
    finally:
        calls.close()


def take_messages(root: beam.Pipeline, number: int, url: str) -> beam.PCollection:
    """The messages of a subscription, as `Taken` in bytes."""
    return take_side_by_side(root, f"of input {number}", partial(Puller, url, number), PULLERS)


class Puller:
    """Pulls in the background; what it hands on is leased for long, and forgotten."""

    def __init__(self, url: str, input_number: int, _: int) -> None:
        self._url = url
        self._input = input_number
        self._calls = Calls.at(f"--input {url}")
        self._leases = Leases(self._calls, _subscription(url), time.monotonic)
        self._pulling = Pulling(self._calls, _subscription(url), self._leases, time.monotonic)
        self._pulling.start()

    def take(self) -> tuple[list[Taken], float]:
        messages = self._pulling.take(BLOCK_BYTES)
        if not messages:
            if self._pulling.failure is not None:
                raise RunError(str(self._pulling.failure))
            return [], IDLE_S
        self._leases.hand_over([m.id for m in messages], LEASE_S)
        blocks = blocks_of(messages, self._url)
        return [taken(block, self._input, [m.ack_id for m in of_it]) for block, of_it in blocks], 0.0

    def begin_again(self) -> None:
        """The service gives again what isn't acknowledged, when its lease is over."""


class MessageAcknowledger:
    """Acknowledges deliveries, whoever pulled them."""

    def __init__(self, url: str) -> None:
        self._subscription = _subscription(url)
        self._calls = Calls.at(f"--input {url}")

    def acknowledge(self, ids: Sequence[str]) -> str | None:
        trouble = None
        for part in in_requests(ids):
            try:
                self._calls.answer(self._calls.acknowledge(self._subscription, ids[part], CALL_S))
            except Away as e:
                return str(e)
            except (RunError, UsageError) as e:  # of this part; others may be taken
                trouble = str(e)
        return trouble

    def close(self) -> None:
        self._calls.close()


def take_by_engine(root: beam.Pipeline, number: int, url: str) -> beam.PCollection:
    """The same by Beam's own transform, where the engine replaces that by a source of its own."""
    return (
        root
        | f"Read messages of input {number}" >> beam.io.ReadFromPubSub(subscription=_subscription(url), with_attributes=True)
        | f"Gather messages of input {number}" >> beam.ParDo(GatherMessages(number, url)).with_output_types(bytes)
    )


class GatherMessages(Gather):
    """Messages; where: a message's id. **Retry:** harmless."""

    def item_of(self, element: Any) -> Item:
        return Item(element.data[:RECORD_MAX], element.message_id, element.attributes.get(ACCOUNT) or None)

    def place_of(self, where: str) -> str:
        return place(where)

"""Pub/Sub's calls as they go over the wire, on one channel, and which errors pass by themselves.

The generated client wraps each message in objects of its own; these are the same methods on the same channel with the
library's protobuf messages. Owns nothing of what was pulled. `PUBSUB_EMULATOR_HOST` leads to an emulator.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any

import google.auth.exceptions
import grpc
from google.api_core.gapic_v1 import routing_header
from google.protobuf import empty_pb2
from google.pubsub_v1.services.subscriber.transports.base import DEFAULT_CLIENT_INFO
from google.pubsub_v1.types import pubsub

from pipeline.model.errors import RunError, UsageError

EMULATOR = "PUBSUB_EMULATOR_HOST"
MESSAGES_MAX = 1_000  # in one answer to a pull, and in one request to publish: the service's bound
_CHANNEL_OPTIONS = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
_NAME = re.compile(r"pubsub://([^/?#]+)/([^/?#]+)/?")

Code = grpc.StatusCode
_PASSING = (
    Code.UNAVAILABLE,
    Code.DEADLINE_EXCEEDED,
    Code.ABORTED,
    Code.RESOURCE_EXHAUSTED,
    Code.INTERNAL,
    Code.UNKNOWN,
    Code.CANCELLED,
)
_CURES = {
    Code.NOT_FOUND: "create it, or correct the project and the name",
    Code.INVALID_ARGUMENT: "correct the project and the name",
    Code.PERMISSION_DENIED: "grant roles/pubsub.subscriber on a subscription, roles/pubsub.publisher on a topic",
    Code.UNAUTHENTICATED: "sign in with `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS",
    Code.FAILED_PRECONDITION: "name a subscription that is pulled, and not detached",
}


class Away(Exception):
    """The service can't be asked now, and may be later. The message is a line that names the URL."""


class Late(Away):
    """No answer in the time given."""


class Denied(UsageError):
    """These credentials may not."""


def named(url: str, option: str, kind: str) -> tuple[str, str]:
    """(project, name) of a `pubsub://PROJECT/NAME`; `kind` says of what. Raises UsageError."""
    found = _NAME.fullmatch(url)
    if found is None:
        raise UsageError(f"{option} {url}: write pubsub://PROJECT/{kind}")
    return found[1], found[2]


class Calls:
    """The calls on one service. Each begins and gives a future; `answer` waits for it and names what went wrong."""

    def __init__(self, channel: grpc.Channel, where: str) -> None:
        self.where = where
        self._channel = channel
        self._pull = self._method("Subscriber", "Pull", pubsub.PullResponse.pb())
        self._acknowledge = self._method("Subscriber", "Acknowledge", empty_pb2.Empty)
        self._modify = self._method("Subscriber", "ModifyAckDeadline", empty_pb2.Empty)
        self._publish = self._method("Publisher", "Publish", pubsub.PublishResponse.pb())
        self._get_topic = self._method("Publisher", "GetTopic", pubsub.Topic.pb())

    @classmethod
    def at(cls, where: str) -> Calls:
        """where: names the service in errors, as `--input URL`. Nothing is sent yet. Raises UsageError."""
        try:
            return cls(_channel(), where)
        except google.auth.exceptions.GoogleAuthError as e:
            cure = f"{_CURES[Code.UNAUTHENTICATED]}, or set {EMULATOR}"
            raise UsageError(f"{where}: {_one_line(str(e)).rstrip('.')}; {cure}") from e

    def _method(self, service: str, name: str, answer: Any) -> Any:
        return self._channel.unary_unary(
            f"/google.pubsub.v1.{service}/{name}",
            request_serializer=getattr(pubsub, f"{name}Request").pb().SerializeToString,
            response_deserializer=answer.FromString,
        )

    def pull(self, subscription: str, messages_max: int, timeout_s: float, *, at_once: bool = False) -> grpc.Future:
        """Up to so many messages; the service waits for the first. at_once: it doesn't, and may overlook some.

        **Retry:** gives others; what was given comes again when its lease is over.
        """
        request = pubsub.PullRequest.pb()(subscription=subscription, max_messages=messages_max, return_immediately=at_once)
        return self._begin(self._pull, request, "subscription", subscription, timeout_s)

    def acknowledge(self, subscription: str, ids: Sequence[str], timeout_s: float) -> grpc.Future:
        """**Retry:** harmless."""
        request = pubsub.AcknowledgeRequest.pb()(subscription=subscription, ack_ids=ids)
        return self._begin(self._acknowledge, request, "subscription", subscription, timeout_s)

    def lease(self, subscription: str, ids: Sequence[str], lease_s: int, timeout_s: float) -> grpc.Future:
        """Hold messages for so long from now on; 0 gives them back. **Retry:** harmless."""
        request = pubsub.ModifyAckDeadlineRequest.pb()(subscription=subscription, ack_ids=ids, ack_deadline_seconds=lease_s)
        return self._begin(self._modify, request, "subscription", subscription, timeout_s)

    def publish(self, topic: str, messages: Sequence[tuple[bytes, dict[str, str]]], timeout_s: float) -> grpc.Future:
        """Messages as (data, attributes). **Retry:** publishes them again."""
        made = [pubsub.PubsubMessage.pb()(data=data, attributes=attributes) for data, attributes in messages]
        request = pubsub.PublishRequest.pb()(topic=topic, messages=made)
        return self._begin(self._publish, request, "topic", topic, timeout_s)

    def look_at_topic(self, topic: str, timeout_s: float) -> grpc.Future:
        request = pubsub.GetTopicRequest.pb()(topic=topic)
        return self._begin(self._get_topic, request, "topic", topic, timeout_s)

    def _begin(self, method: Any, request: Any, kind: str, name: str, timeout_s: float) -> grpc.Future:
        route = routing_header.to_grpc_metadata({kind: name})
        metadata = [route, DEFAULT_CLIENT_INFO.to_grpc_metadata()]
        future: grpc.Future = method.future(request, timeout=timeout_s, metadata=metadata)
        return future

    def answer(self, future: grpc.Future) -> Any:
        """What the service answers. Raises Away, UsageError, or RunError for what it refuses otherwise."""
        try:
            return future.result()
        except grpc.FutureCancelledError:
            raise Away(f"{self.where}: called off") from None
        except grpc.RpcError as e:
            raise self._translated(e) from e

    def _translated(self, error: Any) -> Exception:
        code, details = error.code(), _one_line(error.details() or "")
        said = f"{self.where}: {details or code.name}"
        if code in _PASSING:
            return Late(said) if code is Code.DEADLINE_EXCEEDED else Away(said)
        if code not in _CURES:
            return RunError(f"{said} ({code.name})")
        return (Denied if code is Code.PERMISSION_DENIED else UsageError)(f"{said}; {_CURES[code]}")

    def close(self) -> None:
        self._channel.close()


def _channel() -> grpc.Channel:
    if host := os.environ.get(EMULATOR):
        return grpc.insecure_channel(host, options=_CHANNEL_OPTIONS)
    from google.pubsub_v1.services.subscriber import SubscriberClient

    transport: Any = SubscriberClient().transport
    return transport.grpc_channel


def cure_of_silence() -> str:
    """What to do where nothing answers."""
    host = os.environ.get(EMULATOR)
    return f"start the emulator at {host} or unset {EMULATOR}" if host else "check the network"


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]

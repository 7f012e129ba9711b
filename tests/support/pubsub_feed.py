"""Owns a topic and a subscription of Google's Pub/Sub emulator for tests of the source: what a publisher does, and a look
behind."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from typing import Any

import grpc
from google.protobuf import empty_pb2
from google.pubsub_v1.types import pubsub

from pipeline.sources.pubsub import PubSubSubscription
from pipeline.sources.source import Source
from tests.contract.source_contract import Feed

PROJECT = "test-project"
PUBLISHED_AT_ONCE = 1000
CALL_S = 120.0
# The service takes no less than 10 s, its emulator does. A run that ends without --follow must outlast it.
ACK_DEADLINE_S = 2
QUIET_S = 3.0

_numbers = itertools.count()


class PubSubFeed(Feed):
    """host: the emulator's. options: more of the subscription, such as `enable_exactly_once_delivery`."""

    def __init__(self, host: str, ack_deadline_s: int = ACK_DEADLINE_S, **options: Any) -> None:
        self._channel = grpc.insecure_channel(host, options=[("grpc.max_receive_message_length", -1)])
        name = f"t{os.getpid()}-{next(_numbers)}"
        self.ack_deadline_s = ack_deadline_s
        self.topic = f"projects/{PROJECT}/topics/{name}"
        self.topic_url = f"pubsub://{PROJECT}/{name}"
        self._call("Publisher", "CreateTopic", pubsub.Topic.pb()(name=self.topic))
        self.url = self.subscribe(name, ack_deadline_s, **options)
        self.ids: list[str] = []  # of all messages, in the order in which they were sent

    def subscribe(self, name: str, ack_deadline_s: int = ACK_DEADLINE_S, **options: Any) -> str:
        """A subscription of the topic; its URL."""
        path = f"projects/{PROJECT}/subscriptions/{name}"
        made = pubsub.Subscription.pb()(name=path, topic=self.topic, ack_deadline_seconds=ack_deadline_s, **options)
        self._call("Subscriber", "CreateSubscription", made)
        return f"pubsub://{PROJECT}/{name}"

    def send(self, *records: bytes, account: str | None = None) -> None:
        self.publish(records, {} if account is None else {"account": account})

    def publish(self, records: Sequence[bytes], attributes: dict[str, str], ordering_key: str = "") -> None:
        """Messages with any attributes."""
        made = [pubsub.PubsubMessage.pb()(data=r, attributes=attributes, ordering_key=ordering_key) for r in records]
        for at in range(0, len(made), PUBLISHED_AT_ONCE):
            request = pubsub.PublishRequest.pb()(topic=self.topic, messages=made[at : at + PUBLISHED_AT_ONCE])
            self.ids += self._call("Publisher", "Publish", request, pubsub.PublishResponse.pb()).message_ids

    def open(self, follow: bool = True, **given: Any) -> Source:
        return PubSubSubscription(self.url, follow=follow, **{"quiet_s": QUIET_S, **given})

    def abandon(self, source: Source) -> None:
        assert isinstance(source, PubSubSubscription)
        source._pulling.stop()
        source._calls.close()

    def pull(self, timeout_s: float, url: str | None = None) -> list[Any]:
        """Messages that the subscription hands out within so many seconds. They are not acknowledged."""
        path = (url or self.url).replace("pubsub://", "projects/").replace(f"{PROJECT}/", f"{PROJECT}/subscriptions/")
        request = pubsub.PullRequest.pb()(subscription=path, max_messages=PUBLISHED_AT_ONCE)
        try:
            answer = self._call("Subscriber", "Pull", request, pubsub.PullResponse.pb(), timeout_s)
        except grpc.RpcError as error:
            assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
            return []
        return [received.message for received in answer.received_messages]

    def close(self) -> None:
        self._channel.close()

    def _call(self, service: str, name: str, request: Any, answer: Any = empty_pb2.Empty, timeout_s: float = CALL_S) -> Any:
        method = self._channel.unary_unary(
            f"/google.pubsub.v1.{service}/{name}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=answer.FromString,
        )
        return method(request, timeout=timeout_s)

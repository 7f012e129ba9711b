"""A Pub/Sub subscription behind the source's contract, on Google's own emulator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.source_contract import SourceContract
from tests.support.pubsub_emulator import pubsub_emulator, pubsub_host
from tests.support.pubsub_feed import PubSubFeed

__all__ = ["pubsub_emulator", "pubsub_host"]

KINDS = {"plain": {}, "exactly once, in order": {"enable_exactly_once_delivery": True, "enable_message_ordering": True}}


@pytest.fixture(params=KINDS)
def feed(pubsub_host: str, request: pytest.FixtureRequest) -> Iterator[PubSubFeed]:
    options: dict[str, Any] = KINDS[request.param]
    feed = PubSubFeed(pubsub_host, **options)
    yield feed
    feed.close()


class TestPubSubSubscription(SourceContract):
    pass

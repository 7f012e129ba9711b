"""Hands records over to a Pub/Sub topic: a message each, with the attribute `account`. They are durable once it answers."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import wait
from typing import Any

import google.api_core.exceptions
import google.auth.exceptions
from google.api_core.retry import Retry
from google.cloud.pubsub_v1 import PublisherClient
from google.cloud.pubsub_v1.types import BatchSettings

from pipeline.collect.hand_over import HandOverError, Place
from pipeline.collect.records import Batch
from pipeline.model.errors import UsageError

_ACCOUNT = "account"
_PUBLISH_TIMEOUT_S = 8.0  # clients wait for about 15 s
_CHECK_TIMEOUT_S = 8.0
# The publisher gathers messages again, into requests: full ones go at once, the last one after the latency.
_BATCHING = BatchSettings(max_messages=1000, max_bytes=4 * 1024 * 1024, max_latency=0.005)


class Topic(Place):
    """A topic. `PUBSUB_EMULATOR_HOST` is honoured."""

    def __init__(self, publisher: PublisherClient, path: str, timeout_s: float = _PUBLISH_TIMEOUT_S) -> None:
        self._publisher = publisher
        self._path = path
        self._timeout_s = timeout_s
        self._retry = Retry(predicate=_may_pass, initial=0.1, maximum=1.0, timeout=timeout_s)

    @classmethod
    def at(cls, url: str) -> Topic:
        """The topic at `pubsub://PROJECT/TOPIC`. Nothing is sent yet."""
        project, _, topic = url.removeprefix("pubsub://").partition("/")
        if not project or not topic or "/" in topic:
            raise UsageError(f"--to {url}: write pubsub://PROJECT/TOPIC")
        try:
            publisher = PublisherClient(_BATCHING)
        except google.auth.exceptions.GoogleAuthError as error:
            raise UsageError(
                f"--to {url}: no credentials ({error}); sign in with `gcloud auth application-default login`"
            ) from None
        return cls(publisher, publisher.topic_path(project, topic))

    def hand_over(self, batches: Sequence[Batch]) -> None:
        publish, path, options = self._publisher.publish, self._path, {"retry": self._retry, "timeout": self._timeout_s}
        sent = [publish(path, r, account=b.account, **options) for b in batches for r in b.records]
        done, late = wait(sent, self._timeout_s + 1)
        failures = [error for future in done if (error := future.exception()) is not None]
        if failures or late:
            cause = _first_line(failures[0]) if failures else f"no answer within {self._timeout_s:g} s"
            raise HandOverError(f"{self._path} does not take messages ({cause}); see whether it is there and may be used")

    def check(self) -> None:
        call: dict[str, Any] = {"request": {"topic": self._path}, "timeout": _CHECK_TIMEOUT_S, "retry": None}
        try:
            self._publisher.get_topic(**call)
        except google.api_core.exceptions.PermissionDenied:
            return  # the right to publish doesn't hold the right to look at the topic
        except google.api_core.exceptions.NotFound:
            raise UsageError(f"--to: there is no topic {self._path}; create it, or correct the name") from None
        except (google.api_core.exceptions.GoogleAPIError, google.auth.exceptions.GoogleAuthError) as error:
            raise HandOverError(f"{self._path} can't be reached ({_first_line(error)})") from None

    def close(self) -> None:
        self._publisher.stop()


def _may_pass(error: BaseException) -> bool:
    passing = google.api_core.exceptions
    return isinstance(error, passing.ServiceUnavailable | passing.TooManyRequests | passing.ServerError | passing.Aborted)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]

"""What a place that takes records promises, and which there are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from pipeline.collect.records import Batch
from pipeline.model.errors import UsageError


class HandOverError(Exception):
    """The records may be there or not: nothing of them was promised. The message names the place and the cure."""


class Place(ABC):
    """Where records go. `hand_over` is called by one thread at a time; it may block for seconds, not for ever."""

    @abstractmethod
    def hand_over(self, batches: Sequence[Batch]) -> None:
        """All records are durably there once this returns. Raises HandOverError.

        **Retry:** the records are there twice; those with a messageId count once.
        """

    @abstractmethod
    def check(self) -> None:
        """Whether records can go there, as far as can be told without sending any. Raises HandOverError, UsageError."""

    def close(self) -> None:  # noqa: B027 (nothing to close)
        """Let go of connections and files."""


def open_place(url: str) -> Place:
    """The place behind `--to`. Raises UsageError where there is none that can be reached."""
    scheme, separator, _ = url.partition("://")
    try:
        place = _open(scheme if separator else "", url)
        place.check()
    except HandOverError as error:
        raise UsageError(str(error)) from error
    return place


def _open(scheme: str, url: str) -> Place:
    if scheme in ("redis", "rediss"):
        from pipeline.collect.to_stream import Stream

        return Stream.at(url)
    if scheme == "pubsub":
        from pipeline.collect.to_topic import Topic

        return Topic.at(url)
    if scheme:
        raise UsageError(
            f"--to {scheme}://: write redis://HOST:PORT/DB?stream=NAME, pubsub://PROJECT/TOPIC, or a folder's path"
        )
    from pipeline.collect.to_folder import Folder

    return Folder.at(url)

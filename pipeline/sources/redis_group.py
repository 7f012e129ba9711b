"""A consumer group's commands on one stream, as they go over the wire, and which errors pass by themselves.

Owns nothing of what was read: who asks keeps what is in work. Needs Redis 6.2 or newer, or Valkey.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from redis import exceptions

from pipeline.definitions.connection import DefinitionsUnavailable, address, connect, naming_the_server
from pipeline.model.errors import RunError
from pipeline.sources.redis_url import StreamUrl

Entry = list[Any]  # [id, [name, value, name, value, ...]]; None instead of the fields: it is gone from the stream

START = b"0-0"
IDS_MAX = 5_000  # in one command: some milliseconds of the server's time
_FREE_MS = 24 * 3600 * 1000  # idle for so long: free for whoever claims

_PASSING = (
    OSError,
    exceptions.ConnectionError,  # refused, broken off, still loading, too many clients
    exceptions.TimeoutError,
    exceptions.InvalidResponse,  # what answers at this address is not Redis, or a proxy that has lost it
    exceptions.ReadOnlyError,  # a failover under way
    exceptions.OutOfMemoryError,
    exceptions.ClusterDownError,
    exceptions.MasterDownError,
    exceptions.TryAgainError,
)
_LASTING = (exceptions.AuthenticationError, exceptions.AuthorizationError)  # the client counts them as broken connections
_PASSING_CODES = (  # older clients know only some as classes of their own
    "NOGROUP",  # it can be made again
    "BUSY ",
    "MISCONF",
    "NOREPLICAS",
    "CLUSTERDOWN",
    "MASTERDOWN",
    "TRYAGAIN",
)
_SENSELESS = (AttributeError, IndexError, KeyError, TypeError, ValueError)  # taking a senseless answer apart


class Away(Exception):
    """Redis can't be asked now, and may be later. The message is a line that names it."""


class Group:
    """One consumer of a group. Every method raises Away or RunError."""

    def __init__(self, url: StreamUrl) -> None:
        """Raises UsageError for a wrong URL; connects at its first command."""
        self._url = url
        self._client = connect(url.server)
        for command in ("XREADGROUP", "XAUTOCLAIM"):
            self._client.set_response_callback(command, _as_it_came)  # the client's own takes each entry apart again

    def make(self) -> bool:
        """Make the stream and the group where absent, at the stream's beginning; whether it was. **Retry:** harmless."""
        with self._asking():
            try:
                self._client.xgroup_create(self._url.stream, self._url.group, START, mkstream=True)
                return True
            except exceptions.ResponseError as e:
                if not str(e).startswith("BUSYGROUP"):
                    raise
        return False

    def check(self) -> None:
        """Whether the server knows what will be asked for. **Retry:** harmless."""
        with self._asking():
            try:
                self._client.execute_command("XAUTOCLAIM")
            except exceptions.ResponseError as e:
                if "wrong number of arguments" not in str(e):
                    raise

    def newest(self) -> tuple[int, ...]:
        """The id of the stream's newest entry, of all that ever were, as `in_order` gives it."""
        with self._asking():
            return in_order(self._client.xinfo_stream(self._url.stream)["last-generated-id"])

    def new(self, count: int) -> list[Entry]:
        """Entries that no consumer has been given. **Retry:** gives others; the first are this consumer's pending ones."""
        return self._read(b">", count)

    def pending(self, after: bytes, count: int) -> list[Entry]:
        """Entries behind an id that this consumer was given and has not acknowledged. **Retry:** harmless."""
        return self._read(after, count)

    def claim(self, idle_ms: int, cursor: bytes, count: int) -> tuple[bytes, list[Entry]]:
        """Take over pending entries of any consumer, idle for so long: (where to go on, START at the end; entries).

        **Retry:** harmless, they are this consumer's pending ones then.
        """
        with self._asking():
            to = (self._url.stream, self._url.group, self._url.consumer)
            answer = self._client.execute_command("XAUTOCLAIM", *to, idle_ms, cursor, "COUNT", count)
            gone = answer[2] if len(answer) > 2 else ()  # Redis 7 and newer; not pending any more
            return answer[0], [entry for entry in answer[1] if entry] + [[entry_id, None] for entry_id in gone]

    def acknowledge(self, ids: Sequence[bytes]) -> None:
        """Up to IDS_MAX entries are done with. **Retry:** harmless."""
        with self._asking(), self._client.pipeline(transaction=True) as together:
            together.xack(self._url.stream, self._url.group, *ids)
            if self._url.trim:
                together.xdel(self._url.stream, *ids)
            together.execute()

    def release(self, ids: Sequence[bytes]) -> None:
        """Let others claim these pending entries at once. **Retry:** harmless."""
        with self._asking():
            to = (self._url.stream, self._url.group, self._url.consumer)
            self._client.execute_command("XCLAIM", *to, 0, *ids, "IDLE", _FREE_MS, "JUSTID")

    def behind(self) -> int | None:
        """How many entries are not acknowledged, given to a consumer or not yet; None where Redis can't tell."""
        with self._asking():
            for group in self._client.xinfo_groups(self._url.stream):
                if group["name"] == self._url.group.encode():
                    lag = group.get("lag")  # none after entries were deleted in the middle, and before Redis 7
                    if lag is None and in_order(group["last-delivered-id"]) == self.newest():
                        lag = 0
                    return None if lag is None else int(lag) + int(group["pending"])
            return None

    def acknowledged_until(self) -> float:
        """Seconds since 1970, by the server's clock: every entry that was added before is acknowledged.

        That is where the oldest entry stands that isn't, by its id: ids that a producer makes up are taken for times too.
        """
        with self._asking():
            seconds, micros = self._client.time()
            until = seconds + micros / 1e6
            # In this order: what is given out in between is pending then.
            for group in self._client.xinfo_groups(self._url.stream):
                if group["name"] == self._url.group.encode() and in_order(group["last-delivered-id"]) < self.newest():
                    until = min(until, in_order(group["last-delivered-id"])[0] / 1000)
            pending = self._client.xpending(self._url.stream, self._url.group)
            if pending["pending"]:
                until = min(until, in_order(pending["min"])[0] / 1000)
            return until

    def close(self) -> None:
        self._client.close()

    def _read(self, after: bytes, count: int) -> list[Entry]:
        with self._asking():
            to = ("GROUP", self._url.group, self._url.consumer)
            answer = self._client.execute_command("XREADGROUP", *to, "COUNT", count, "STREAMS", self._url.stream, after)
            if not answer:
                return []
            [entries] = answer.values() if isinstance(answer, dict) else [answer[0][1]]  # RESP3, RESP2
            return list(entries)

    @contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            with naming_the_server(self._url.server):
                yield
        except DefinitionsUnavailable as e:
            if "WRONGTYPE" in str(e):
                raise RunError(f"{self._url} is there, but no stream; name another") from e
            if "unknown command" in str(e):
                raise RunError(f"{self._url}: that is too old; Redis 6.2 is needed, or any Valkey") from e
            passes = isinstance(e.__cause__, _PASSING) and not isinstance(e.__cause__, _LASTING)
            if passes or str(e.__cause__).startswith(_PASSING_CODES):
                raise Away(str(e)) from e
            raise RunError(str(e)) from e
        except _SENSELESS as e:
            self._client.connection_pool.disconnect()
            raise Away(f"Redis at {address(self._url.server)} answers what Redis would not; correct the URL") from e

    def __str__(self) -> str:
        return str(self._url)


def in_order(entry_id: bytes) -> tuple[int, ...]:
    """An id as something that can be compared."""
    return tuple(map(int, entry_id.split(b"-")))


def _as_it_came(answer: Any, **_: Any) -> Any:
    return answer

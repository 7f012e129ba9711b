"""What has been pulled and is not done with: held by leases that are kept up, and let go when it is counted.

A lease that lapses in spite of that loses nothing: the message comes again, and is still held, or known as a duplicate.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import grpc

from pipeline.model.errors import RunError, UsageError
from pipeline.sources.pubsub.calls import MESSAGES_MAX, Away, Calls
from pipeline.sources.pubsub.message import Message

FIRST_LEASE_S = 10.0  # the least that a subscription may give
LEASE_S = 30  # given on top; so long a killed run's messages are kept from the next one
RENEW_BEFORE_S = 7.0
CALL_S = 5.0
HELD_BYTES_MAX = 64 * 1024 * 1024
HELD_MESSAGES_MAX = 100_000
_IDS_BYTES = 400_000  # in a request; the service takes 512 KiB
_ID_OVERHEAD = 4

Ids = list[tuple[str, str]]  # (message id, ack id)


@dataclass(slots=True)
class _Held:
    ack_id: str
    size: int
    until: float  # by the clock of `Leases`


class Leases:
    """Of messages by their ids. For several threads. clock: seconds, monotonic."""

    def __init__(
        self,
        calls: Calls,
        subscription: str,
        clock: Callable[[], float],
        *,
        bytes_max: int = HELD_BYTES_MAX,
        messages_max: int = HELD_MESSAGES_MAX,
    ) -> None:
        self._calls = calls
        self._subscription = subscription
        self._clock = clock
        self._bytes_max = bytes_max
        self._messages_max = messages_max
        self._lock = threading.Lock()
        self._held: dict[str, _Held] = {}
        self._bytes = 0
        self._done: dict[str, None] = {}  # counted, and the service may not know it yet

    def take(self, messages: Sequence[Message]) -> list[Message]:
        """Those of the messages just pulled that are not held already. One whose lease has lapsed has a new ack id."""
        until = self._clock() + FIRST_LEASE_S
        with self._lock:
            fresh = [m for m in messages if m.id not in self._held]
            for message in messages:
                self._bytes += 0 if message.id in self._held else len(message.record)
                self._held[message.id] = _Held(message.ack_id, len(message.record), until)
        return fresh

    @property
    def count(self) -> int:
        """How many messages are held."""
        with self._lock:
            return len(self._held)

    def room(self) -> int:
        """How many messages more there is room for, of the size of those that are held; at most one answer's."""
        with self._lock:
            count, size = len(self._held), self._bytes
        if size >= self._bytes_max:
            return 0
        fitting = (self._bytes_max - size) * count // size if size else MESSAGES_MAX
        return max(0, min(MESSAGES_MAX, self._messages_max - count, max(1, fitting)))

    def acknowledge(self, ids: Iterable[str]) -> None:
        """These are counted: tell the service now, or with the next call where that fails. **Retry:** harmless."""
        with self._lock:
            self._done.update((message_id, None) for message_id in ids if message_id in self._held)
        self._send_acknowledgements()

    def keep_up(self) -> None:
        """Renew what would lapse soon, and say again what didn't get through. Call it every few seconds."""
        self._send_acknowledgements()
        soon = self._clock() + RENEW_BEFORE_S
        with self._lock:
            due = [(message_id, held.ack_id) for message_id, held in self._held.items() if held.until < soon]
        self._renew(self._clock() + LEASE_S, self._in_requests(due, partial(self._lease, LEASE_S)))

    def hand_over(self, ids: Iterable[str], lease_s: int) -> None:
        """Somebody else sees to these from now on, and has so long for it. **Retry:** harmless."""
        with self._lock:
            handed = [(message_id, self._held[message_id].ack_id) for message_id in ids if message_id in self._held]
        for _ in self._in_requests(handed, partial(self._lease, lease_s)):
            pass  # where that fails they come again the sooner
        with self._lock:
            for message_id, _ in handed:
                self._bytes -= self._held.pop(message_id).size

    def give_back(self) -> None:
        """Whatever is not counted is free for others at once. **Retry:** harmless."""
        self._send_acknowledgements()
        with self._lock:
            left = [(message_id, held.ack_id) for message_id, held in self._held.items() if message_id not in self._done]
        self._forget(self._in_requests(left, partial(self._lease, 0)))

    def _send_acknowledgements(self) -> None:
        with self._lock:
            done = [(message_id, self._held[message_id].ack_id) for message_id in self._done]
        self._forget(self._in_requests(done, self._acknowledge))

    def _acknowledge(self, ack_ids: Sequence[str]) -> grpc.Future:
        return self._calls.acknowledge(self._subscription, ack_ids, CALL_S)

    def _lease(self, lease_s: int, ack_ids: Sequence[str]) -> grpc.Future:
        return self._calls.lease(self._subscription, ack_ids, lease_s, CALL_S)

    def _in_requests(self, ids: Ids, begin: Callable[[Sequence[str]], grpc.Future]) -> Iterator[Ids]:
        """Those that the service has answered for, by request. Requests are under way side by side.

        A refusal is an answer, and for good: of a subscription that delivers exactly once it says that some leases have
        lapsed. Those messages come again, and the request held for the others.
        """
        parts = [ids[part] for part in in_requests([ack_id for _, ack_id in ids])]
        under_way = [(part, begin([ack_id for _, ack_id in part])) for part in parts]
        for part, future in under_way:
            try:
                self._calls.answer(future)
            except Away:
                continue
            except (UsageError, RunError):
                pass
            yield part

    def _renew(self, until: float, answered: Iterable[Ids]) -> None:
        for ids in answered:
            with self._lock:
                for message_id, ack_id in ids:
                    held = self._held.get(message_id)
                    if held is not None and held.ack_id == ack_id:
                        held.until = until

    def _forget(self, answered: Iterable[Ids]) -> None:
        for ids in answered:
            with self._lock:
                for message_id, _ in ids:
                    self._done.pop(message_id, None)
                    held = self._held.pop(message_id, None)
                    self._bytes -= held.size if held else 0


def in_requests(ack_ids: Sequence[str]) -> Iterator[slice]:
    """Cut to what one request may hold."""
    if ack_ids:
        count = max(1, _IDS_BYTES // (max(map(len, ack_ids)) + _ID_OVERHEAD))
        for at in range(0, len(ack_ids), count):
            yield slice(at, at + count)

"""Places for rejects that are read like any other input: a Pub/Sub topic, a Redis Stream.

A record is a message, or an entry, with stage, reason and account beside it. That account is one a run trusts when it
reads the rejects again: the one their first source vouched for.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import orjson

from pipeline.definitions.connection import DefinitionsUnavailable, address, connect, naming_the_server
from pipeline.model.errors import RejectsUnavailable, UsageError
from pipeline.model.rejects import RAW_FIELDS
from pipeline.reject_places import RejectPlace
from pipeline.sources.pubsub.calls import MESSAGES_MAX, Away, Calls, Denied, cure_of_silence, named

_DATA = "data"
_BESIDE = ("stage", "reason", "account")
_BESIDE_BYTES_MAX = 256  # of a value; what is longer is in the record only. Pub/Sub's bound is 1,024
_CHECK_S = 6.0
_PUBLISH_S = 5.0
_PAUSES_S = (0.2, 1.0)  # between attempts to publish
_REQUEST_BYTES_MAX = 8_000_000  # Pub/Sub takes 10 MB, all included
_RECORD_BYTES_MAX = 7_000_000
_RAW_MAX = 1024 * 1024  # characters, of six bytes at most; whole groups of base64


class RejectTopic(RejectPlace):
    """url: `pubsub://PROJECT/TOPIC`."""

    def __init__(self, url: str) -> None:
        project, name = named(url, "--rejects", "TOPIC")
        self._topic = f"projects/{project}/topics/{name}"
        self._calls = Calls.at(f"--rejects {url}")

    def keep(self, records: Sequence[bytes]) -> None:
        left = list(_in_requests([_cut_to_fit(record) for record in records]))
        for pause_s in (*_PAUSES_S, None):
            try:
                self._publish(left)
                return
            except Away as e:
                if pause_s is None:
                    raise RejectsUnavailable(f"rejects can't be kept: {e}") from e
                time.sleep(pause_s)

    def _publish(self, left: list[list[bytes]]) -> None:
        """What is published is taken off."""
        while left:
            messages = [(record, _beside(record)) for record in left[-1]]
            self._calls.answer(self._calls.publish(self._topic, messages, _PUBLISH_S))
            left.pop()

    def check(self) -> None:
        try:
            self._calls.answer(self._calls.look_at_topic(self._topic, _CHECK_S))
        except Denied:
            return  # the right to publish doesn't hold the right to look at the topic
        except Away as e:
            raise UsageError(f"{e}; {cure_of_silence()}") from e

    def close(self) -> None:
        self._calls.close()


class RejectStream(RejectPlace):
    """url: `redis://HOST:PORT/DB?stream=NAME`. As durable as that Redis is."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        options = parse_qsl(parts.query)
        names = [value for name, value in options if name == "stream"]
        if len(names) != 1:
            raise UsageError(f"--rejects Redis at {address(url)}: name the stream, as in redis://HOST:PORT/DB?stream=NAME")
        self._name = names[0]
        self._server = urlunsplit(parts._replace(query=urlencode([pair for pair in options if pair[0] != "stream"])))
        self._client = connect(self._server)

    def keep(self, records: Sequence[bytes]) -> None:
        try:
            with naming_the_server(self._server), self._client.pipeline(transaction=True) as entries:
                for record in records:
                    entries.xadd(self._name, {**_beside(record), _DATA: record})
                entries.execute()
        except DefinitionsUnavailable as e:
            raise RejectsUnavailable(f"rejects can't be kept in {self}: {e}") from e

    def check(self) -> None:
        with naming_the_server(self._server):
            kind = self._client.type(self._name)
        if kind not in (b"stream", b"none"):
            raise UsageError(f"--rejects {self}: it is there and no stream; name another")

    def close(self) -> None:
        self._client.close()

    def __str__(self) -> str:
        return f"stream {self._name} of Redis at {address(self._server)}"


def _beside(record: bytes) -> dict[Any, Any]:
    found = orjson.loads(record)
    values = {name: found.get(name) for name in _BESIDE}
    return {name: value for name, value in values.items() if value and len(value.encode()) <= _BESIDE_BYTES_MAX}


def _cut_to_fit(record: bytes) -> bytes:
    """Of what was rejected for its size, the beginning is enough: it is too large still."""
    if len(record) <= _RECORD_BYTES_MAX:
        return record
    found = orjson.loads(record)
    return orjson.dumps({**found, **{name: found[name][:_RAW_MAX] for name in RAW_FIELDS if name in found}})


def _in_requests(records: Sequence[bytes]) -> Iterator[list[bytes]]:
    part, size = list[bytes](), 0
    for record in records:
        if part and (len(part) >= MESSAGES_MAX or size + len(record) > _REQUEST_BYTES_MAX):
            yield part
            part, size = [], 0
        part.append(record)
        size += len(record)
    if part:
        yield part

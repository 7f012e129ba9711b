"""Hands records over to a Redis Stream: an entry each, with the fields `data` and `account`.

They are as durable as that Redis is: with `appendfsync always` from the answer on, with `everysec` a second later. The
stream is never cut here; whoever reads it does that.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import redis

from pipeline.collect.hand_over import HandOverError, Place
from pipeline.collect.records import Batch
from pipeline.definitions.connection import DefinitionsUnavailable, address, connect, naming_the_server
from pipeline.model.errors import UsageError

_DATA, _ACCOUNT = "data", "account"


class Stream(Place):
    """A stream of one Redis."""

    def __init__(self, client: redis.Redis, url: str, name: str) -> None:
        self._client = client
        self._url = url
        self._name = name

    @classmethod
    def at(cls, url: str) -> Stream:
        """The stream at `redis://HOST:PORT/DB?stream=NAME`. Nothing is read yet."""
        parts = urlsplit(url)
        options = parse_qsl(parts.query)
        names = [value for name, value in options if name == "stream"]
        if len(names) != 1:
            raise UsageError(f"--to Redis at {address(url)}: name the stream, as in redis://HOST:PORT/DB?stream=NAME")
        server = urlunsplit(parts._replace(query=urlencode([pair for pair in options if pair[0] != "stream"])))
        return cls(connect(server), server, names[0])

    def hand_over(self, batches: Sequence[Batch]) -> None:
        try:
            with naming_the_server(self._url), self._client.pipeline(transaction=True) as entries:
                for batch in batches:
                    for record in batch.records:
                        entries.xadd(self._name, {_DATA: record, _ACCOUNT: batch.account})
                entries.execute()
        except DefinitionsUnavailable as error:
            raise HandOverError(str(error)) from error

    def check(self) -> None:
        try:
            with naming_the_server(self._url):
                kind = self._client.type(self._name)
        except DefinitionsUnavailable as error:
            raise HandOverError(str(error)) from error
        if kind not in (b"stream", b"none"):
            raise UsageError(f"--to Redis at {address(self._url)}: {self._name} is there and no stream; name another")

    def close(self) -> None:
        self._client.close()

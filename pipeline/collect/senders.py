"""Owns who may send: a write key decides the account. It comes as Basic user name, or where the clients also put it."""

from __future__ import annotations

import asyncio
import base64
import binascii
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor

from pipeline.collect.refusal import Refusal, unknown_sender
from pipeline.definitions.keys import RememberedKeys, Role

_THREADS = 4
MAY_SEND = (Role.WRITE, Role.COLLECT)


class Senders(ABC):
    """Tells accounts by write keys."""

    @abstractmethod
    async def account(self, write_key: str | None) -> str:
        """Whose events these are. Raises Refusal (401, 403), DefinitionsUnavailable."""

    def close(self) -> None:  # noqa: B027 (nothing to close)
        """Ends its threads."""


class AnySender(Senders):
    """Everybody sends events of the one account: for one machine only."""

    def __init__(self, account: str) -> None:
        self._account = account

    async def account(self, write_key: str | None) -> str:
        return self._account


class KeyedSenders(Senders):
    """Senders known by API keys."""

    def __init__(self, keys: RememberedKeys) -> None:
        self._keys = keys
        # Threads of their own: where Redis hangs, look-ups wait for one another and for nothing else.
        self._threads = ThreadPoolExecutor(_THREADS, "write-keys")

    async def account(self, write_key: str | None) -> str:
        if not write_key:
            raise unknown_sender("give a write key, as the user name of HTTP Basic authentication")
        key = self._keys.remembered(write_key)
        if key is None:
            key = await asyncio.get_running_loop().run_in_executor(self._threads, self._keys.find, write_key)
        if key is None:
            raise unknown_sender("this write key is not known")
        if key.role not in MAY_SEND:
            raise Refusal(403, "this API key only reads; send events with one of the role collect or write")
        return key.account

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)


def key_of_header(authorization: str | None) -> str | None:
    """The write key that a header names, None without one. Raises Refusal (401) for another kind of header."""
    if authorization is None:
        return None
    scheme, _, text = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return text.strip()
    if scheme.lower() != "basic":
        raise unknown_sender("give the write key as the user name of HTTP Basic authentication")
    try:
        return base64.b64decode(text.strip(), validate=True).decode().partition(":")[0]
    except (binascii.Error, ValueError):
        raise unknown_sender("the Authorization header is not HTTP Basic: base64 of the write key and a colon") from None

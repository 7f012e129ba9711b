"""Owns who may ask: an API key decides the account and role. How keys are kept is elsewhere."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pipeline.definitions.keys import RememberedKeys, Role, StoredKeys
from readers.problem import Problem

THREADS = 4
AWAY_S = 3600.0  # as long as a key that was known works on without Redis


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `account` None: any account (without authentication). `name`: how the history of definitions tells it."""

    account: str | None
    role: str
    name: str = "without a key"

    def account_for(self, named: object) -> object:
        """The account a request is about: the key's, or the one the request names. Raises Problem (403)."""
        if self.account is None:
            return named
        if named not in (None, self.account):
            raise Problem(403, f"this key is for the account {self.account}: leave account out", pointer="/account")
        return self.account

    def demand_write(self) -> None:
        """Raises Problem (403) for a key that changes nothing."""
        if self.role != Role.WRITE:
            raise Problem(403, "this API key only reads; changing definitions takes one of the role write")


class Auth(ABC):
    """Tells callers by the `Authorization` header."""

    @abstractmethod
    async def caller(self, authorization: str | None) -> Caller:
        """Raises Problem (401, 403) for who may not ask, DefinitionsUnavailable where that can't be known."""

    def close(self) -> None:  # noqa: B027 (nothing to close)
        """Ends its threads."""


class NoAuth(Auth):
    """Everybody may ask about every account: for one machine only."""

    async def caller(self, authorization: str | None) -> Caller:
        return Caller(None, "write")


class RedisKeys(Auth):
    """Keys in Redis. A key that only sends events reads nothing: it stands in web pages."""

    def __init__(self, stored: StoredKeys, clock_s: Callable[[], float]) -> None:
        self._keys = RememberedKeys(stored, clock_s, AWAY_S)
        # Threads of their own: where Redis hangs, look-ups wait for one another and for nothing else.
        self._threads = ThreadPoolExecutor(THREADS, "api-keys")

    @classmethod
    def at(cls, url: str, clock_s: Callable[[], float]) -> RedisKeys:
        """The keys in the Redis at a URL."""
        return cls(StoredKeys.at(url), clock_s)

    async def caller(self, authorization: str | None) -> Caller:
        scheme, _, text = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not text.strip():
            raise _unauthorized("give an API key, as in Authorization: Bearer KEY")
        key = self._keys.remembered(text)
        if key is None:
            key = await asyncio.get_running_loop().run_in_executor(self._threads, self._keys.find, text)
        if key is None:
            raise _unauthorized("this API key is not known")
        if key.role is Role.COLLECT:
            raise Problem(403, "this API key only sends events; ask with one of the role read or write")
        return Caller(key.account, key.role.value, f"key {key.id}")

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)


def _unauthorized(detail: str) -> Problem:
    return Problem(401, detail, headers={"www-authenticate": "Bearer"})

"""Owns who may ask: an API key decides the account and role. How keys are kept is elsewhere."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from pipeline.definitions.keys import RememberedKeys, Role, StoredKeys
from readers.problem import Problem


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `account` None: any account (without authentication)."""

    account: str | None
    role: str

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
    def caller(self, authorization: str | None) -> Caller:
        """Raises Problem (401, 403) for who may not ask. Blocks: call it in a thread."""


class NoAuth(Auth):
    """Everybody may ask about every account: for one machine only."""

    def caller(self, authorization: str | None) -> Caller:
        return Caller(None, "write")


class RedisKeys(Auth):
    """Keys in Redis. A key that only sends events reads nothing: it stands in web pages."""

    def __init__(self, stored: StoredKeys, clock_s: Callable[[], float]) -> None:
        self._keys = RememberedKeys(stored, clock_s)

    @classmethod
    def at(cls, url: str, clock_s: Callable[[], float]) -> RedisKeys:
        """The keys in the Redis at a URL."""
        return cls(StoredKeys.at(url), clock_s)

    def caller(self, authorization: str | None) -> Caller:
        scheme, _, text = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not text.strip():
            raise _unauthorized("give an API key, as in Authorization: Bearer KEY")
        key = self._keys.find(text)
        if key is None:
            raise _unauthorized("this API key is not known")
        if key.role is Role.COLLECT:
            raise Problem(403, "this API key only sends events; ask with one of the role read or write")
        return Caller(key.account, key.role.value)


def _unauthorized(detail: str) -> Problem:
    return Problem(401, detail, headers={"www-authenticate": "Bearer"})

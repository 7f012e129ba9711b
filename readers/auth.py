"""Owns who asks: API keys, kept hashed in Redis, decide the account and role. Making keys is a command's."""

from __future__ import annotations

import hashlib
import ipaddress
import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import redis

from pipeline.definitions.connection import connect, naming_the_server
from pipeline.model.errors import UsageError
from readers.problem import Problem

KEYS_HASH = "keys"  # sha256 of a key, hex -> {"account": …, "role": "read" | "write"}
ROLES = ("read", "write")
REMEMBER_S = 10.0  # a revoked key works no longer than this
REMEMBERED_MAX = 10_000


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


class Auth(ABC):
    """Tells callers by the `Authorization` header."""

    @abstractmethod
    def caller(self, authorization: str | None) -> Caller:
        """Raises Problem (401) for who may not ask. Blocks: call it in a thread."""


class NoAuth(Auth):
    """Everybody may ask about every account: for one machine only."""

    def caller(self, authorization: str | None) -> Caller:
        return Caller(None, "write")


class RedisKeys(Auth):
    """Keys in Redis. What was found is remembered for a few seconds, and longer while Redis does not answer."""

    def __init__(self, client: redis.Redis, url: str, clock_s: Callable[[], float]) -> None:
        self._client = client
        self._url = url
        self._clock_s = clock_s
        self._known: dict[str, tuple[float, Caller]] = {}

    @classmethod
    def at(cls, url: str, clock_s: Callable[[], float]) -> RedisKeys:
        """The keys in the Redis at a URL."""
        return cls(connect(url), url, clock_s)

    def caller(self, authorization: str | None) -> Caller:
        scheme, _, key = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise _unauthorized("give an API key, as in Authorization: Bearer KEY")
        digest = hashlib.sha256(key.strip().encode()).hexdigest()
        known = self._known.get(digest)
        if known and self._clock_s() - known[0] < REMEMBER_S:
            return known[1]
        try:
            found = self._look_up(digest)
        except UsageError:
            if known:
                return known[1]
            raise
        if found is None:
            self._known.pop(digest, None)
            raise _unauthorized("this API key is not known")
        if len(self._known) >= REMEMBERED_MAX:
            self._known.clear()
        self._known[digest] = self._clock_s(), found
        return found

    def _look_up(self, digest: str) -> Caller | None:
        with naming_the_server(self._url):
            stored = self._client.hget(KEYS_HASH, digest)
        try:
            record = json.loads(stored) if stored else {}
            if record.get("role") in ROLES and isinstance(record.get("account"), str):
                return Caller(record["account"], record["role"])
        except (ValueError, AttributeError):
            pass  # not written by us: no key
        return None


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach an address."""
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback


def _unauthorized(detail: str) -> Problem:
    return Problem(401, detail, headers={"www-authenticate": "Bearer"})

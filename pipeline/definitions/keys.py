"""Owns API keys: how they look, how they are kept in Redis (only as their SHA-256), and how they are found again.

A revoked key stays, marked as such: so the hash is gone only when Redis has lost it, and then nobody is turned away.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, cast

import redis

from pipeline.definitions.connection import DefinitionsUnavailable, address, connect, naming_the_server
from pipeline.model.errors import UsageError

KEYS_HASH = "keys"  # sha256 of a key, hex -> {"account": …, "role": …, "created": …, "revoked"?: …}
REMEMBER_S = 10.0  # a revoked key works no longer than this
REMEMBERED_MAX = 10_000
PAUSE_S = 1.0  # after a look-up without an answer, so that those behind it don't wait for their own
SECRET_BYTES = 20
ID_CHARS = 12
_ID_CHARS_MIN = 6


class Role(StrEnum):
    """What a key is good for."""

    READ = "read"
    WRITE = "write"  # reads, changes definitions, sends events
    COLLECT = "collect"  # sends events and nothing else: what may stand in a web page


class KeysLost(DefinitionsUnavailable):
    """Redis holds no keys at all, not even revoked ones. Whoever remembers some goes on with them."""


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of a key. created, revoked: RFC 3339, or None."""

    digest: str
    account: str
    role: Role
    created: str | None = None
    revoked: str | None = None

    @property
    def id(self) -> str:
        """What people name it by. It does not give the key away."""
        return self.digest[:ID_CHARS]


def digest_of(key: str) -> str:
    """What is stored of a key."""
    return hashlib.sha256(key.strip().encode("utf-8", "surrogatepass")).hexdigest()


def make_key(role: Role, randomness: Callable[[int], bytes]) -> str:
    """A new key, recognisable to people and to scanners for secrets."""
    return f"dc_{role}_{randomness(SECRET_BYTES).hex()}"


class StoredKeys:
    """The keys in one Redis. Every method raises DefinitionsUnavailable where it does not answer."""

    def __init__(self, client: redis.Redis, url: str) -> None:
        self._client = client
        self._url = url

    @classmethod
    def at(cls, url: str) -> StoredKeys:
        """The keys in the Redis at a URL. Nothing is read yet."""
        return cls(connect(url), url)

    def find(self, digest: str) -> Key | None:
        """The key of this digest, None where it is unknown or revoked. Raises KeysLost where there are none at all."""
        with naming_the_server(self._url):
            stored = cast(bytes | None, self._client.hget(KEYS_HASH, digest))
            if stored is None and not self._client.exists(KEYS_HASH):
                raise KeysLost(f"Redis at {address(self._url)} holds no API keys; make one with `daycount keys create`")
        key = _parse(digest, stored)
        return key if key and not key.revoked else None

    def all(self) -> list[Key]:
        """All keys that work, by account and age."""
        with naming_the_server(self._url):
            stored = cast(Mapping[bytes, bytes], self._client.hgetall(KEYS_HASH))
        parsed = (_parse(digest.decode("ascii", "replace"), record) for digest, record in stored.items())
        return sorted((k for k in parsed if k and not k.revoked), key=lambda k: (k.account, k.created or "", k.digest))

    def add(self, key: Key) -> None:
        """Stores a key. **Retry:** harmless."""
        with naming_the_server(self._url):
            self._client.hset(KEYS_HASH, key.digest, _record(key))

    def revoke(self, name: str, now: str) -> Key:
        """Ends the key that a name, the key itself or the beginning of its id, stands for. Raises UsageError.

        **Retry:** refused, for there is no such key any more.
        """
        keys = [k for k in self.all() if _goes_by(k, name)]
        if len(keys) != 1:
            cause = "is no key" if not keys else f"stands for {len(keys)} keys"
            shown = name if len(name) <= ID_CHARS else "this"  # it may be a key, which belongs in no log
            raise UsageError(f"{shown} {cause}; `daycount keys list` shows the ids of those there are")
        revoked = Key(keys[0].digest, keys[0].account, keys[0].role, keys[0].created, now)
        self.add(revoked)
        return revoked

    def close(self) -> None:
        """Lets go of connections; a later call opens them again."""
        self._client.close()


class _Remembered(NamedTuple):
    asked_s: float
    found_s: float
    key: Key


class RememberedKeys:
    """Keys, remembered for a few seconds, and longer while Redis does not answer or has lost them all.

    away_s: how long after it was last found a key works on without Redis; nobody can revoke it meanwhile.
    """

    def __init__(self, stored: StoredKeys, clock_s: Callable[[], float], away_s: float = math.inf) -> None:
        self._stored = stored
        self._clock_s = clock_s
        self._away_s = away_s
        self._known: dict[str, _Remembered] = {}
        self._pause: tuple[float, str] | None = None  # until when, and why

    def remembered(self, key: str) -> Key | None:
        """The key, if it was looked up just now. Never waits."""
        known = self._known.get(digest_of(key))
        return known.key if known and self._clock_s() - known.asked_s < REMEMBER_S else None

    def find(self, key: str) -> Key | None:
        """The key, None where it is unknown or revoked. Blocks: call it in a thread. Raises DefinitionsUnavailable."""
        digest, now = digest_of(key), self._clock_s()
        known = self._known.get(digest)
        if known and now - known.asked_s < REMEMBER_S:
            return known.key
        if known and now - known.found_s >= self._away_s:
            del self._known[digest]
            known = None
        if known:  # while one asks, others go on with what is known: a server that hangs holds up one of them
            self._known[digest] = known._replace(asked_s=now)
        try:
            found = self._find(digest)
        except UsageError:
            if known:
                return known.key
            raise
        self._remember(digest, found)
        return found

    def _find(self, digest: str) -> Key | None:
        if self._pause and self._clock_s() < self._pause[0]:
            raise DefinitionsUnavailable(self._pause[1])
        try:
            return self._stored.find(digest)
        except KeysLost:
            raise
        except DefinitionsUnavailable as error:
            self._pause = self._clock_s() + PAUSE_S, str(error)
            raise

    def _remember(self, digest: str, found: Key | None) -> None:
        if found is None:
            self._known.pop(digest, None)
            return
        if len(self._known) >= REMEMBERED_MAX:
            self._known.clear()
        self._known[digest] = _Remembered(self._clock_s(), self._clock_s(), found)


def _goes_by(key: Key, name: str) -> bool:
    return key.digest == digest_of(name) or (len(name) >= _ID_CHARS_MIN and key.digest.startswith(name))


def _parse(digest: str, stored: bytes | None) -> Key | None:
    """What is stored, None where it was not written by us."""
    try:
        record: dict[str, Any] = json.loads(stored) if stored else {}
        account, role = record["account"], Role(record["role"])
    except (ValueError, TypeError, KeyError):
        return None
    created, revoked = record.get("created"), record.get("revoked")
    if not isinstance(account, str) or not isinstance(created, str | None):
        return None
    return Key(digest, account, role, created, str(revoked) if revoked else None)


def _record(key: Key) -> str:
    record = {"account": key.account, "role": key.role.value, "created": key.created, "revoked": key.revoked}
    return json.dumps({name: value for name, value in record.items() if value is not None})

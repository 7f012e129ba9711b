"""Owns the reading of all accounts' definitions from Redis; only hashes that have changed are parsed again."""

from __future__ import annotations

from dataclasses import replace
from hashlib import blake2b
from itertools import islice

import msgspec
import redis

from pipeline.definitions.connection import DefinitionsUnavailable, address, naming_the_server
from pipeline.definitions.hashes import KEY_PREFIX, Fields, account_of_key, fields_digest, read_hash
from pipeline.model.definition import AccountDefinitions, Settings, Snapshot

_SENSELESS = (AttributeError, IndexError, KeyError, TypeError, ValueError)  # the client takes a senseless answer apart
_SCAN_COUNT = 1_000
_HASHES_PER_ROUND_TRIP = 200
_ENCODER = msgspec.msgpack.Encoder()  # much faster than `fields_digest`, but equal only for fields in the same order


class RedisReader:
    """Reads snapshots, and remembers each hash's digest and what it parsed to. Accounts may well have equal ones."""

    def __init__(self, client: redis.Redis, url: str) -> None:
        self._client = client
        self._url = url
        self._parsed: dict[str, tuple[str, AccountDefinitions]] = {}
        self._read: dict[str, tuple[bytes, AccountDefinitions]] = {}  # by account: what stands for the fields as they came
        self._by_digest: dict[str, AccountDefinitions] = {}  # of some account with such a hash

    def read(self, last: Snapshot | None) -> Snapshot:
        """The snapshot that Redis holds now.

        One account's hash gone means that its definitions are deleted. All gone at once means that Redis lost its data,
        which is DefinitionsUnavailable, as is a server that does not answer.
        """
        hashes = self._hashes()
        if last is not None and last.accounts and not hashes:
            raise DefinitionsUnavailable(
                f"Redis at {address(self._url)} has lost all definitions; push them again, the last known stay in force"
            )
        accounts, problems = [], []
        for key, fields in hashes.items():
            account = account_of_key(key)
            if account is None:
                shown = key.decode(errors="backslashreplace").removeprefix(KEY_PREFIX)
                problems.append(f"{shown[:80]!r}: not an account's name; 1 to 64 of a-z, 0-9, _ and -")
            else:
                accounts.append(self._parse(account, fields))
        self._forget_all_but(accounts)
        return Snapshot.of(accounts, problems)

    def close(self) -> None:
        """Closes the connections; the next read opens new ones."""
        self._client.close()

    def _hashes(self) -> dict[bytes, Fields | None]:
        try:
            with naming_the_server(self._url):
                return self._fetch(sorted(set(self._client.scan_iter(match=f"{KEY_PREFIX}*", count=_SCAN_COUNT))))
        except _SENSELESS as error:
            self._client.connection_pool.disconnect()
            raise DefinitionsUnavailable(
                f"Redis at {address(self._url)} answers what Redis would not; correct the URL"
            ) from error

    def _fetch(self, keys: list[bytes]) -> dict[bytes, Fields | None]:
        hashes: dict[bytes, Fields | None] = {}
        ahead = iter(keys)
        while batch := list(islice(ahead, _HASHES_PER_ROUND_TRIP)):
            pipeline = self._client.pipeline(transaction=False)
            for key in batch:
                pipeline.hgetall(key)
            # A key that isn't a hash answers with an error of its own; the others don't suffer.
            answers = zip(batch, pipeline.execute(raise_on_error=False), strict=True)
            hashes.update((key, _fields_or_raise(fields)) for key, fields in answers if fields)
        return hashes

    def _parse(self, account: str, fields: Fields | None) -> AccountDefinitions:
        if fields is None:
            return AccountDefinitions.of(account, Settings(), (), [f"{KEY_PREFIX}{account}: not a hash; delete the key"])
        as_they_came = blake2b(_ENCODER.encode(fields), digest_size=16).digest()
        read = self._read.get(account)
        if read is None or read[0] != as_they_came:
            read = self._read[account] = as_they_came, self._parse_changed(account, fields)
        return read[1]

    def _parse_changed(self, account: str, fields: Fields) -> AccountDefinitions:
        digest = fields_digest(fields)
        known = self._parsed.get(account)
        if known is not None and known[0] == digest:
            return known[1]
        equal = self._by_digest.get(digest)
        definitions = replace(equal, account=account) if equal else read_hash(account, fields)
        self._by_digest[digest] = definitions
        self._parsed[account] = (digest, definitions)
        return definitions

    def _forget_all_but(self, accounts: list[AccountDefinitions]) -> None:
        names = {account.account for account in accounts}
        for gone in self._parsed.keys() - names:
            del self._parsed[gone]
        for gone in self._read.keys() - names:
            del self._read[gone]
        self._by_digest = dict(self._parsed.values())


def _fields_or_raise(answer: Fields | Exception) -> Fields | None:
    """None for a key that holds something else than a hash."""
    if isinstance(answer, Exception):
        if str(answer).startswith("WRONGTYPE"):
            return None
        raise answer
    return answer

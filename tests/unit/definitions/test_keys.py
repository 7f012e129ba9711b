"""API keys in a real Redis: only hashes are kept, a revoked one ends, a Redis that has lost all takes nobody's away."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import redis

from pipeline.definitions.connection import DefinitionsUnavailable
from pipeline.definitions.keys import (
    KEYS_HASH,
    PAUSE_S,
    REMEMBER_S,
    Key,
    KeysLost,
    RememberedKeys,
    Role,
    StoredKeys,
    digest_of,
    make_key,
)
from pipeline.model.errors import UsageError

NOW = "2026-10-01T12:00:00Z"


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def stored(redis_url: str) -> Iterator[StoredKeys]:
    keys = StoredKeys.at(redis_url)
    yield keys
    keys.close()


def add(stored: StoredKeys, text: str, account: str = "acme", role: Role = Role.WRITE) -> Key:
    key = Key(digest_of(text), account, role, NOW)
    stored.add(key)
    return key


def test_a_new_key_tells_its_role_and_is_as_random_as_it_is_given():
    assert make_key(Role.COLLECT, lambda size: b"\x0a" * size) == "dc_collect_" + "0a" * 20


def test_what_is_stored_of_a_key_does_not_give_it_back(stored: StoredKeys, client: redis.Redis):
    key = add(stored, "dc_write_secret")
    assert stored.find(key.digest) == key
    kept = str(client.hgetall(KEYS_HASH))
    assert "secret" not in kept and key.digest in kept


def test_keys_are_listed_by_account_without_those_that_were_revoked(stored: StoredKeys):
    for text, account in (("k1", "zeta"), ("k2", "acme"), ("k3", "acme")):
        add(stored, text, account)
    ended = stored.revoke("k3", NOW)
    assert ended.account == "acme" and ended.revoked == NOW
    assert [key.account for key in stored.all()] == ["acme", "zeta"]
    assert stored.find(digest_of("k3")) is None


def test_a_key_is_revoked_by_its_id_or_by_the_beginning_of_it(stored: StoredKeys):
    first, second = add(stored, "k1"), add(stored, "k2")
    assert stored.revoke(first.id, NOW).digest == first.digest
    assert stored.revoke(second.id[:6], NOW).digest == second.digest
    assert stored.all() == []


@pytest.mark.parametrize("name", ["", "abc", "0123456789ab", "dc_write_mistyped"])
def test_a_name_that_is_of_no_key_is_refused_and_a_mistyped_key_is_not_repeated(stored: StoredKeys, name: str):
    add(stored, "k1")
    with pytest.raises(UsageError, match="keys list") as refused:
        stored.revoke(name, NOW)
    assert "mistyped" not in str(refused.value)
    assert len(stored.all()) == 1


def test_a_name_of_several_keys_is_refused(stored: StoredKeys, client: redis.Redis):
    for end in "ab":
        stored.add(Key("abcdef" + end * 58, "acme", Role.READ))
    with pytest.raises(UsageError, match="2 keys"):
        stored.revoke("abcdef", NOW)


def test_what_others_wrote_into_the_hash_is_no_key(stored: StoredKeys, client: redis.Redis):
    odd = [b"\xff", b"[]", b"{}", b'{"account":7,"role":"read"}', b'{"account":"acme","role":"god"}', b'{"role":"read"}']
    for at, record in enumerate(odd):
        client.hset(KEYS_HASH, digest_of(str(at)), record)
    client.hset(KEYS_HASH, b"\xfe", b'{"account":"acme","role":[]}')
    assert stored.all() == []
    assert [stored.find(digest_of(str(at))) for at in range(len(odd))] == [None] * len(odd)


def test_a_key_of_before_there_were_dates_works(stored: StoredKeys, client: redis.Redis):
    client.hset(KEYS_HASH, digest_of("old"), json.dumps({"account": "acme", "role": "read"}))
    assert stored.find(digest_of("old")) == Key(digest_of("old"), "acme", Role.READ)


def test_a_revoked_key_works_no_longer_than_it_is_remembered(stored: StoredKeys):
    clock = Clock()
    keys = RememberedKeys(stored, clock)
    add(stored, "k1")
    assert keys.find("k1") is not None
    stored.revoke("k1", NOW)
    assert keys.remembered("k1") is not None
    clock.now_s += REMEMBER_S
    assert keys.remembered("k1") is None
    assert keys.find("k1") is None
    assert keys.find("unknown") is None


def test_a_redis_that_has_lost_all_keys_takes_nobodys_away(stored: StoredKeys, client: redis.Redis):
    clock = Clock()
    keys = RememberedKeys(stored, clock)
    add(stored, "k1")
    assert keys.find("k1") is not None
    client.flushall()
    clock.now_s += 1000
    assert keys.find("k1") is not None
    with pytest.raises(KeysLost, match="keys create"):
        keys.find("k2")
    add(stored, "k2")
    clock.now_s += 1000
    assert keys.find("k1") is None  # there are keys again, and it is not among them


class Hanging(StoredKeys):
    """A Redis that does not answer, after it did."""

    def __init__(self, stored: StoredKeys) -> None:
        self.stored = stored
        self.asked = 0
        self.gone = False

    def find(self, digest: str) -> Key | None:
        self.asked += 1
        if self.gone:
            raise DefinitionsUnavailable("no answer")
        return self.stored.find(digest)


def test_while_redis_is_gone_it_is_asked_for_a_known_key_now_and_then_only(stored: StoredKeys):
    clock, hanging = Clock(), Hanging(stored)
    keys = RememberedKeys(hanging, clock)
    add(stored, "k1")
    assert keys.find("k1") is not None
    hanging.gone = True
    clock.now_s += REMEMBER_S
    for _ in range(100):
        assert keys.find("k1") is not None
    assert hanging.asked == 2
    with pytest.raises(DefinitionsUnavailable):
        keys.find("unseen")


def test_without_redis_a_key_works_for_a_bounded_time(stored: StoredKeys):
    clock, hanging = Clock(), Hanging(stored)
    keys = RememberedKeys(hanging, clock, away_s=3600)
    add(stored, "k1")
    assert keys.find("k1") is not None
    hanging.gone = True
    for _ in range(3):
        clock.now_s += 1199
        assert keys.find("k1") is not None
    clock.now_s += REMEMBER_S
    with pytest.raises(DefinitionsUnavailable):
        keys.find("k1")
    hanging.gone = False
    clock.now_s += PAUSE_S
    assert keys.find("k1") is not None


def test_behind_a_look_up_without_an_answer_none_waits_for_its_own(stored: StoredKeys):
    clock, hanging = Clock(), Hanging(stored)
    keys = RememberedKeys(hanging, clock)
    hanging.gone = True
    for name in ("a", "b", "c"):
        with pytest.raises(DefinitionsUnavailable, match="no answer"):
            keys.find(name)
    assert hanging.asked == 1
    clock.now_s += PAUSE_S
    with pytest.raises(DefinitionsUnavailable):
        keys.find("a")
    assert hanging.asked == 2

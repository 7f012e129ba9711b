"""`daycount keys` as a user types it, and what the keys are good for."""

from __future__ import annotations

import re

import pytest
import redis

from tests.support.daycount import daycount, refusal


def create(redis_url: str, account: str = "acme", role: str = "collect") -> str:
    done = daycount("keys", "create", "--account", account, "--role", role, "--definitions", redis_url)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def listed(redis_url: str, *words: str) -> list[list[str]]:
    done = daycount("keys", "list", *words, "--definitions", redis_url)
    assert done.returncode == 0, done.stderr
    return [line.split() for line in done.stdout.splitlines()]


def test_a_key_is_shown_once_listed_by_its_id_and_ends_when_it_is_revoked(redis_url: str) -> None:
    key = create(redis_url, "acme", "collect")
    assert re.fullmatch(r"dc_collect_[0-9a-f]{40}", key)
    create(redis_url, "zeta", "read")
    headings, row, _ = listed(redis_url)
    assert headings == ["id", "account", "role", "created"]
    assert row[1:3] == ["acme", "collect"] and re.fullmatch(r"[0-9a-f]{12}", row[0])
    assert [r[1] for r in listed(redis_url, "--account", "zeta")[1:]] == ["zeta"]
    with redis.Redis.from_url(redis_url) as client:
        assert key not in str(client.hgetall("keys"))

    done = daycount("keys", "revoke", row[0], "--definitions", redis_url)
    assert done.returncode == 0 and done.stdout.startswith(f"key {row[0]} of acme, collect: revoked")
    assert [r[1] for r in listed(redis_url)[1:]] == ["zeta"]
    assert "keys list" in refusal(daycount("keys", "revoke", row[0], "--definitions", redis_url))


def test_a_key_is_revoked_by_itself_too(redis_url: str) -> None:
    key = create(redis_url)
    assert daycount("keys", "revoke", key, "--definitions", redis_url).returncode == 0
    assert listed(redis_url) == []


@pytest.mark.parametrize(
    ("words", "word"),
    [
        (["create", "--role", "read"], "--account"),
        (["create", "--account", "acme"], "--role"),
        (["create", "--account", "acme", "--role", "god"], "collect"),
        (["create", "--account", "Acme Ltd", "--role", "read"], "a-z"),
        (["revoke"], "KEY"),
        (["revoke", "0123456789ab"], "0123456789ab"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(redis_url: str, words: list[str], word: str) -> None:
    assert word in refusal(daycount("keys", *words, "--definitions", redis_url))


def test_a_file_can_not_hold_keys_and_a_redis_that_is_gone_is_named() -> None:
    assert "redis://" in refusal(daycount("keys", "list", "--definitions", "shop.yaml"))
    assert "127.0.0.1:1" in refusal(daycount("keys", "list", "--definitions", "redis://127.0.0.1:1/0"))

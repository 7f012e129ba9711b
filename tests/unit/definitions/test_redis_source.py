"""Redis as a source: deleted accounts, a lost server, a server that comes back, hashes that are not parsed twice."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import redis

from pipeline.definitions.connection import DefinitionsUnavailable
from pipeline.definitions.source import RedisDefinitions, open_definitions
from pipeline.embedded_redis import embedded_redis
from pipeline.model.errors import UsageError
from tests.support.definitions import metric_document
from tests.support.own_time import OwnTime
from tests.support.redis_server import redis_binary

NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)


def put(client: redis.Redis, account: str, *metrics: dict[str, Any], **settings: Any) -> None:
    mapping = {f"metric:{metric['id']}": json.dumps(metric) for metric in metrics or [metric_document()]}
    client.hset(f"definitions:{account}", mapping={**mapping, "settings": json.dumps(settings)})


def test_a_hash_written_by_any_client_is_in_the_next_read(redis_url: str, client: redis.Redis):
    source = open_definitions(redis_url)
    assert source.read().accounts == {}
    put(client, "acme", timezone="Asia/Kolkata")
    first = source.read()
    assert first.accounts["acme"].settings.timezone == "Asia/Kolkata"
    put(client, "acme", metric_document(id="new"))
    assert list(source.read().accounts["acme"].metrics) == ["new", "orders"]


def test_nothing_changed_gives_the_very_same_snapshot(redis_url: str, client: redis.Redis):
    put(client, "acme")
    client.hset("definitions:broken", "metric:x", b"\xff")
    client.set("definitions:text", "not a hash")
    client.hset("definitions:Not An Account", "metric:x", "{}")
    source = open_definitions(redis_url)
    assert source.read() is source.read()


def test_only_hashes_that_changed_are_parsed_again(redis_url: str, client: redis.Redis, monkeypatch: pytest.MonkeyPatch):
    from pipeline.definitions import redis_reader

    parsed: list[str] = []
    parse = redis_reader.read_hash
    monkeypatch.setattr(
        redis_reader, "read_hash", lambda account, fields: (parsed.append(account), parse(account, fields))[1]
    )
    for account in ("acme", "beta", "gamma"):
        put(client, account, metric_document(id=account))
    source = open_definitions(redis_url)
    before = source.read()
    assert sorted(parsed) == ["acme", "beta", "gamma"]
    put(client, "beta", metric_document(id="new"))
    client.hset("definitions:acme", "epochs:hero", "{}")
    after = source.read()
    assert parsed[3:] == ["beta"]
    assert after.accounts["gamma"] is before.accounts["gamma"]
    client.delete("definitions:beta")
    source.read()
    put(client, "beta", metric_document(id="new"))
    source.read()
    assert parsed[4:] == ["beta"]


def test_many_accounts_come_in_batches(redis_url: str, client: redis.Redis):
    with client.pipeline() as pipeline:
        for number in range(450):
            pipeline.hset(f"definitions:a{number}", "metric:orders", json.dumps(metric_document()))
            pipeline.set(f"other:{number}", "x")
        pipeline.execute()
    accounts = open_definitions(redis_url).read().accounts
    assert len(accounts) == 450
    assert all(list(account.metrics) == ["orders"] for account in accounts.values())


def test_one_account_s_hash_gone_means_its_definitions_are_deleted(redis_url: str, client: redis.Redis):
    put(client, "acme")
    put(client, "beta")
    source = open_definitions(redis_url)
    source.read()
    client.delete("definitions:beta")
    assert list(source.read().accounts) == ["acme"]
    assert source.stale_since is None


def test_all_gone_at_once_means_redis_lost_them_and_the_last_snapshot_stays(redis_url: str, client: redis.Redis):
    put(client, "acme")
    put(client, "beta")
    source = RedisDefinitions(redis_url, clock=lambda: NOON)
    before = source.read()
    client.flushall()
    assert source.read() is before
    assert source.stale_since == NOON
    assert "has lost all definitions; push them again, the last known stay in force" in str(source.stale_reason)
    put(client, "acme")
    assert list(source.read().accounts) == ["acme"]
    assert source.stale_since is None


def test_equal_definitions_of_two_accounts_are_each_their_own(redis_url: str, client: redis.Redis):
    for account in ("acme", "beta"):
        put(client, account, metric_document(), metric_document(id="bad", where=3))
    source = open_definitions(redis_url)
    accounts = source.read().accounts
    assert [accounts[name].account for name in ("acme", "beta")] == ["acme", "beta"]
    assert accounts["acme"].metrics == accounts["beta"].metrics and accounts["acme"].problems == accounts["beta"].problems
    put(client, "beta", timezone="Asia/Kolkata")
    after = source.read().accounts
    assert [after[name].settings.timezone for name in ("acme", "beta")] == ["UTC", "Asia/Kolkata"]


def test_garbage_is_a_problem_and_not_a_crash(redis_url: str, client: redis.Redis):
    put(client, "acme", metric_document(), metric_document(id="bad", where=3))
    client.set("definitions:text", "not a hash")
    client.hset(b"definitions:\xff", "metric:x", "{}")
    snapshot = open_definitions(redis_url).read()
    assert list(snapshot.accounts["acme"].metrics) == ["orders"]
    assert list(snapshot.all_problems()) == [
        r"'\\xff': not an account's name; 1 to 64 of a-z, 0-9, _ and -",
        "acme: metric:bad: where: 3; write a condition such as {event: Order Completed}, or {} for every event",
        "text: definitions:text: not a hash; delete the key",
    ]


def test_a_server_that_ends_leaves_the_last_snapshot_in_force_and_one_that_is_back_is_read_again(tmp_path: Path):
    times = iter([NOON.replace(hour=11), NOON, NOON.replace(hour=13)])
    with embedded_redis(tmp_path, binary=redis_binary()) as url:
        client = redis.Redis.from_url(url)
        put(client, "acme")
        source = RedisDefinitions(url, clock=lambda: next(times))
        before = source.read()
        client.close()
    assert source.read() is before
    assert source.read() is before
    assert source.stale_since == NOON
    assert "cannot be reached" in str(source.stale_reason)
    with embedded_redis(tmp_path, binary=redis_binary(), port=int(url.rpartition(":")[2].partition("/")[0])):
        assert source.read() is before
        assert source.stale_since is None
    source.close()


def test_a_server_that_is_not_there_at_the_start_is_an_error_of_one_line_within_seconds():
    own = OwnTime()
    with pytest.raises(DefinitionsUnavailable) as refused:
        open_definitions("redis://user:secret@127.0.0.1:1/0").read()
    assert own.seconds() < 10  # the contract's bound
    assert str(refused.value) == (
        "Redis at 127.0.0.1:1 cannot be reached (Error 111 connecting to 127.0.0.1:1. Connection refused); "
        "start it, or correct the URL"
    )


def test_a_server_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch):
    import socket

    monkeypatch.setattr("pipeline.definitions.connection._TIMEOUT_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        with pytest.raises(DefinitionsUnavailable) as refused:
            open_definitions(f"redis://127.0.0.1:{mute.getsockname()[1]}/0").read()
        assert "cannot be reached (Timeout" in str(refused.value)


def test_a_password_that_is_missing_wrong_or_right(redis_url: str, client: redis.Redis):
    server = redis_url.removeprefix("redis://")
    client.config_set("requirepass", "secret word")
    try:
        for login in ("", ":wrong@"):
            with pytest.raises(DefinitionsUnavailable) as refused:
                open_definitions(f"redis://{login}{server}").read()
            assert "write the URL as redis://USER:PASSWORD@HOST:PORT/DB" in str(refused.value)
            assert "wrong@" not in str(refused.value)
        assert open_definitions(f"redis://:secret%20word@{server}").read().accounts == {}
    finally:
        with redis.Redis.from_url(f"redis://:secret%20word@{server}") as admin:
            admin.config_set("requirepass", "")


def test_a_command_that_is_not_permitted_is_an_error_and_not_an_empty_account(redis_url: str, client: redis.Redis):
    client.acl_setuser("reader", enabled=True, passwords=["+p"], keys=["*"], commands=["+scan", "+select", "+client"])
    put(client, "acme")
    with pytest.raises(DefinitionsUnavailable, match="refuses the login"):
        open_definitions(redis_url.replace("redis://", "redis://reader:p@")).read()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("redis://h:1/x", "Redis at h:1: x is not a database; write redis://HOST:PORT/DB, DB a number"),
        ("redis://h:x/0", "Redis at h:x: the URL is wrong (Port could not be cast to integer value as 'x')"),
        ("redis://h:99999/0", "Redis at h:99999: the URL is wrong (Port out of range 0-65535)"),
        ("redis://[::1/0", "the URL of Redis is wrong (Invalid IPv6 URL)"),
        ("redis://u:secret@h/0?stream=events", "Redis at h:6379: the URL is wrong ('stream')"),
    ],
)
def test_a_wrong_url_is_refused_before_anything_connects(url: str, said: str):
    with pytest.raises(UsageError) as refused:
        open_definitions(url)
    assert str(refused.value).removesuffix("; write redis://HOST:PORT/DB") == said


def test_a_database_that_does_not_exist_is_an_error(redis_url: str):
    with pytest.raises(DefinitionsUnavailable, match="refuses the command"):
        open_definitions(redis_url.replace("/0", "/99")).read()


def test_a_socket_that_is_not_there_is_an_error(tmp_path: Path):
    with pytest.raises(DefinitionsUnavailable, match=f"Redis at {tmp_path}/none.sock cannot be reached"):
        open_definitions(f"unix://{tmp_path}/none.sock").read()

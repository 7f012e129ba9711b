"""Redis gone, back, back without its data, or answering what it shouldn't: waited out, or one clear line."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.model.errors import RunError, UsageError
from pipeline.sources.outage import OUTAGE_MAX_S
from pipeline.sources.redis_stream import RedisStream
from tests.contract.source_contract import PATIENCE_S, QUIET_S, A, B, C, Reader, reading, records_of
from tests.support.own_time import OwnTime
from tests.support.ports import free_port
from tests.support.redis_feed import STREAM, RedisFeed
from tests.support.redis_proxy import RedisProxy, spoiling
from tests.support.redis_restarts import RestartedRedis

WITHIN_S = 10.0  # a mistake is told


@pytest.fixture
def server(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[RestartedRedis]:
    server = RestartedRedis(tmp_path, durable=getattr(request, "param", True))
    yield server
    server.stop()


@pytest.fixture
def proxy(redis_url: str) -> Iterator[RedisProxy]:
    with spoiling(redis_url) as proxy:
        yield proxy


def await_trouble(reader: Reader) -> str:
    """What it waits for, once it says so."""
    until = time.monotonic() + PATIENCE_S
    while reader.source.trouble is None:
        assert reader.take_within(0.0) == [] and time.monotonic() < until
        reader.take_within(0.05)
    return reader.source.trouble


def test_an_outage_is_waited_out_and_nothing_is_lost_or_taken_twice(server: RestartedRedis) -> None:
    feed = RedisFeed(server.url)
    feed.send(A, B)
    with reading(feed) as reader:
        reader.take(2)
        server.stop()
        assert "waiting for the input: Redis at 127.0.0.1" in await_trouble(reader)
        server.start()
        feed.send(C)
        assert records_of(reader.take(1)) == {C: 1}
        assert reader.source.trouble is None
        assert reader.take_within(QUIET_S) == []
        reader.acknowledge()
    assert feed.pending() == 0


def test_what_is_acknowledged_during_an_outage_is_told_to_redis_afterwards(server: RestartedRedis) -> None:
    feed = RedisFeed(server.url)
    feed.send(A, B)
    with reading(feed) as reader:
        reader.take(2)
        server.stop()
        reader.acknowledge()
        reader.source.backlog()
        server.start()
        feed.send(C)
        reader.take(1)
        assert feed.pending() == 1


@pytest.mark.parametrize("server", [False], indirect=True)
def test_redis_back_without_its_data_is_followed_from_its_new_beginning(server: RestartedRedis) -> None:
    feed = RedisFeed(server.url)
    feed.send(A)
    with reading(feed) as reader:
        reader.take(1)
        server.stop()
        server.start()
        feed.send(B)
        assert records_of(reader.take(1)) == {B: 1}
        reader.acknowledge()
    assert feed.pending() == 0


def test_a_group_destroyed_meanwhile_is_made_again_and_given_everything(feed: RedisFeed) -> None:
    feed.send(A)
    with reading(feed) as reader:
        reader.take(1)
        reader.acknowledge()
        feed.client.xgroup_destroy(STREAM, "daycount")
        feed.send(B)
        assert records_of(reader.take(2)) == {A: 1, B: 1}


def test_a_stream_deleted_meanwhile_is_made_again(feed: RedisFeed) -> None:
    with reading(feed) as reader:
        assert reader.take_within(0.1) == []
        feed.client.delete(STREAM)
        reader.take_within(0.1)
        feed.send(A)
        assert records_of(reader.take(1)) == {A: 1}


@pytest.mark.parametrize(
    "answer",
    [
        b"-LOADING Redis is loading the dataset in memory\r\n",
        b"-READONLY You can't write against a read only replica.\r\n",
        b"-MASTERDOWN Link with MASTER is down\r\n",
        b"-CLUSTERDOWN The cluster is down\r\n",
        b"-TRYAGAIN Multiple keys request during rehashing of slot\r\n",
        b"-OOM command not allowed when used memory > 'maxmemory'.\r\n",
        b"-MISCONF Errors writing to the AOF file\r\n",
        b"-NOREPLICAS Not enough good replicas to write.\r\n",
        b"-BUSY Redis is busy running a script.\r\n",
        b"-ERR max number of clients reached\r\n",
        b"HTTP/1.1 502 Bad Gateway\r\n\r\n",
        b"+OK\r\n",
        b":7\r\n",
        b"*1\r\n*1\r\n$1\r\nx\r\n",
        b"\x00\xff\x00",
    ],
)
def test_what_may_pass_is_waited_out(proxy: RedisProxy, answer: bytes) -> None:
    feed = RedisFeed(proxy.url)
    with reading(feed) as reader:
        feed.send(A)
        proxy.spoil(b"XREADGROUP", answer)
        assert "Redis at 127.0.0.1" in await_trouble(reader)
        proxy.mend()
        assert records_of(reader.take(1)) == {A: 1}


@pytest.mark.parametrize(
    "answer",
    [
        b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n",
        b"-NOPERM this user has no permissions to run the 'xreadgroup' command\r\n",
        b"-NOAUTH Authentication required.\r\n",
        b"-MOVED 3999 127.0.0.1:6381\r\n",
        b"-ERR unknown command 'XREADGROUP'\r\n",
    ],
)
def test_what_does_not_pass_by_itself_ends_the_run_with_one_line(proxy: RedisProxy, answer: bytes) -> None:
    with reading(RedisFeed(proxy.url)) as reader:
        proxy.spoil(b"XREADGROUP", answer)
        with pytest.raises(RunError, match=r"127\.0\.0\.1") as ended:
            await_trouble(reader)
    assert "\n" not in str(ended.value)


def test_a_run_that_takes_what_there_is_does_not_wait_for_ever(server: RestartedRedis) -> None:
    feed, now = RedisFeed(server.url), [0.0]
    feed.send(*[A] * 1000)
    with closing(RedisStream(feed.url, block_bytes=1, clock=lambda: now[0])) as source:
        blocks = source.blocks()
        assert next(blocks) is not None
        server.stop()
        with pytest.raises(RunError, match="what stood before is counted, run it again"):
            for _ in blocks:
                now[0] += OUTAGE_MAX_S / 10
    assert now[0] >= OUTAGE_MAX_S


def test_a_key_that_is_no_stream_is_refused(feed: RedisFeed) -> None:
    feed.client.set(STREAM, "x")
    with pytest.raises(UsageError, match=f"stream {STREAM} of Redis at .* is there, but no stream; name another"):
        feed.open()


def test_a_redis_that_is_too_old_is_refused(proxy: RedisProxy) -> None:
    proxy.spoil(b"XAUTOCLAIM", b"-ERR unknown command `XAUTOCLAIM`, with args beginning with: \r\n")
    assert "Redis 6.2 is needed" in refused_in_time(proxy.url)


def test_a_login_that_is_refused_is_told_without_the_password(redis_url: str) -> None:
    url = redis_url.replace("redis://", "redis://somebody:secret@")
    with pytest.raises(UsageError, match="refuses the login") as refused:
        RedisStream(f"{url}?stream={STREAM}")
    assert "secret" not in str(refused.value)


def test_a_server_that_is_not_there_is_told_in_time() -> None:
    assert "cannot be reached" in refused_in_time(f"redis://127.0.0.1:{free_port()}/0")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"+OK\r\n",
        b"*1\r\n+x\r\n",
        b"-ERR go away\r\n",
        bytes(range(256)),
        b"$-5\r\n",
    ],
)
def test_something_else_that_listens_there_is_told_in_time(proxy: RedisProxy, answer: bytes) -> None:
    proxy.spoil(b"", answer)
    assert "127.0.0.1" in refused_in_time(proxy.url)


def refused_in_time(url: str) -> str:
    own = OwnTime()
    with pytest.raises(UsageError) as refused:
        RedisStream(f"{url}?stream={STREAM}")
    assert own.seconds() < WITHIN_S and "\n" not in str(refused.value)
    return str(refused.value)

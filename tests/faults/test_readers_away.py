"""What the read service stands on goes away: it says so soon, goes on with what it knows, and recovers by itself."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis

from pipeline.store import open_store
from tests.support.collecting import create_key, wait_until
from tests.support.emulators import BigtableEmulator, find_bigtable_emulator
from tests.support.ports import free_port
from tests.support.redis_restarts import RestartedRedis
from tests.support.serving import ORDERS, QUERY, ROWS, ReaderProcess, fill, put_definitions, serving, write_small_store

PATIENCE_S = 120.0  # of a client; the service gives up before
AT_ONCE = 40  # requests, five times the threads that read
BODY = json.dumps(QUERY).encode()
HEAD = b"POST /v1/query HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
RAW = HEAD % len(BODY) + BODY
UNAVAILABLE = b"HTTP/1.1 503"


def ask(reader: ReaderProcess, key: str | None = None) -> httpx.Response:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return httpx.post(f"{reader.url}/v1/query", json=QUERY, headers=headers, timeout=PATIENCE_S)


def readiness(reader: ReaderProcess) -> httpx.Response:
    return httpx.get(f"{reader.url}/readyz", timeout=PATIENCE_S)


def assert_unavailable(answer: httpx.Response, word: str) -> None:
    """A problem that says when to come back, and nothing of what the service stands on."""
    assert answer.status_code == 503, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) > 0
    assert word in answer.json()["detail"]
    assert "sqlite" not in answer.text and "127.0.0.1" not in answer.text


def wait_until_missed(reader: ReaderProcess) -> None:
    """What is held is given out for a second still."""
    wait_until(lambda: ask(reader).status_code == 503, "a query that needs the store")


def assert_away(reader: ReaderProcess) -> None:
    """However many ask at once, each is told soon; and the process lives."""
    wait_until_missed(reader)
    with ThreadPoolExecutor(AT_ONCE) as clients:
        for answer in clients.map(lambda _: ask(reader), range(AT_ONCE)):
            assert_unavailable(answer, "try again")
    assert_unavailable(readiness(reader), "store does not answer")
    assert httpx.get(f"{reader.url}/healthz", timeout=PATIENCE_S).status_code == 200
    told = httpx.get(f"{reader.url}/metrics", timeout=PATIENCE_S).text
    assert float(told.partition("\ndaycount_store_errors_total ")[2].split()[0]) >= AT_ONCE


def assert_recovers(reader: ReaderProcess) -> None:
    wait_until(lambda: readiness(reader).status_code == 200, "readiness")
    for _ in range(AT_ONCE):
        assert_answers(ask(reader))


def assert_answers(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    assert body["results"] == ROWS
    return body


@pytest.fixture
def places(tmp_path: Path) -> tuple[str, str]:
    return write_small_store(tmp_path)


def test_a_file_that_is_removed_is_missed_and_taken_again_when_it_is_back(places: tuple[str, str], tmp_path: Path) -> None:
    with serving("--store", places[0], "--definitions", places[1], "--no-auth") as reader:
        assert_answers(ask(reader))
        for kept in tmp_path.glob("numbers.db*"):
            kept.rename(kept.with_name(f"away-{kept.name}"))
        assert_away(reader)
        for kept in tmp_path.glob("away-*"):
            kept.rename(kept.with_name(kept.name.removeprefix("away-")))
        assert_recovers(reader)
        assert reader.end() == 0


def test_a_copy_put_in_its_place_is_read_without_an_error(places: tuple[str, str], tmp_path: Path) -> None:
    with serving("--store", places[0], "--definitions", places[1], "--no-auth") as reader:
        assert_answers(ask(reader))
        (tmp_path / "newer").mkdir()
        with closing(open_store(f"sqlite:///{tmp_path}/newer/numbers.db", create=True)) as newer:
            fill(newer, places[1], orders=3)
        os.replace(tmp_path / "newer" / "numbers.db", tmp_path / "numbers.db")
        answers = [ask(reader) for _ in range(AT_ONCE)]
        assert {answer.status_code for answer in answers} == {200}
        assert {answer.json()["results"][0]["metrics"][0] for answer in answers} == {3}
        assert reader.end() == 0


def test_a_file_that_somebody_locks_is_waited_for_a_few_seconds(places: tuple[str, str], tmp_path: Path) -> None:
    with serving("--store", places[0], "--definitions", places[1], "--no-auth") as reader:
        with closing(sqlite3.connect(tmp_path / "numbers.db", isolation_level=None)) as other:
            other.execute("PRAGMA locking_mode=EXCLUSIVE")
            other.execute("BEGIN EXCLUSIVE")
            assert_away(reader)
        assert_recovers(reader)
        assert reader.end() == 0


@pytest.fixture
def emulator(bigtable_emulator: BigtableEmulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[BigtableEmulator]:
    program = find_bigtable_emulator()  # the other one says where there is none
    assert program is not None
    own = BigtableEmulator(program, str(free_port()))
    monkeypatch.setenv("BIGTABLE_EMULATOR_HOST", own.host)
    yield own
    own.stop()


BIGTABLE = "bigtable://test-project/test-instance"


def fill_bigtable(definitions: str) -> None:
    with closing(open_store(BIGTABLE, create=True)) as store:
        fill(store, definitions)


def test_a_bigtable_that_hangs_holds_nobody_up_for_ever(places: tuple[str, str], emulator: BigtableEmulator) -> None:
    fill_bigtable(places[1])
    with serving("--store", BIGTABLE, "--definitions", places[1], "--no-auth") as reader:
        assert_answers(ask(reader))
        with emulator.stalled():
            assert_away(reader)
        assert_recovers(reader)
        assert reader.end() == 0


def test_a_bigtable_that_was_killed_is_read_again_when_it_is_back(
    places: tuple[str, str], emulator: BigtableEmulator
) -> None:
    fill_bigtable(places[1])
    with serving("--store", BIGTABLE, "--definitions", places[1], "--no-auth") as reader:
        assert_answers(ask(reader))
        emulator.stop()
        assert_away(reader)
        program = find_bigtable_emulator()
        assert program is not None
        again = BigtableEmulator(program, emulator.host.rpartition(":")[2])
        try:
            assert_unavailable(ask(reader), "try again")  # it has lost its tables
            fill_bigtable(places[1])
            assert_recovers(reader)
        finally:
            again.stop()
        assert reader.end() == 0


def test_told_to_end_while_its_store_hangs_it_ends(places: tuple[str, str], emulator: BigtableEmulator) -> None:
    fill_bigtable(places[1])
    with serving("--store", BIGTABLE, "--definitions", places[1], "--no-auth") as reader:
        assert_answers(ask(reader))
        with emulator.stalled(), ExitStack() as opened:
            wait_until_missed(reader)
            # At one moment: those that ask first are told after some seconds, so none may have to be begun meanwhile.
            asked = [opened.enter_context(closing(reader.connect(PATIENCE_S))) for _ in range(AT_ONCE)]
            for connection in asked:
                connection.sendall(RAW)
            wait_until(lambda: in_progress(reader) > AT_ONCE, "all of them to ask")
            assert reader.end() == 0
            for connection in asked:
                with suppress(ConnectionError):
                    assert (connection.recv(len(UNAVAILABLE), socket.MSG_WAITALL) or UNAVAILABLE) == UNAVAILABLE


def in_progress(reader: ReaderProcess) -> float:
    told = httpx.get(f"{reader.url}/metrics", timeout=PATIENCE_S).text
    return float(told.partition("\ndaycount_http_requests_in_progress ")[2].split()[0])


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RestartedRedis]:
    own = RestartedRedis(tmp_path / "redis")
    put_definitions(own.url)
    yield own
    own.stop()


@contextmanager
def hanging(own: RestartedRedis) -> Iterator[None]:
    """It takes in everything and answers nothing."""
    with redis.Redis.from_url(own.url) as client:
        pid = client.info("server")["process_id"]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def ended(own: RestartedRedis) -> Iterator[None]:
    own.stop()
    yield
    own.start()


@pytest.mark.parametrize("away", [ended, hanging])
def test_while_redis_is_away_reads_go_on_with_what_is_known_and_say_so(
    places: tuple[str, str], own_redis: RestartedRedis, away: Callable[[RestartedRedis], AbstractContextManager[None]]
) -> None:
    known, unseen = (create_key(own_redis.url, "acme", "write") for _ in range(2))
    with serving("--store", places[0], "--definitions", own_redis.url) as reader:
        assert assert_answers(ask(reader, known))["meta"]["warnings"] == []
        with away(own_redis):
            wait_until(lambda: readiness(reader).status_code == 503, "readiness to fail")
            assert_unavailable(readiness(reader), "definitions")
            with ThreadPoolExecutor(AT_ONCE) as clients:
                strangers = [clients.submit(ask, reader, f"dc_read_{n}") for n in range(AT_ONCE - 1)]
                for _ in range(AT_ONCE):
                    answer = ask(reader, known)
                    (warning,) = assert_answers(answer)["meta"]["warnings"]
                    assert "last known" in warning and answer.headers["daycount-warning"] == warning
                for one in [*(stranger.result() for stranger in strangers), ask(reader, unseen)]:
                    assert_unavailable(one, "API key")
            assert_unavailable(put_metric(reader, known), "Redis")
        wait_until(lambda: readiness(reader).status_code == 200, "readiness")
        wait_until(lambda: ask(reader, unseen).status_code == 200, "the other key to work")
        answer = ask(reader, known)
        assert assert_answers(answer)["meta"]["warnings"] == [] and "daycount-warning" not in answer.headers
        assert reader.end() == 0


def put_metric(reader: ReaderProcess, key: str) -> httpx.Response:
    headers = {"authorization": f"Bearer {key}"}
    return httpx.put(f"{reader.url}/v1/metrics/big_orders", json=ORDERS, headers=headers, timeout=PATIENCE_S)

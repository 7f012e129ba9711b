"""Whatever is sent to a read service: an answer below 500 or none, bounded time and memory, and it goes on."""

from __future__ import annotations

import json
import random
import re
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest

from tests.support.seeds import seeds
from tests.support.serving import QUERY, ROWS, ReaderProcess, serving, write_small_store

DEADLINE_S = 60.0
PEAK_MB_MAX = 400
HEAD = b"POST /v1/query HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
BODY = json.dumps(QUERY).encode()
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
IDLE = 1_000
MIB = 1 << 20


def post(body: bytes, *headers: bytes) -> bytes:
    return HEAD + b"".join(h + b"\r\n" for h in headers) + b"Content-Length: %d\r\n\r\n" % len(body) + body


def get(target: bytes, *headers: bytes, method: bytes = b"GET") -> bytes:
    return method + b" " + target + b" HTTP/1.1\r\nHost: x\r\n" + b"".join(h + b"\r\n" for h in headers) + b"\r\n"


ODD_REQUESTS = [
    b"",
    b"\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS
    b"GET / HTTP/0.9\r\n\r\n",
    b"GET /v1/query\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",  # no Host
    get(b"/v1/query?metrics=%ff%fe&date_range=\xc3\x28"),
    get(b"/v1/query?metrics=%ff%fe&date_range=%c3%28"),
    get(b"/v1/query?" + b"&".join(b"a%d=1" % n for n in range(1000))),
    get(b"/v1/query?metrics=" + b"a" * 60_000),
    get(b"/v1/metrics/%00"),
    get(b"/v1/metrics/%ed%a0%80"),
    get(b"/v1/metrics/..%2f..%2f..%2fetc%2fpasswd"),
    get(b"/../../etc/passwd"),
    get(b"//v1//metrics"),
    get(b"/v1/metrics/"),
    get(b"/docs/..%2f..%2fparts.py"),
    get(b"/static/..%2f..%2f/app.py"),
    get(b"http://elsewhere/v1/metrics"),
    get(b"*", method=b"OPTIONS"),
    get(b"elsewhere:443", method=b"CONNECT"),
    get(b"/v1/query", method=b"BREW"),
    get(b"/v1/query", method=b"X" * 5_000),
    get(b"/healthz", b"Upgrade: websocket", b"Connection: Upgrade"),
    get(b"/healthz", b"X-A: " + b"a" * 200_000),
    get(b"/healthz", *(b"X-%d: a" % n for n in range(10_000))),
    get(b"/healthz", b"If-None-Match: " + b'"a",' * 3_000),
    get(b"/v1/metrics", b"Authorization: Bearer \xff\xfe"),
    get(b"/v1/metrics", b"Authorization: " + b"Bearer " * 1_000),
    get(b"/v1/metrics", b"Accept-Encoding: \xff", b"If-None-Match: \xff"),
    get(b"/healthz", b"Bad Name: x"),
    get(b"/healthz", b"X: a\x00b"),
    get(b"/healthz", b" folded: x"),
    HEAD + b"Content-Length: -5\r\n\r\n",
    HEAD + b"Content-Length: 99999999999999999999\r\n\r\n",
    HEAD + b"Content-Length: \xb2\r\n\r\n",
    HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    CHUNKED + b"zzz\r\n",
    CHUNKED + b"ffffffffffffffff\r\nx",
    CHUNKED + b"5;" + b"e" * 100_000 + b"\r\nhello\r\n0\r\n\r\n",
    CHUNKED + b"1\r\n{\r\n" * 1_000 + b"0\r\n" + b"T: x\r\n" * 10_000 + b"\r\n",
    post(b"[" * MIB),
    post(b'{"metrics":' + b"[" * 500_000),
    post(b'{"metrics":[' + b'"a",' * 200_000 + b'"a"]}'),
    post(b'{"metrics":["\\ud800"],"date_range":"7d"}'),
    post(b'{"metrics":["a"],"date_range":"7d","limit":' + b"9" * 1_000_000 + b"}"),
    post(BODY[:-3]),
    post(b"\xff" * 1_000),
    post(b"", b"Expect: 100-continue"),
    post(BODY, b"Content-Encoding: gzip"),
    b"PUT /v1/metrics/x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
]


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[ReaderProcess]:
    store, definitions = write_small_store(tmp_path)
    with serving("--store", store, "--definitions", definitions, "--no-auth") as running:
        yield running


def statuses(answer: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3})", answer)]


def to_the_end(connection: socket.socket) -> bytes:
    """All that is still said on a connection."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


def assert_answers(reader: ReaderProcess) -> None:
    assert httpx.post(f"{reader.url}/v1/query", json=QUERY, timeout=DEADLINE_S).json()["results"] == ROWS


def assert_goes_on(reader: ReaderProcess) -> None:
    assert_answers(reader)
    assert reader.memory_mb[1] < PEAK_MB_MAX
    assert reader.end() == 0
    assert not any("Traceback" in line for line in reader.said), "".join(reader.said)


def test_odd_requests_get_an_answer_below_500_or_none(reader: ReaderProcess) -> None:
    for sent in ODD_REQUESTS:
        found = statuses(reader.exchange(sent))
        assert all(status < 500 for status in found), (sent[:100], found)
        half = statuses(reader.exchange(sent[: len(sent) // 2]))
        assert all(status < 500 for status in half), (sent[:100], half)
    assert_goes_on(reader)


@pytest.mark.parametrize("seed", seeds(1))
def test_random_changes_to_good_requests_break_nothing(reader: ReaderProcess, seed: int) -> None:
    rng = random.Random(seed)
    target = b"/v1/query?metrics=big_orders&date_range=7d&dimensions=time:day&filter=properties.variationName=A"
    good = [post(BODY), get(target, b"If-None-Match: *"), get(b"/v1/metrics/big_orders"), CHUNKED + b"2\r\n{}\r\n0\r\n\r\n"]
    for _ in range(300):
        sent = bytearray(rng.choice(good))
        for _ in range(rng.randint(1, 8)):
            at = rng.randrange(len(sent))
            match rng.randrange(3):
                case 0:
                    sent[at] = rng.randrange(256)
                case 1:
                    del sent[at : at + rng.randint(1, 20)]
                case _:
                    sent[at:at] = bytes(rng.randrange(256) for _ in range(rng.randint(1, 20)))
            if not sent:
                break
        found = statuses(reader.exchange(bytes(sent)))
        assert all(status < 500 for status in found), (bytes(sent), found)
    assert_goes_on(reader)


def test_a_body_over_1_mib_is_refused_and_not_read_to_its_end(reader: ReaderProcess) -> None:
    with reader.connect() as connection:
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % (1 << 40))
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")
    for head, part in [
        (CHUNKED, b"10000\r\n" + b" " * 65536 + b"\r\n"),
        (HEAD + b"Content-Length: 99999999999\r\n\r\n", b" " * 65536),
    ]:
        with reader.connect() as connection, pytest.raises(ConnectionError):
            connection.sendall(head)
            for _ in range(4_096):  # 256 MiB: it doesn't take that much
                connection.sendall(part)
    assert_goes_on(reader)


def test_slow_clients_are_cut_off_and_hold_up_nobody(reader: ReaderProcess) -> None:
    """What is said at the start, what dribbles in then, and the answers before the connection ends."""
    stories = [
        (b"", b"", []),
        (b"GET / HTTP/1.1\r\n", b"X-A: a\r\n", []),
        (HEAD + b"Content-Length: 100000\r\n\r\n", b" ", [408]),
        (CHUNKED, b"1\r\n \r\n", [408]),
        (b"DELETE /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n", b" ", [405]),
        (get(b"/healthz") + b"GET / HT", b"X", [200]),
    ]
    with ExitStack() as opened:
        clients = [opened.enter_context(reader.connect(0.01)) for _ in stories]
        for client, (start, _, _) in zip(clients, stories, strict=True):
            client.sendall(start)
        heard = [b""] * len(stories)
        waiting, deadline = set(range(len(stories))), time.monotonic() + DEADLINE_S
        while waiting:
            assert time.monotonic() < deadline, f"still open: {[stories[at][0] for at in waiting]}"
            assert_answers(reader)
            for at in sorted(waiting):
                ended, more = dribble(clients[at], stories[at][1])
                heard[at] += more
                waiting -= {at} if ended else set()
            time.sleep(0.2)  # the pace of a slow client
    assert [statuses(answer) for answer in heard] == [expected for _, _, expected in stories]
    assert_goes_on(reader)


def dribble(client: socket.socket, sent: bytes) -> tuple[bool, bytes]:
    """Send a little more: whether the other side has ended the connection, and what it said."""
    try:
        with suppress(ConnectionError):  # what it said before it ended the connection is still to be read
            client.sendall(sent)
        heard = client.recv(65536)
        return not heard, heard
    except TimeoutError:
        return False, b""
    except ConnectionError:
        return True, b""


def test_a_thousand_open_connections_leave_room_for_others(reader: ReaderProcess) -> None:
    before_mb, _ = reader.memory_mb
    with ExitStack() as opened:
        for at in range(IDLE):
            client = opened.enter_context(reader.connect())
            client.sendall([b"", b"GET / HT", get(b"/healthz"), HEAD + b"Content-Length: 9\r\n\r\n"][at % 4])
            if at % 100 == 0:
                assert_answers(reader)
        assert_answers(reader)
        assert reader.memory_mb[0] - before_mb < 150
    assert_goes_on(reader)


def test_a_client_that_does_not_read_takes_bounded_memory(reader: ReaderProcess) -> None:
    before_mb, _ = reader.memory_mb
    with ExitStack() as opened:
        for _ in range(20):
            client = opened.enter_context(reader.connect(0.2))
            with pytest.raises(TimeoutError):
                while True:
                    client.sendall(get(b"/docs/swagger-ui-bundle.js") * 1_000)
        assert_answers(reader)
        assert reader.memory_mb[0] - before_mb < 150
    assert_goes_on(reader)


def test_requests_in_a_row_on_one_connection_are_answered_in_order(reader: ReaderProcess) -> None:
    requests = [
        get(b"/healthz"),
        post(BODY),
        get(b"/nothing"),
        post(b"{"),
        get(b"/v1/metrics/big_orders"),
        get(b"/healthz", b"Connection: close"),
    ]
    with reader.connect() as connection:
        connection.sendall(b"".join(requests))
        assert statuses(to_the_end(connection)) == [200, 200, 404, 400, 200, 200]
    assert_goes_on(reader)


def test_head_says_what_get_says_without_the_body(reader: ReaderProcess) -> None:
    for path in ("/healthz", "/v1/metrics", "/v1/query?metrics=big_orders.orders", "/openapi.json", "/"):
        full, head = httpx.get(reader.url + path, timeout=60), httpx.head(reader.url + path, timeout=60)
        assert (head.status_code, head.content) == (200, b""), path
        assert {k: v for k, v in head.headers.items() if k != "date"} == {
            k: v for k, v in full.headers.items() if k != "date"
        }
    assert httpx.request("BREW", f"{reader.url}/v1/query", timeout=60).headers["allow"]
    assert_goes_on(reader)


def test_told_to_end_it_finishes_what_it_has_begun(reader: ReaderProcess) -> None:
    with reader.connect() as begun, reader.connect() as idle:
        begun.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY[:10])
        assert_answers(reader)  # it has seen the beginning by now
        reader.process.send_signal(signal.SIGTERM)
        assert idle.recv(1) == b""  # who has asked for nothing is let go of at once
        begun.sendall(BODY[10:])
        answer = to_the_end(begun)
    assert statuses(answer) == [200] and b'"results":[{' in answer
    assert reader.ended() == 0

"""Whatever is sent to a collector: an answer below 500 or none, no traceback, bounded memory, and it goes on."""

from __future__ import annotations

import gzip
import json
import random
import re
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.collecting import CollectorProcess, collecting, lines_of
from tests.support.daycount import Shop, kept_rejects
from tests.support.records import ORDERS
from tests.support.seeds import seeds

LOCAL = ("--no-auth", "--account", "shop")
HEAD = b"POST /v1/batch HTTP/1.1\r\nHost: x\r\n"
GOOD = b'{"batch":[{"messageId":"good","event":"Order Completed","userId":"u"}]}'
BOMB = gzip.compress(b" " * 100_000_000, 9)
PEAK_MB_MAX = 400  # two dozen bodies of 1 MiB at a time are nothing beside the interpreter


def post(body: bytes, *headers: bytes) -> bytes:
    return HEAD + b"".join(h + b"\r\n" for h in headers) + b"Content-Length: %d\r\n\r\n" % len(body) + body


ODD_REQUESTS = [
    b"",
    b"\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS
    b"GET / HTTP/0.9\r\n\r\n",
    b"GET /v1/batch\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"POST /v1/%ff%fe HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST //v1//batch HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST http://elsewhere/v1/batch HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
    b"POST /v1/batch?writeKey=%ff HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
    b"POST /v1/batch HTTP/1.1\r\n" + b"X-A: " + b"a" * 200_000 + b"\r\n\r\n",
    HEAD + b"Content-Length: -5\r\n\r\n",
    HEAD + b"Content-Length: 99999999999999999999\r\n\r\n",
    HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    HEAD + b"Transfer-Encoding: chunked\r\n\r\nzzz\r\n",
    HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx",
    HEAD + b"Upgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 2\r\n\r\n{}",
    HEAD + b"Authorization: Basic \xff\xfe\r\nContent-Length: 2\r\n\r\n{}",
    HEAD + b"Content-Encoding: gzip\r\nContent-Length: 1000\r\n\r\n" + BOMB[:1000],
    post(BOMB, b"Content-Encoding: gzip"),
    post(b"x" * 3_000_000),
    post(b'{"batch":' + b"[" * 500_000),
    post(b'{"batch":[' + b'{"a":' * 150_000 + b"}" * 150_000 + b"]}"),
    post(b'{"batch":[' + b"0," * 300_000 + b"0]}"),
    post(b'{"batch":[{"n":' + b"9" * 1_000_000 + b"}]}"),
    post(b'{"batch":[{"a":"\\ud800","\xff":NaN}]}'),
    post(b'{"batch":[{"account":"other","event":"Order Completed","userId":"u"}]}'),
    post(b""),
    post(b"\x00" * 1000),
]


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[CollectorProcess]:
    with collecting("--to", str(tmp_path / "events"), *LOCAL) as running:
        yield running


def statuses(collector: CollectorProcess, sent: bytes) -> list[int]:
    """The answers to what is sent on one connection, which is closed for sending then."""
    with socket.create_connection(("127.0.0.1", int(collector.port)), timeout=60) as connection:
        answer = b""
        try:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65536):
                answer += part
        except OSError:  # it is cut off at the other end, whatever of it that shows in first
            pass
    return [int(status) for status in re.findall(rb"(?m)^HTTP/1\.1 (\d{3})", answer)]


def peak_mb(collector: CollectorProcess) -> float:
    """The most memory that its process ever had."""
    status = Path(f"/proc/{collector.process.pid}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) / 1024


def assert_goes_on(collector: CollectorProcess) -> None:
    assert httpx.post(f"{collector.url}/v1/batch", content=GOOD, timeout=60).json() == {"success": True}
    assert peak_mb(collector) < PEAK_MB_MAX
    assert collector.end() == 0
    assert not any("Traceback" in line for line in collector.said), "".join(collector.said)


def test_odd_requests_get_an_answer_below_500_or_none(collector: CollectorProcess) -> None:
    for sent in ODD_REQUESTS:
        found = statuses(collector, sent)
        assert all(status < 500 for status in found), (sent[:100], found)
        assert statuses(collector, sent[: len(sent) // 2]) in ([], [400], [404], [413], found), sent[:100]
    assert_goes_on(collector)


@pytest.mark.parametrize("seed", seeds(1))
def test_random_changes_to_a_good_request_break_nothing(collector: CollectorProcess, seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(150):
        sent = bytearray(post(GOOD, b"Content-Type: application/json", b"Authorization: Basic azo="))
        for _ in range(rng.randrange(1, 6)):
            at = rng.randrange(len(sent))
            sent[at : at + rng.choice((0, 1, 3))] = rng.randbytes(rng.choice((0, 1, 2)))
        assert all(status < 500 for status in statuses(collector, bytes(sent))), bytes(sent)
    assert_goes_on(collector)


def test_bombs_and_large_bodies_at_once_stay_within_bounds(collector: CollectorProcess) -> None:
    large = post(b'{"batch":[' + b",".join([b'{"event":"%s"}' % (b"x" * 1000)] * 1000) + b"]}")
    sent = [large, post(BOMB, b"Content-Encoding: gzip"), post(b'{"batch":[%s1]}' % (b"1," * 4000))]
    answers: list[list[int]] = []
    senders = [threading.Thread(target=lambda s=s: answers.append(statuses(collector, s))) for s in sent * 8]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert len(answers) == len(senders) and {status for found in answers for status in found} <= {200, 413, 429}
    assert_goes_on(collector)


def test_a_body_that_never_ends_holds_up_nobody_and_not_the_end_either(collector: CollectorProcess) -> None:
    with socket.create_connection(("127.0.0.1", int(collector.port)), timeout=60) as slow:
        slow.sendall(HEAD + b'Content-Length: 1000\r\n\r\n{"batch":')
        assert httpx.post(f"{collector.url}/v1/batch", content=GOOD, timeout=60).status_code == 200
        collector.process.send_signal(signal.SIGTERM)
        answer = slow.recv(65536)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 5")  # no success: 503, or 500 where the loop ends first
        assert collector.ended() == 0
    assert not any("Traceback" in line for line in collector.said), "".join(collector.said)


def test_what_is_wrong_with_events_is_in_the_rejects_and_touches_no_other_account(tmp_path: Path) -> None:
    bad = [b"5", b'{"n":NaN}', b'{"t":"\\ud83d"}', b'{"account":"other","event":"Order Completed","userId":"u"}']
    body = b'{"batch":[%s]}' % b",".join([*bad, b'{"messageId":"m","event":"Order Completed","userId":"u"}'])
    with collecting("--to", str(tmp_path / "events"), *LOCAL) as collector:
        assert httpx.post(f"{collector.url}/v1/batch", content=body, timeout=60).status_code == 200
        assert collector.end() == 0
    assert len(lines_of(tmp_path / "events")) == 5
    documents = [json.dumps({"account": account, "metrics": [ORDERS]}) for account in ("shop", "other")]
    (tmp_path / "both.yaml").write_text("\n---\n".join(documents))
    shop = Shop(f"sqlite:///{tmp_path}/numbers.db", str(tmp_path / "both.yaml"))
    summary = shop.run(f"{tmp_path}/events/*.jsonl")
    assert summary["rejects"] == {"not_json": 2, "not_an_object": 1, "wrong_account": 1}
    assert {reject["account"] for reject in kept_rejects(tmp_path / "numbers.db.rejects.jsonl")} == {"shop"}

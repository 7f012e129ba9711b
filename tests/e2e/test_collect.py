"""Segment's own Python client sends to `daycount collect`; nothing it got an answer for is lost, whatever ends meanwhile."""

from __future__ import annotations

import json
import resource
import signal
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
import redis

from pipeline.embedded_redis import embedded_redis
from tests.support.collecting import Sender, collecting, create_key, events_of, lines_of, wait_until
from tests.support.daycount import Shop, daycount, named, refusal, write_definitions
from tests.support.records import ORDERS
from tests.support.redis_server import redis_binary

LOCAL = ("--no-auth", "--account", "shop")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "events"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    definitions = write_definitions(tmp_path / "shop.yaml", ORDERS)
    return Shop(f"sqlite:///{tmp_path}/numbers.db", definitions)


def order(sender: Sender, count: int, first: int = 0) -> None:
    """Orders of 1.10, 2.10 …, by three visitors."""
    for n in range(first, first + count):
        sender.track(f"u{n % 3}", "Order Completed", {"total": n + 1.1})


def assert_counted(shop: Shop, folder: Path, sent: int) -> dict[str, int]:
    """A run over the folder counts each event once, to the last decimal; its summary."""
    summary = shop.run(f"{folder}/*.jsonl")
    row = named(shop.query("orders"))[()]
    cents = sum(110 + 100 * n for n in range(sent))
    assert (row["orders.n"], row["orders.buyers"], row["orders.revenue"] * 100) == (sent, 3, cents)
    return summary


@pytest.mark.parametrize("gzip", [False, True], ids=["plain", "gzip"])
def test_what_segments_client_sends_is_counted_to_the_last_decimal(
    redis_url: str, folder: Path, shop: Shop, gzip: bool
) -> None:
    key = create_key(redis_url, "shop")
    with collecting("--to", str(folder), "--definitions", redis_url) as collector:
        sender = Sender(collector.url, key, gzip=gzip)
        order(sender, 130)
        sender.client.page("u1", name="Home")
        sender.client.identify("u1", {"plan": "free"})
        sender.close()
        assert sender.failures == [] and collector.end() == 0 and collector.said == []
    events = events_of(lines_of(folder))
    assert {event["type"] for event in events} == {"track", "page", "identify"}
    assert all(event["anonymousId"] is None and event["account"] == "shop" for event in events)
    assert all(event["sentAt"].endswith("+00:00") and event["receivedAt"].endswith("Z") for event in events)
    assert key not in str(events)
    assert assert_counted(shop, folder, 130)["rejects"] == {}


def test_a_collector_killed_in_the_middle_loses_nothing_it_acknowledged(folder: Path, shop: Shop) -> None:
    with collecting("--to", str(folder), *LOCAL) as first:
        sender = Sender(first.url, "any")
        order(sender, 300)
        wait_until(lambda: bool(folder.exists() and lines_of(folder)), "the first events")
        order(sender, 300, first=300)
        first.end(signal.SIGKILL)
        order(sender, 100, first=600)
        with collecting("--to", str(folder), *LOCAL, "--port", first.port) as second:
            sender.close()
            assert second.end() == 0
    assert sender.failures == []
    assert {event["messageId"] for event in events_of(lines_of(folder))} == sender.ids
    assert_counted(shop, folder, 700)


def test_a_redis_that_ends_and_comes_back_gets_every_event_by_the_clients_retry(tmp_path: Path) -> None:
    running = ExitStack()
    with embedded_redis(tmp_path / "redis", binary=redis_binary()) as url:
        key = create_key(url, "shop")
        collector = running.enter_context(collecting("--to", f"{url}?stream=events", "--definitions", url))
        sender = Sender(collector.url, key)
        order(sender, 50)
        sender.client.flush()
    with running:
        order(sender, 50, first=50)
        wait_until(lambda: any("senders are told to try again" in line for line in collector.said), "a refusal")
        port = int(url.rpartition(":")[2].partition("/")[0])
        with embedded_redis(tmp_path / "redis", port=port, binary=redis_binary()), redis.Redis.from_url(url) as client:
            sender.close()
            assert sender.failures == []
            entries = [fields for _, fields in client.xrange("events")]
            assert {fields[b"account"] for fields in entries} == {b"shop"}
            assert {json.loads(fields[b"data"])["messageId"] for fields in entries} == sender.ids
            assert collector.end() == 0
            assert not any("Traceback" in line for line in collector.said)


def test_a_known_sender_goes_on_while_the_redis_that_holds_the_keys_is_gone(tmp_path: Path, folder: Path) -> None:
    running = ExitStack()
    with embedded_redis(tmp_path / "redis", binary=redis_binary()) as url:
        key = create_key(url, "shop")
        collector = running.enter_context(collecting("--to", str(folder), "--definitions", url))
        sender = Sender(collector.url, key)
        order(sender, 10)
        sender.client.flush()
    with running:
        order(sender, 10, first=10)
        sender.close()
        assert (
            httpx.post(f"{collector.url}/v1/batch", json={"batch": [{}]}, auth=("unseen", ""), timeout=60).status_code == 503
        )
        assert collector.end() == 0
    assert sender.failures == []
    ids = [event["messageId"] for event in events_of(lines_of(folder))]
    # An event whose answer was late is sent once more.
    assert list(dict.fromkeys(ids)) == [message["messageId"] for message in sender.sent]


def test_a_revoked_key_and_one_that_only_reads_send_nothing(redis_url: str, folder: Path) -> None:
    reads, ended = create_key(redis_url, "shop", "read"), create_key(redis_url, "shop")
    assert daycount("keys", "revoke", ended, "--definitions", redis_url).returncode == 0
    with collecting("--to", str(folder), "--definitions", redis_url) as collector:
        for key in (reads, ended):
            sender = Sender(collector.url, key)
            order(sender, 1)
            sender.close()
            assert [getattr(failure, "status", None) for failure in sender.failures] == [403 if key == reads else 401]
            assert "key" in str(sender.failures[0]), "the client shows the reason"
    assert lines_of(folder) == []


def test_a_full_disk_is_told_to_senders_and_leaves_whole_lines(folder: Path, shop: Shop) -> None:
    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (15_000, 15_000))

    with collecting("--to", str(folder), *LOCAL, start=little_room) as collector:
        refused = 0
        with httpx.Client(base_url=collector.url, timeout=60) as client:
            for n in range(200):
                event = {"messageId": f"m{n}", "event": "Order Completed", "userId": f"u{n % 3}"}
                while client.post("/v1/track", json={**event, "properties": {"total": n + 1.1}}).status_code == 503:
                    refused += 1
                    assert refused < 100
        assert collector.end() == 0
    assert refused > 0 and len(list(folder.iterdir())) > 1
    assert [event["messageId"] for event in events_of(lines_of(folder))] == [f"m{n}" for n in range(200)]
    assert_counted(shop, folder, 200)


def test_what_was_taken_when_it_is_told_to_end_is_handed_over(folder: Path) -> None:
    with collecting("--to", str(folder), *LOCAL) as collector:
        sender = Sender(collector.url, "any", upload_size=5, max_retries=0)
        order(sender, 500)
        wait_until(lambda: bool(folder.exists() and lines_of(folder)), "the first events")
        assert collector.end() == 0
        sender.close()
    lines = lines_of(folder)
    acknowledged = 500 - sender.lost
    assert 0 < acknowledged <= len(lines), "a request whose answer got lost may be there too"
    assert not any("Traceback" in line for line in collector.said)


@pytest.mark.parametrize(
    ("words", "word"),
    [
        ([], "--to"),
        (["--to", "events"], "--definitions"),
        (["--to", "events", "--definitions", "shop.yaml"], "redis://HOST:PORT/DB"),
        (["--to", "events", "--definitions", "redis://127.0.0.1:1/0"], "127.0.0.1:1"),
        (["--to", "events", "--no-auth"], "--account"),
        (["--to", "events", "--no-auth", "--account", "Acme Ltd"], "a-z"),
        (["--to", "events", "--account", "shop"], "--no-auth"),
        (["--to", "events", *LOCAL, "--host", "0.0.0.0"], "--no-auth"),
        (["--to", "redis://127.0.0.1:1/0?stream=s", *LOCAL], "127.0.0.1:1"),
        (["--to", "redis://127.0.0.1:1/0", *LOCAL], "stream=NAME"),
        (["--to", "kafka://h/t", *LOCAL], "pubsub://PROJECT/TOPIC"),
        (["--to", "no/such/place", *LOCAL], "no/such/place"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(tmp_path: Path, words: list[str], word: str) -> None:
    assert word in refusal(daycount("collect", "--port", "0", *words, cwd=tmp_path))

"""Where rejects are kept: whole records, for good once `keep` returns, and one clear line where that can't be."""

from __future__ import annotations

import resource
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import orjson
import pytest
import redis

from pipeline.model.errors import RejectsUnavailable, UsageError
from pipeline.model.limits import EVENT_BYTES_MAX
from pipeline.model.rejects import Reject, RejectReason
from pipeline.reject_places import open_rejects
from tests.support.pubsub_emulator import pubsub_emulator, pubsub_host
from tests.support.pubsub_feed import PROJECT, PubSubFeed
from tests.support.redis_server import redis_server_url, redis_url

__all__ = ["pubsub_emulator", "pubsub_host", "redis_server_url", "redis_url"]


def record(raw: bytes = b"{", account: str | None = "shop") -> bytes:
    reject = Reject("decode", RejectReason.NOT_JSON, "why", "in@0", raw, account, "2026-10-01T12:00:00.000Z")
    return orjson.dumps(reject.to_record())


def keep(place: object, *records: bytes) -> None:
    with closing(open_rejects(str(place))) as opened:
        opened.keep(records)


def check(place: object) -> None:
    with closing(open_rejects(str(place))) as opened:
        opened.check()


# A file.


def test_records_are_lines_of_a_file_behind_those_that_were_there(tmp_path: Path) -> None:
    keep(tmp_path / "kept", record(b"1"), record(b"2"))
    keep(tmp_path / "kept", record(b"3"))
    assert (tmp_path / "kept").read_bytes().split(b"\n") == [record(b"1"), record(b"2"), record(b"3"), b""]


def test_half_a_line_of_a_killed_writer_stays_by_itself(tmp_path: Path) -> None:
    (tmp_path / "kept").write_bytes(record(b"1") + b"\n" + record(b"2")[:20])
    keep(tmp_path / "kept", record(b"3"))
    assert (tmp_path / "kept").read_bytes().split(b"\n") == [record(b"1"), record(b"2")[:20], record(b"3"), b""]


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """Files can't grow beyond this: what a full disk does, in the middle of a write."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_where_there_is_no_room_nothing_is_kept_and_it_is_said(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    keep(path, record(b"1"))
    before = path.read_bytes()
    with room_for(len(before) + 30), pytest.raises(RejectsUnavailable, match=rf"{path} \(File too large\)"):
        keep(path, record(b"2"))
    assert path.read_bytes() == before
    keep(path, record(b"2"))
    assert path.read_bytes() == before + record(b"2") + b"\n"


def test_a_full_device_is_said(tmp_path: Path) -> None:
    with pytest.raises(RejectsUnavailable, match=r"/dev/full \(No space left on device\); mend that, or name another"):
        keep("/dev/full", record())
    keep("/dev/null", record())


def test_several_writers_at_once_leave_whole_lines(tmp_path: Path) -> None:
    path, big = tmp_path / "kept", record(b"x" * 500_000)
    writers = [threading.Thread(target=keep, args=(path, *[big] * 4)) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert path.read_bytes() == (big + b"\n") * 16


@pytest.mark.parametrize(("name", "complaint"), [("absent/kept", "there is no directory"), (".", "a directory")])
def test_a_file_that_can_not_be_is_refused(tmp_path: Path, name: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=f"--rejects .*: {complaint}"):
        check(tmp_path / name)


# A topic.


@pytest.fixture
def topic(pubsub_host: str) -> Iterator[PubSubFeed]:
    with closing(PubSubFeed(pubsub_host, ack_deadline_s=60)) as feed:
        yield feed


def received(topic: PubSubFeed, count: int) -> list[tuple[bytes, dict[str, str]]]:
    found: list[tuple[bytes, dict[str, str]]] = []
    while len(found) < count:
        messages = topic.pull(20)
        assert messages
        found += [(m.data, dict(m.attributes)) for m in messages]
    return sorted(found)


def test_a_record_is_a_message_with_stage_reason_and_account_beside_it(topic: PubSubFeed) -> None:
    check(topic.topic_url)
    records = sorted(record(b"%d" % n) for n in range(1500))
    keep(topic.topic_url, *records)
    keep(topic.topic_url, record(b"\xff", account=None))
    said = {"stage": "decode", "reason": "not_json"}
    expected = [*((r, {**said, "account": "shop"}) for r in records), (record(b"\xff", account=None), said)]
    assert received(topic, 1501) == sorted(expected)


@pytest.mark.parametrize("byte", [b"x", b"\x00", b"\xff", "€".encode()])
def test_a_record_that_is_too_large_for_a_message_is_cut_and_is_too_large_still(topic: PubSubFeed, byte: bytes) -> None:
    keep(topic.topic_url, record(byte * (12_000_000 // len(byte))))
    [(data, _)] = received(topic, 1)
    assert len(data) < 7_500_000
    found = orjson.loads(data)
    assert len(found.get("raw") or found["raw_base64"]) > EVENT_BYTES_MAX * 4 / 3


def test_an_account_of_any_length_can_be_kept(topic: PubSubFeed) -> None:
    keep(topic.topic_url, record(account="a" * 5000))
    [(data, attributes)] = received(topic, 1)
    assert orjson.loads(data)["account"] == "a" * 5000 and "account" not in attributes


def test_a_topic_that_is_not_there_is_refused(pubsub_host: str) -> None:
    for call in (check, lambda place: keep(place, record())):
        with pytest.raises(UsageError, match=rf"--rejects pubsub://{PROJECT}/absent: .*; create it, or correct"):
            call(f"pubsub://{PROJECT}/absent")


def test_a_service_that_can_not_be_reached_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", "127.0.0.1:1")
    with pytest.raises(UsageError, match=r"start the emulator at 127\.0\.0\.1:1 or unset PUBSUB_EMULATOR_HOST"):
        check("pubsub://p/t")
    with pytest.raises(RejectsUnavailable, match="rejects can't be kept: --rejects pubsub://p/t: "):
        keep("pubsub://p/t", record())


# A stream.


def test_a_record_is_an_entry_of_a_stream(redis_url: str) -> None:
    place = f"{redis_url}?stream=kept"
    check(place)
    keep(place, record(b"1"), record(b"\xff", account=None))
    check(place)
    with redis.Redis.from_url(redis_url) as client:
        fields = [entry for _, entry in client.xrange("kept")]
    said = {b"stage": b"decode", b"reason": b"not_json"}
    assert fields == [{**said, b"account": b"shop", b"data": record(b"1")}, {**said, b"data": record(b"\xff", account=None)}]


def test_a_redis_that_can_not_be_reached_is_said_without_its_password() -> None:
    place = "redis://user:secret@127.0.0.1:1/0?stream=kept"
    for call, error in ((check, UsageError), (lambda p: keep(p, record()), RejectsUnavailable)):
        with pytest.raises(error, match=r"Redis at 127\.0\.0\.1:1 cannot be reached") as told:
            call(place)
        assert "secret" not in str(told.value)


@pytest.mark.parametrize(
    ("place", "complaint"),
    [
        ("redis://localhost/0", "name the stream"),
        ("kafka://localhost/x", "--rejects kafka://: name a file"),
        ("pubsub://p", "--rejects pubsub://p: write pubsub://PROJECT/TOPIC"),
        ("pubsub://p/t/more", "write pubsub://PROJECT/TOPIC"),
    ],
)
def test_a_place_that_is_none_is_refused(place: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        open_rejects(place)


def test_a_key_of_redis_that_is_no_stream_is_refused(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.set("kept", "x")
    with pytest.raises(UsageError, match="it is there and no stream"):
        check(f"{redis_url}?stream=kept")

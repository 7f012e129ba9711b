"""The collector over HTTP: the clients' paths and keys, and refusals as those clients expect them."""

from __future__ import annotations

import base64
import gzip
import json
import logging
import threading
from typing import Any

import pytest

from pipeline.collect.app import BATCHES, SINGLE
from pipeline.collect.body import BODY_BYTES_MAX
from tests.unit.collect.conftest import House

EVENT = {"messageId": "m1", "event": "Order", "userId": "u"}
ORIGIN = {"origin": "https://shop.example"}


def assert_refused(answer: Any, status: int, word: str) -> None:
    """A problem, in words that Segment's clients show too; nothing was handed over."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status and word in body["detail"] and body["message"] == body["detail"] and body["code"]


@pytest.mark.parametrize("path", BATCHES)
def test_a_batch_is_taken_on_every_path_that_clients_send_batches_to(house: House, path: str) -> None:
    answer = house.post(path, {"batch": [EVENT, {**EVENT, "messageId": "m2"}]})
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert [event["messageId"] for event in house.shelf.events] == ["m1", "m2"]
    assert {account for account, _ in house.shelf.records} == {"acme"}


@pytest.mark.parametrize(("path", "type_"), SINGLE.items())
def test_a_single_event_has_the_type_of_its_path(house: House, path: str, type_: str) -> None:
    assert house.post(path, EVENT).status_code == 200
    (event,) = house.shelf.events
    assert event["type"] == type_ and path.startswith(f"/v1/{type_[0]}")


@pytest.mark.parametrize(
    "options",
    [
        {"auth": ("k-zeta", "")},
        {"auth": ("k-zeta", "ignored")},
        {"auth": None, "headers": {"authorization": "bearer k-zeta"}},
        {"auth": None, "params": {"writeKey": "k-zeta"}},
        {"auth": None},  # in the body, as the beacon and phones send it
    ],
)
def test_the_write_key_is_found_where_clients_put_it_and_decides_the_account(house: House, options: Any) -> None:
    assert house.post("/v1/b", {"writeKey": "k-zeta", "batch": [EVENT]}, **options).status_code == 200
    assert house.shelf.events[0]["account"] == "zeta"


@pytest.mark.parametrize(
    "options",
    [
        {"auth": None},
        {"auth": ("", "")},
        {"auth": ("nobody", "")},
        {"auth": None, "headers": {"authorization": "Basic"}},
        {"auth": None, "headers": {"authorization": "Basic !!!"}},
        {"auth": None, "headers": {"authorization": "Basic " + base64.b64encode(b"\xff\xfe:").decode()}},
        {"auth": None, "headers": {"authorization": "Digest k-acme"}},
        {"auth": None, "headers": {"authorization": b"Basic \xff"}},
        {"auth": None, "params": {"writeKey": "\ufffd"}},
    ],
)
def test_without_a_known_key_nothing_is_taken_and_no_browser_asks_for_a_password(house: House, options: Any) -> None:
    answer = house.post("/v1/batch", {"batch": [EVENT], "writeKey": 7}, **options)
    assert_refused(answer, 401, "key")
    assert not answer.headers["www-authenticate"].lower().startswith(("basic", "digest"))
    assert house.shelf.records == []


def test_a_key_that_only_reads_sends_nothing(house: House) -> None:
    assert_refused(house.post("/v1/batch", {"batch": [EVENT]}, auth=("k-reads", "")), 403, "reads")


def test_while_keys_can_not_be_looked_up_senders_are_told_to_try_again(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.senders.gone = True
    answer = house.post("/v1/batch", {"batch": [EVENT]})
    assert_refused(answer, 503, "key")
    assert int(answer.headers["retry-after"]) > 0
    assert "r:6379" in caplog.text and "r:6379" not in answer.text


def test_a_gzip_body_is_unpacked_however_many_parts_it_has(house: House) -> None:
    packed = gzip.compress(b'{"batch":[{"event":') + gzip.compress(b'"Order"}]}')
    assert house.post("/v1/batch", packed, headers={"content-encoding": "gzip"}).status_code == 200
    assert house.shelf.events[0]["event"] == "Order"


BOMB = gzip.compress(b"[" * 200_000_000, 9, mtime=0)


@pytest.mark.parametrize(
    ("body", "coding", "status", "word"),
    [
        (BOMB, "gzip", 413, "larger"),
        (BOMB[:200_000] * 8, "gzip", 413, "larger"),
        (b"x" * (BODY_BYTES_MAX + 1), "identity", 413, "larger"),
        (b"{}", "gzip", 400, "gzip"),
        (b"", "gzip", 400, "gzip"),
        (gzip.compress(b"{}", mtime=0)[:-4], "gzip", 400, "short"),
        (gzip.compress(b"{}", mtime=0) + b"more", "gzip", 400, "gzip"),
        (gzip.compress(b" ", mtime=0) * 1000, "gzip", 400, "one gzip"),
        (b"{}", "br", 415, "gzip"),
    ],
)
def test_bodies_beyond_a_bound_or_not_of_their_form_are_refused(
    house: House, body: bytes, coding: str, status: int, word: str
) -> None:
    assert_refused(house.post("/v1/batch", body, headers={"content-encoding": coding}), status, word)
    assert house.shelf.records == []


def test_a_body_without_a_length_is_bounded_too(house: House) -> None:
    parts = (b"x" * 65536 for _ in range(64))
    assert_refused(house.client.post("/v1/batch", content=parts, auth=("k-acme", "")), 413, "larger")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "BREW"])
def test_other_methods_are_refused(house: House, method: str) -> None:
    answer = house.client.request(method, "/v1/batch")
    assert answer.status_code == 405 and "POST" in answer.headers["allow"]


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/merge", "/v1/batch/", "/v1/%2e%2e/batch", "/projects/k/settings"])
def test_other_paths_are_not_there(house: House, path: str) -> None:
    assert_refused(house.post(path, {"batch": [EVENT]}), 404, "nothing")


def test_web_pages_may_send_from_anywhere_with_the_headers_of_their_client(house: House) -> None:
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,anonymousid,sentat"}
    allowed = house.client.options("/v1/track", headers={**ORIGIN, **asked})
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == ORIGIN["origin"]
    assert allowed.headers["access-control-allow-headers"] == "authorization,anonymousid,sentat"
    assert allowed.headers["access-control-allow-credentials"] == "true"
    taken = house.post("/v1/track", EVENT, headers={**ORIGIN, "content-type": "text/plain"})
    assert taken.status_code == 200 and taken.headers["access-control-allow-origin"] == ORIGIN["origin"]


def test_a_refusal_can_be_read_by_the_page_that_is_refused(house: House) -> None:
    answers = [
        house.post("/v1/track", b"{", headers=ORIGIN),
        house.post("/v1/nowhere", b"{", headers=ORIGIN),
        house.post("/v1/track", EVENT, auth=None, headers=ORIGIN),
    ]
    assert [answer.status_code for answer in answers] == [400, 404, 401]
    assert {answer.headers["access-control-allow-origin"] for answer in answers} == {ORIGIN["origin"]}
    assert {answer.headers["access-control-expose-headers"] for answer in answers} == {"Retry-After"}


def test_what_can_not_be_handed_over_is_not_acknowledged_and_told_once(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    house.shelf.failing = True
    answers = [house.post("/v1/batch", {"batch": [EVENT]}) for _ in range(3)]
    for answer in answers:
        assert_refused(answer, 503, "again")
        assert int(answer.headers["retry-after"]) > 0 and "shelf" not in answer.text
    assert caplog.text.count("the shelf is full; make room") == 1
    house.shelf.failing = False
    assert house.post("/v1/batch", {"batch": [EVENT]}).status_code == 200
    assert "again" in caplog.records[-1].message
    assert len(house.shelf.records) == 1


def test_a_fault_of_ours_is_told_to_the_log_and_the_sender_tries_again(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.shelf.broken = True
    assert_refused(house.post("/v1/batch", {"batch": [EVENT]}), 503, "again")
    assert "RuntimeError" in caplog.text
    house.shelf.broken = False
    assert house.post("/v1/batch", {"batch": [EVENT]}).status_code == 200


def test_readiness_is_that_of_the_place(house: House, caplog: pytest.LogCaptureFixture) -> None:
    assert house.client.get("/healthz").json() == {"status": "ok"}
    assert house.client.get("/readyz").json() == {"status": "ready"}
    house.shelf.failing = True
    assert_refused(house.client.get("/readyz"), 503, "stored")
    assert house.client.get("/healthz").status_code == 200


def test_more_at_once_than_there_is_room_for_is_turned_away_and_taken_later(house: House) -> None:
    house.shelf.gate = threading.Event()
    large = {"batch": [{"event": "x" * 250_000} for _ in range(4)]}
    answers: list[Any] = []
    senders = [threading.Thread(target=lambda: answers.append(house.post("/v1/batch", large))) for _ in range(12)]
    for sender in senders:
        sender.start()
    while len(answers) < 4:  # there is room for eight
        senders[0].join(0.01)
    house.shelf.gate.set()
    for sender in senders:
        sender.join(30)
    full = [answer for answer in answers if answer.status_code == 429]
    assert len(full) == 4 and all(int(answer.headers["retry-after"]) > 0 for answer in full)
    assert_refused(full[0], 429, "again")
    assert len(house.shelf.records) == 8 * 4
    assert len(house.shelf.turns) < 8, "what waited was handed over together"
    assert house.post("/v1/batch", large).status_code == 200


def test_an_event_of_another_account_is_passed_on_to_be_rejected(house: House) -> None:
    assert house.post("/v1/track", {**EVENT, "account": "zeta"}).status_code == 200
    (event,) = house.shelf.events
    assert event["account"] == "acme" and event["batch"][0]["account"] == "zeta"
    assert json.loads(house.shelf.records[0][1])["batch"][0]["messageId"] == "m1"

"""A body as records: what is written into an event, what stays as it came, what goes on to be rejected."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline.collect.records import EVENTS_MAX, read_message
from pipeline.collect.refusal import Refusal
from pipeline.model.limits import EVENT_BYTES_MAX
from pipeline.model.rejects import RejectReason
from tests.support.decoding import decode_records
from tests.unit.collect.conftest import NOW, NOW_TEXT

BIG = b"123456789012345678901234567890.10"


def records(body: bytes | dict[str, Any], type_: str | None = None) -> list[bytes]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_message(raw, type_).batch("acme", NOW).records


def one(body: bytes | dict[str, Any], type_: str | None = None) -> dict[str, Any]:
    (record,) = records(body, type_)
    assert b"\n" not in record
    parsed: dict[str, Any] = json.loads(record)
    return parsed


def test_an_event_gets_account_arrival_and_the_batchs_time_of_sending():
    event = one({"batch": [{"event": "Order", "timestamp": "2026-10-01T11:00:00+00:00"}], "sentAt": "2026-10-01T11:59:00Z"})
    assert event == {
        "event": "Order",
        "timestamp": "2026-10-01T11:00:00+00:00",
        "account": "acme",
        "receivedAt": NOW_TEXT,
        "sentAt": "2026-10-01T11:59:00Z",
    }


def test_an_events_own_time_of_sending_stays_and_the_time_of_arrival_is_always_ours():
    event = one({"batch": [{"sentAt": "own", "receivedAt": "theirs"}], "sentAt": "the batch's", "receivedAt": "theirs"})
    assert (event["sentAt"], event["receivedAt"]) == ("own", NOW_TEXT)
    assert one({"batch": [{"sentAt": None}], "sentAt": "the batch's"})["sentAt"] == "the batch's"
    assert "sentAt" not in one({"batch": [{}], "sentAt": {"not": "a time"}})
    assert "sentAt" not in one({"batch": [{}], "sentAt": "x" * 100})


def test_a_single_event_gets_the_type_of_its_path_unless_it_has_one():
    assert one({"name": "Home"}, "page")["type"] == "page"
    assert one({"name": "Home", "type": None}, "page")["type"] == "page"
    assert one({"name": "Home", "type": "screen"}, "page")["type"] == "screen"
    assert "type" not in one({"batch": [{"name": "Home"}]})


def test_nothing_else_is_touched_not_even_the_digits():
    body = b'{"batch":[ {"z":1.0,"a":%s,"n":[1e2,-0.0,1e999],"t":"\\u00e9\\/ \xc3\xa9","o":{"b":1,"a":{}}} ]}' % BIG
    (record,) = records(body)
    assert record.startswith(b'{"z":1.0,"a":%s,"n":[1e2,-0.0,1e999],"t":"\\u00e9\\/ \xc3\xa9","o":{"b":1,"a":{}},' % BIG)


def test_ids_that_are_null_and_a_missing_message_id_stay_so():
    event = one({"batch": [{"userId": "u", "anonymousId": None}]})
    assert event["anonymousId"] is None and "messageId" not in event


def test_the_write_key_is_read_and_not_passed_on():
    message = read_message(b'{"writeKey":"k","batch":[{"writeKey":"k","event":"e"}]}', None)
    assert message.write_key == "k"
    assert b"writeKey" not in message.batch("acme", NOW).records[0]
    single = read_message(b'{"writeKey":"k","event":"e"}', "track")
    assert single.write_key == "k"
    assert b"writeKey" not in single.batch("acme", NOW).records[0]
    assert read_message(b'{"writeKey":5,"event":"e"}', "track").write_key is None


def test_a_pretty_printed_body_becomes_lines():
    body = json.dumps({"batch": [{"a": {"b": [1, 2]}}, {"a": 2}]}, indent=2).encode()
    found = records(b"\xef\xbb\xbf" + body)
    assert [json.loads(record)["a"] for record in found] == [{"b": [1, 2]}, 2]
    assert not any(b"\n" in record for record in found)


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (b'{"event":"e","account":"zeta"}', RejectReason.WRONG_ACCOUNT),
        (b'{"event":"e","account":5}', RejectReason.WRONG_ACCOUNT),
        (b"5", RejectReason.NOT_AN_OBJECT),
        (b"null", RejectReason.NOT_AN_OBJECT),
        (b"[[]]", RejectReason.NOT_AN_OBJECT),
        (b'{"event":NaN}', RejectReason.NOT_JSON),
        (b'{"event":-Infinity}', RejectReason.NOT_JSON),
        (b'{"event":"\\ud83d"}', RejectReason.NOT_JSON),
        (b'{"\\ud83d":1}', RejectReason.NOT_JSON),
        (b'{"event":"\xff"}', RejectReason.NOT_JSON),
        (b'{"\xff":1}', RejectReason.NOT_JSON),
        (b'{"event":"%s"}' % (b"x" * EVENT_BYTES_MAX), RejectReason.TOO_LARGE),
    ],
)
def test_what_is_wrong_with_one_event_is_the_pipelines_to_reject_and_the_others_count(event: bytes, reason: RejectReason):
    found = records(b'{"batch":[{"event":"before"},%s,{"event":"after"}]}' % event)
    decoded = decode_records(found, ("acme", "zeta"), "acme")
    assert decoded.names == ["before", "after"]
    (reject,) = decoded.rejects
    assert (reject.reason, reject.account) == (reason, "acme")
    assert all(part in reject.raw for part in event.strip(b"{}").split(b",")), "in whatever order"


def test_an_event_of_another_account_counts_for_neither_even_where_the_source_is_not_trusted():
    found = records(
        b'{"batch":[{"event":"e","account":"zeta"},{"event":"e","account":"acme"},{"event":"e","account":null}]}'
    )
    decoded = decode_records(found, ("acme", "zeta"), None)
    assert decoded.names == ["e", "e"]
    assert [(r.reason, r.account) for r in decoded.rejects] == [(RejectReason.WRONG_ACCOUNT, "acme")]


def test_an_event_with_a_field_batch_stays_one_event():
    found = records(b'{"event":"e","batch":[{"event":"inner"}]}', "track")
    assert decode_records(found, ("acme",), None).names == ["e"]


def test_of_repeated_names_the_last_one_holds_and_ours_is_the_only_account():
    (record,) = records(b'{"batch":[{"account":"zeta","event":"a","event":"b","account":"acme"}]}')
    assert record.count(b'"account"') == 1 and json.loads(record)["event"] == "b"


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        (b"", 400, "empty"),
        (b" \n", 400, "empty"),
        (b"garbage", 400, "JSON object"),
        (b"[]", 400, "JSON object"),
        (b"5", 400, "JSON object"),
        (b'{"batch":[{}]', 400, "JSON object"),
        (b'{"batch":[{}]}}', 400, "JSON object"),
        (b'{"batch":[{"a":"\x01"}]}', 400, "JSON object"),
        (b'{"batch":[{"a":01}]}', 400, "JSON object"),
        (b"{" * 100_000, 400, ""),
        (b'{"batch":' + b"[" * 500_000, 400, "deep"),
        (b'{"batch":[' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"]}", 400, "deep"),
        (b"{}", 400, "batch"),
        (b'{"batch":{}}', 400, "list"),
        (b'{"batch":"x","n":NaN}', 400, "list"),
        (b'{"batch":[]}', 400, "no events"),
        (b'{"batch":[%s]}' % b",".join([b"1"] * (EVENTS_MAX + 1)), 413, str(EVENTS_MAX)),
    ],
)
def test_a_body_that_can_not_be_taken_apart_is_refused_whole_with_the_reason(body: bytes, status: int, word: str):
    with pytest.raises(Refusal) as refused:
        records(body)
    assert refused.value.status == status and word in refused.value.detail


@pytest.mark.parametrize("end", [b'"}', b'","n":NaN}'])
def test_a_single_event_beyond_the_bound_is_refused(end: bytes):
    with pytest.raises(Refusal, match=str(EVENT_BYTES_MAX)) as refused:
        records(b'{"event":"' + b"x" * EVENT_BYTES_MAX + end, "track")
    assert refused.value.status == 413

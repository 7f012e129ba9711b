"""What is said of an event's time, visitor and numbers, and what there is too much of to be shown."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.decode.timestamp import parse_timestamp
from pipeline.definitions.validate import parse_account
from pipeline.explain.body import SHOWN_CLAUSES_MAX, Body, chosen, explain_event, to_json
from pipeline.explain.judge import Judge
from pipeline.explain.record import BadEvent, read_record
from tests.support.conditions import ANY_JSON

NOW_NS = parse_timestamp("2026-10-02T12:00:00Z") or 0
SETTINGS = {"timezone": "Asia/Kolkata", "visitor": ["userId", "anonymousId"]}
ORDERS = {
    "id": "orders",
    "where": {"event": "Order Completed"},
    "measures": {
        "revenue": {"aggregate": "sum", "field": "properties.total"},
        "items": {"aggregate": "sum", "field": "properties.products.quantity"},
        "buyers": {"aggregate": "count", "once_per": "visitor"},
    },
    "breakdowns": ["properties.plan"],
}
FIELDS = ["event", "properties", "timestamp", "receivedAt", "sentAt", "userId", "messageId", "batch", "raw", "stage"]
ORDER = {
    "event": "Order Completed",
    "anonymousId": "u1",
    "timestamp": "2026-10-01T20:35:00Z",
    "receivedAt": "2026-10-01T20:35:01Z",
    "properties": {"total": 512.5},
}


def explain(event: Any, *metrics: dict[str, Any], metric: str | None = None, **changed: Any) -> Body:
    document = {"account": "acme", "settings": {**SETTINGS, **changed}, "metrics": list(metrics) or [ORDERS]}
    judge = Judge(parse_account(document, strict=True))
    text = event if isinstance(event, bytes) else json.dumps(event).encode()
    body: Body = json.loads(to_json(explain_event(judge, text, chosen(judge.definitions, metric), NOW_NS)))
    return body


def measure(body: Body, name: str) -> dict[str, Any]:
    (found,) = (m for m in body["metrics"][0]["measures"] if m["name"] == name)
    return dict(found)


def test_a_clock_that_was_ahead_is_said_to_be_corrected() -> None:
    time = explain({**ORDER, "sentAt": "2026-10-01T20:45:01Z"})["time"]
    assert (time["clock"], time["corrected_by_s"], time["event_time"]) == ("corrected", -600, "2026-10-01T20:25:00.000Z")
    assert explain({**ORDER, "sentAt": "2026-10-01T20:15:01Z"})["time"]["clock"] == "behind"
    assert explain({**ORDER, "sentAt": "2026-10-01T20:39:01Z"})["time"]["clock"] == "kept"


def test_it_is_said_where_the_time_is_from() -> None:
    timeless = {key: value for key, value in ORDER.items() if key != "timestamp"}
    assert explain(ORDER)["time"]["from"] == "timestamp"
    assert explain(timeless)["time"]["from"] == "receivedAt"
    assert explain({"event": "x"})["time"] == {
        "event_time": "2026-10-02T12:00:00.000Z", "from": "arrival", "day": "2026-10-02",
        "local": "2026-10-02T17:30:00+05:30", "timezone": "Asia/Kolkata", "clock": "kept", "late": False,
        "arrival": "2026-10-02T12:00:00.000Z", "arrival_from": "now",
    }  # fmt: skip


def test_late_is_against_the_arrival() -> None:
    old = {**ORDER, "timestamp": "2026-09-01T00:00:00Z"}
    assert explain(old)["time"]["late"]
    assert not explain({**old, "receivedAt": "2026-09-02T00:00:00Z"})["time"]["late"]
    assert explain({"event": "x", "timestamp": "2026-09-01T00:00:00Z"})["time"]["late"]


def test_a_time_before_1970_and_a_second_hour_are_local() -> None:
    assert explain({**ORDER, "timestamp": "1969-12-31T23:59:59.5Z"}, timezone="UTC")["time"]["day"] == "1969-12-31"
    twice = explain({**ORDER, "timestamp": "2025-10-26T01:30:00Z"}, timezone="Europe/Berlin")["time"]
    assert (twice["day"], twice["local"]) == ("2025-10-26", "2025-10-26T02:30:00+01:00")


@pytest.mark.parametrize(
    ("ids", "visitor"),
    [
        ({"userId": "a", "anonymousId": "b"}, {"id": "a", "from": "userId"}),
        ({"userId": "", "anonymousId": 7}, {"id": "7", "from": "anonymousId"}),
        ({"userId": None, "anonymousId": {"x": 1}}, None),
        ({"userId": "a" * 400}, {"id": '"' + "a" * 299 + "…", "id_cut": True, "from": "userId"}),
    ],
)
def test_the_visitor_is_the_first_that_is_not_empty(ids: dict[str, Any], visitor: Any) -> None:
    body = explain({"event": "Order Completed", **ids})
    assert body["visitor"] == visitor
    assert measure(body, "buyers")["counts"] is (None if visitor else False)


@pytest.mark.parametrize(
    ("total", "why"),
    [
        ("512", "properties.total is a string, not a number"),
        (True, "properties.total is a boolean, not a number"),
        (None, "properties.total is null, not a number"),
        ([], "properties.total is an array, not a number"),
        ({"a": 1}, "properties.total is an object, not a number"),
        (1e13, "properties.total is beyond ±1e12, which is not summed"),
    ],
)
def test_a_field_that_is_no_number_is_said_to_be_none(total: Any, why: str) -> None:
    revenue = measure(explain({**ORDER, "properties": {"total": total}}), "revenue")
    assert (revenue["counts"], revenue["adds"], revenue["why"]) == (False, None, why)


def test_numbers_are_exact_and_added_up_through_arrays() -> None:
    products = [{"quantity": 0.1}, {"quantity": "x"}, {"quantity": 0.2}]
    body = explain({**ORDER, "properties": {"total": 999999999999.999999, "products": products}})
    assert (measure(body, "items")["adds"], measure(body, "items")["counts"]) == (0.3, True)
    assert measure(explain(ORDER), "items")["why"] == "there is no number at properties.products.quantity"
    whole = explain(json.dumps(ORDER).replace("512.5", "123456789012.123456").encode())
    assert measure(whole, "revenue")["adds"] == 123456789012.12346


def test_numbers_beyond_the_doubles_are_shown_as_what_they_are_read_as() -> None:
    body = explain(b'{"event": "Order Completed", "properties": {"total": 1e999}}')
    assert (measure(body, "revenue")["value"], measure(body, "revenue")["counts"]) == ("Infinity", False)


def test_an_event_s_line_ends_are_no_lines() -> None:
    assert read_record(b'\xef\xbb\xbf {"a":\r\n 1}\n').line == b'{"a":   1}'
    with pytest.raises(BadEvent, match="not JSON"):
        read_record(b'{"a": "x\ny"}')


def test_conditions_are_shown_as_far_as_there_is_room() -> None:
    wide = {"$or": [{"a": number} for number in range(SHOWN_CLAUSES_MAX - 1)]}
    metrics = [{**ORDERS, "id": name, "where": wide} for name in ("one", "two")]
    body = explain({"a": 5}, *metrics)
    one, two = body["metrics"]
    assert len(one["where"]["parts"][0]["parts"]) == SHOWN_CLAUSES_MAX - 1 and two["where"] is None
    assert one["matches"] and two["matches"] and body["counts_in"] == ["one", "two"]
    assert "name the metric" in body["warnings"][0]
    assert explain({"a": 5}, *metrics, metric="two")["metrics"][0]["where"] is not None


@given(st.dictionaries(st.sampled_from(FIELDS), ANY_JSON))
def test_any_json_is_explained_or_refused_in_a_line(event: dict[str, Any]) -> None:
    try:
        body = explain(json.dumps(event).encode())
    except BadEvent as error:
        assert "\n" not in str(error)
    else:
        assert body["rejected"] or body["time"]


@settings(max_examples=50)
@given(st.binary(max_size=60))
def test_any_bytes_are_explained_or_refused_in_a_line(text: bytes) -> None:
    with contextlib.suppress(BadEvent):
        assert explain(text)["account"] == "acme"

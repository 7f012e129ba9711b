"""Rejects records as input: what is in one is judged as it was, wherever the rejects record stands by now."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.decode.block import BlockDecoder
from pipeline.decode.origin import Span
from pipeline.decode.shape import Shape
from pipeline.decode.timestamp import parse_timestamp, rfc3339
from pipeline.model.limits import EVENT_BYTES_MAX
from pipeline.model.rejects import Reject, RejectReason
from tests.support.any_pace import at_any_pace

NOW = 1_790_000_000_000_000_000
LATER = NOW + 40 * 86_400 * 1_000_000_000
AT = "2026-09-01T12:00:00.000Z"
PATHS = [("properties", "total"), ("raw_base64",), ("raw", "size")]


class Came(NamedTuple):
    """What a block came to. events: (place, account that judged, time) each."""

    events: list[tuple[str, str, int]]
    rejects: list[Reject]


def decode(data: bytes, *known: str, span: Span | None = None, now_ns: int = NOW) -> Came:
    """Under definitions of the known accounts; span: what the source trusts and says, as a worker passes it on."""
    span = span or Span("file", 0)
    rows: dict[int, str] = {}

    class Matcher:
        def __init__(self, account: str) -> None:
            self.account, self.known = account, dict[str | None, Any]()

        def learn(self, name: Any) -> Any:
            return lambda event, row, _: rows.__setitem__(row, self.account)

    matchers = {name: Matcher(name) for name in known}

    def judge(said: Any) -> Any:
        if said is None:
            said = span.says
        elif span.says is not None and said != span.says:
            return RejectReason.WRONG_ACCOUNT
        account = span.account if said is None else said
        if account is None:
            return RejectReason.NO_ACCOUNT
        if span.account not in (None, account):
            return RejectReason.WRONG_ACCOUNT
        return matchers.get(account, RejectReason.UNKNOWN_ACCOUNT)

    decoded = BlockDecoder(Shape(PATHS), judge).decode(data, span, now_ns)
    good = [row for row in rows if decoded.stamps.good[row]]
    return Came([(decoded.place(r), rows[r], int(decoded.stamps.time[r])) for r in good], decoded.rejects)


def line(**changes: Any) -> bytes:
    return orjson.dumps({"event": "A", "timestamp": AT, "account": "shop", "properties": {"total": 5}, **changes})


def kept(*rejects: Reject) -> bytes:
    return b"".join(orjson.dumps(reject.to_record()) + b"\n" for reject in rejects)


def reject(raw: bytes, account: str | None = "shop", source: str = "first@7", arrived: str | None = None) -> Reject:
    return Reject("decode", RejectReason.UNKNOWN_ACCOUNT, "why", source, raw, account, arrived)


BATCH = b'{"batch":[%s,%s,5],"account":"shop"}' % (line(account="zeta"), line(timestamp=""))
RECORDS = st.sampled_from(
    [
        *(line(account=account) for account in ("shop", "zeta", None, 5)),
        *(line(timestamp=time) for time in ("x", None, 5)),
        *(line(**more) for more in ({"context": 5}, {"raw": "x"}, {"stage": "s", "raw": 5})),
        *(b"\xff\xfe", b'"\\ud800"', b"{", b"5", b"[]", b"[" * 2000, b'{"a":1}\r', b"\xef\xbb\xbf5"),
        b"x" * (EVENT_BYTES_MAX + 1),
        BATCH,
    ]
)
SPANS = st.sampled_from([Span("a", 5), Span("a", 5, "shop"), Span("a", 5, "zeta", "zeta")])


@at_any_pace
@given(st.lists(RECORDS, max_size=6), SPANS)
def test_what_was_rejected_is_rejected_again_in_the_same_words_from_wherever_it_comes(
    records: list[bytes], span: Span
) -> None:
    first = decode(b"\n".join(records), "shop", span=span)
    again = decode(kept(*first.rejects), "shop", span=Span("rejects", 99), now_ns=LATER)
    assert again.events == []
    assert key_of(again.rejects) == key_of(first.rejects)
    assert key_of(decode(kept(*again.rejects), "shop", span=span).rejects) == key_of(first.rejects)


def key_of(rejects: list[Reject]) -> list[Any]:
    """All of them but the cause: whose word was doubted is another at another source."""
    return sorted((r.source, r.reason, r.raw, r.account or "", r.arrived) for r in rejects)


@at_any_pace
@given(st.lists(RECORDS, max_size=6), SPANS)
def test_what_counts_once_its_account_is_known_counts_as_if_it_had_been_from_the_start(
    records: list[bytes], span: Span
) -> None:
    data = b"\n".join(records)
    late = decode(kept(*decode(data, span=span).rejects), "shop", "zeta", now_ns=LATER)
    early = decode(data, "shop", "zeta", span=span)
    assert [(place, account) for place, account, _ in sorted(late.events)] == [e[:2] for e in sorted(early.events)]
    assert all(abs(x[2] - y[2]) < 1_000_000 for x, y in zip(sorted(late.events), sorted(early.events), strict=True))


def test_an_event_keeps_its_place_its_account_and_its_time_of_arrival() -> None:
    raw = b'{"event":"A"}'
    [event] = decode(kept(reject(raw, arrived="2026-08-01T10:00:00.000Z")), "shop").events
    assert event == ("first@7", "shop", parse_timestamp("2026-08-01T10:00:00.000Z"))


def test_a_forged_record_counts_for_another_account_neither_now_nor_when_its_reject_comes_again() -> None:
    """Whoever may write into a trusted source must not write into other accounts: not their events, not their rejects."""
    forged = kept(reject(line(account=None), "zeta")).rstrip()
    for trusted in (Span("in", 0, "shop"), Span("in", 0, "shop", "shop")):
        came = decode(forged, "shop", "zeta", span=trusted)
        assert came.events == []
        assert [(r.reason, r.account, r.raw) for r in came.rejects] == [(RejectReason.WRONG_ACCOUNT, "shop", forged)]
        again = decode(kept(*came.rejects), "shop", "zeta")
        assert again.events == []
        assert [(r.reason, r.account, r.raw) for r in again.rejects] == [(RejectReason.WRONG_ACCOUNT, "shop", forged)]


@pytest.mark.parametrize(
    "forged", [{"source": "x" * 9_999}, {"account": "x" * 999}, {"account": "No Name"}, {"arrived": "x" * 999}]
)
def test_what_each_event_of_a_forged_record_would_repeat_is_bounded(forged: dict[str, str]) -> None:
    record = {**reject(b'{"batch":[0,0,0,{"timestamp":"x"}]}').to_record(), **forged}
    assert [r.reason for r in decode(orjson.dumps(record), "shop").rejects] == [RejectReason.NOT_JSON]


def test_a_record_without_a_noted_arrival_arrives_now() -> None:
    [(_, _, time)] = decode(kept(reject(b'{"event":"A"}')), "shop").events
    assert time == NOW


def test_its_own_times_go_before_its_arrival() -> None:
    for said in ({"timestamp": AT}, {"timestamp": None, "receivedAt": AT}):
        [(_, _, time)] = decode(kept(reject(line(**said), arrived="2026-08-01T10:00:00.000Z")), "shop").events
        assert time == parse_timestamp(AT)


@pytest.mark.parametrize(
    "form",
    [
        lambda r: json.dumps(r),
        lambda r: json.dumps(r, sort_keys=True, indent=None),
        lambda r: json.dumps({"x": [1], **r, "y": {}}),
    ],
)
def test_a_record_that_another_program_has_written_anew_is_one_still(form: Any) -> None:
    assert decode(form(reject(line()).to_record()).encode(), "shop").events[0][:2] == ("first@7", "shop")


def test_a_record_mended_by_hand_counts() -> None:
    first = decode(line(timestamp="yesterday") + b"\n" + line(), "shop", span=Span("in", 0))
    mended = kept(*first.rejects).replace(b"yesterday", AT.encode())
    assert decode(mended, "shop").events == [("in@0", "shop", parse_timestamp(AT))]


def test_a_batch_in_it_is_taken_apart_at_the_places_it_would_have_had() -> None:
    batch = b'{"batch":[%s,%s]}' % (line(account=None), line(account=None))
    assert [e[:2] for e in decode(kept(reject(batch)), "shop").events] == [("first@7/0", "shop"), ("first@7/1", "shop")]


@pytest.mark.parametrize("raw", [line(account="zeta"), b'{"account":"zeta","batch":[%s]}' % line(account=None)])
def test_the_record_may_not_say_another_account_than_its_source_vouched_for(raw: bytes) -> None:
    came = decode(kept(reject(raw, account="shop")), "shop", "zeta")
    assert (came.events, [(r.reason, r.account) for r in came.rejects]) == ([], [(RejectReason.WRONG_ACCOUNT, "shop")])


def test_what_a_source_is_trusted_to_be_of_goes_before_what_its_stream_and_a_rejects_record_say() -> None:
    came = decode(kept(reject(line(account=None), "zeta")), "shop", "zeta", span=Span("f", 0, "shop", "zeta"))
    assert (came.events, [(r.reason, r.account) for r in came.rejects]) == ([], [(RejectReason.WRONG_ACCOUNT, "zeta")])


def test_a_record_of_a_stream_that_vouched_for_another_account_stays_with_that_one() -> None:
    first = decode(line(account=None), "shop", "zeta", span=Span("stream", 0, "shop", "zeta"))
    assert [r.account for r in first.rejects] == ["zeta"]
    assert [e[1] for e in decode(kept(*first.rejects), "shop", "zeta").events] == ["zeta"]


@pytest.mark.parametrize(
    "changes",
    [
        {"raw": 5},
        {"raw": {"event": "A"}},
        {"raw": None, "raw_base64": "no base64!"},
        {"raw": None, "raw_base64": ["x"]},
        {"account": 5},
        {"arrived": 5},
    ],
)
def test_a_rejects_record_that_is_broken_is_a_reject_itself(changes: dict[str, Any]) -> None:
    data = orjson.dumps({**reject(line()).to_record(), **changes})
    came = decode(data, "shop")
    assert came.events == []
    assert [(r.reason, r.source, r.raw) for r in came.rejects] == [(RejectReason.NOT_JSON, "file@0", data)]


def test_only_one_level_is_taken_off() -> None:
    inner = kept(reject(line())).strip()
    came = decode(kept(reject(inner)), "shop")
    assert [(place, account) for place, account, _ in came.events] == [("first@7", "shop")]  # an event without a name
    assert came.rejects == []


@pytest.mark.parametrize("raw", ["text", 5, ["x"], None, {"size": 1}, {"size": None}])
def test_an_event_with_a_field_of_the_same_name_is_an_event(raw: Any) -> None:
    for name in ("raw", "raw_base64"):
        for more in ({}, {"stage": "s"}, {"stage": "s", "reason": "r"}):
            came = decode(line(**{name: raw, **more}), "shop")
            assert (len(came.events), came.rejects) == (1, [])


def test_an_empty_record_is_rejected_again() -> None:
    came = decode(kept(reject(b"")), "shop")
    assert [(r.reason, r.source, r.raw) for r in came.rejects] == [(RejectReason.NOT_JSON, "first@7", b"")]


@given(st.integers(0, NOW))
def test_times_of_arrival_are_read_as_they_were_written(ns: int) -> None:
    assert parse_timestamp(rfc3339(ns)) == ns // 1_000_000 * 1_000_000

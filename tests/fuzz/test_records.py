"""Hostile lines: each comes to the same alone, among any neighbours and either way of decoding, and never raises."""

from __future__ import annotations

import base64
import json
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.decode.odd import Span
from pipeline.definitions.validate import parse_account
from pipeline.match.block import BlockMatcher
from pipeline.match.plan import FUNCTIONS_MAX
from pipeline.model.definition import AccountDefinitions, Snapshot
from pipeline.model.hit import HitBlock
from tests.support.any_pace import at_any_pace
from tests.support.hostile import LINES
from tests.support.reading import Outcome, Reader, outcome_of

KEY = b"k" * 32
NOW_NS = 1_790_000_000_000_000_000
COUNT, TOTAL = {"n": {"aggregate": "count"}}, {"aggregate": "sum", "field": "properties.total"}
FIRST = {"first": {**TOTAL, "once_per": "visitor"}, "daily": {"aggregate": "count", "once_per": "visitor_day"}}
QUANTITY = {"aggregate": "max", "field": "properties.products.quantity"}
SOME_ITEM = {"$or": [{"items": {"$elemMatch": {"k": {"$exists": True}}}}, {"type": {"$in": ["A", 1, None]}}]}
METRICS: list[dict[str, Any]] = [
    {"id": "all", "where": {}, "measures": COUNT, "breakdowns": ["email", "context.country"]},
    {"id": "a", "where": {"event": "A"}, "measures": {"sum": TOTAL, **FIRST}, "breakdowns": ["properties.list.0.k"]},
    {"id": "odd", "where": {"event": {"$ne": "A"}, "properties.total": {"$gte": 2}}, "measures": {"sum": TOTAL}},
    {"id": "os", "where": {"context.device.os": {"$regex": "^[A-Z0-9]"}}, "measures": COUNT},
    {"id": "many", "where": SOME_ITEM, "measures": {"q": QUANTITY, "i": {"aggregate": "min", "field": "items.k"}}},
]


def account(name: str, *metrics: dict[str, Any], **settings: Any) -> AccountDefinitions:
    return parse_account({"account": name, "metrics": metrics, "settings": settings}, strict=True)


ACCOUNTS = {
    "shop": account("shop", *METRICS),
    "other": account("other", METRICS[0], timezone="Asia/Kolkata", visitor=["context.device.id", "userId", "email"]),
}
TRUSTED = st.sampled_from([None, "shop"])


def matcher() -> BlockMatcher:
    return BlockMatcher(Snapshot.of(ACCOUNTS.values()), 4, KEY)


def slow_matcher() -> BlockMatcher:
    """One that decodes nothing the short way."""

    def refuse(line: bytes) -> Any:
        raise ValueError(line)

    made = matcher()
    made._decoder._shape.decode = refuse
    return made


def judged(
    by: BlockMatcher, lines: list[bytes], trusted: str | None, offset: int = 0, places: list[str] | None = None
) -> Outcome:
    matched = by.match(b"\n".join(lines), Span("file", offset, trusted, places=places), NOW_NS)
    outcome = outcome_of(matched, ACCOUNTS)
    assert matched.tally["events"] + len(matched.rejects) == len(outcome)
    if trusted is not None:
        assert {key.account for _, raw in matched.hits for key in HitBlock.from_bytes(raw).accounts} <= {trusted}
        assert {reject.account for reject in matched.rejects} <= {trusted}
    at = dict(zip(places or [f"file@{offset + begin}" for begin in offsets(lines)], lines, strict=True))
    for reject in matched.rejects:
        record = json.loads(json.dumps(reject.to_record()))
        raw = base64.b64decode(record["raw_base64"]) if "raw_base64" in record else record["raw"].encode()
        assert raw == reject.raw
        if reject.source in at:
            assert raw == at[reject.source]
    return outcome


def read(lines: list[bytes], trusted: str | None) -> Outcome:
    reader = Reader(ACCOUNTS, KEY, trusted, NOW_NS)
    return [one for offset, line in zip(offsets(lines), lines, strict=True) for one in reader.read(line, f"file@{offset}")]


def offsets(lines: list[bytes]) -> list[int]:
    return [sum(len(line) + 1 for line in lines[:i]) for i in range(len(lines))]


MATCHER, SLOW_MATCHER = matcher(), slow_matcher()


@at_any_pace
@given(st.lists(LINES, max_size=6), TRUSTED)
def test_a_block_of_lines_is_what_the_naive_reading_says(lines: list[bytes], trusted: str | None) -> None:
    assert Counter(judged(MATCHER, lines, trusted)) == Counter(read(lines, trusted))


@at_any_pace
@given(st.lists(LINES, max_size=6), TRUSTED)
def test_the_long_way_comes_to_the_same_as_the_short_one(lines: list[bytes], trusted: str | None) -> None:
    assert Counter(judged(SLOW_MATCHER, lines, trusted)) == Counter(judged(MATCHER, lines, trusted))


@at_any_pace
@given(st.lists(LINES, max_size=8), st.integers(1, 3), st.booleans(), TRUSTED)
def test_a_block_of_more_lines_than_are_decoded_at_once_comes_to_the_same(
    lines: list[bytes], lines_max: int, named: bool, trusted: str | None
) -> None:
    places = [f"record {number}" for number in range(len(lines))] if named else None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.decode.block.LINES_MAX", lines_max)
        in_parts = judged(MATCHER, lines, trusted, places=places)
    assert Counter(in_parts) == Counter(judged(MATCHER, lines, trusted, places=places))


@at_any_pace
@given(st.lists(LINES, max_size=6), st.integers(0, 2), TRUSTED)
def test_names_beyond_those_with_a_function_of_their_own_come_to_the_same(
    lines: list[bytes], functions_max: int, trusted: str | None
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.match.plan.FUNCTIONS_MAX", functions_max)
        shared = judged(matcher(), lines, trusted)
    assert Counter(shared) == Counter(judged(MATCHER, lines, trusted))


def test_names_made_up_to_meet_every_set_of_patterns_make_a_bounded_number_of_functions() -> None:
    metrics = [{"id": f"m{bit}", "where": {"event": {"$regex": f"{bit}x"}}, "measures": COUNT} for bit in range(12)]
    by = BlockMatcher(Snapshot.of([account("shop", *metrics)]), 1, KEY)
    lines = [b'{"event":"%s"}' % b"".join(b"%dx" % bit for bit in range(12) if n >> bit & 1) for n in range(4_096)]
    matched = by.match(b"\n".join(lines), Span("file", 0, "shop"), NOW_NS)
    assert (matched.tally["events"], matched.tally["hits"]) == (4_096, 4_095)
    (functions,) = by._functions.values()
    assert len(functions._by_mask) == FUNCTIONS_MAX


@at_any_pace
@given(st.lists(LINES, max_size=8), st.sets(st.integers(0, 8)), TRUSTED)
def test_where_a_block_is_cut_changes_nothing(lines: list[bytes], cuts: set[int], trusted: str | None) -> None:
    whole = judged(MATCHER, lines, trusted)
    starts = [*offsets(lines), 0]
    bounds = sorted({0, len(lines), *(cut for cut in cuts if cut < len(lines))})
    parts = [judged(MATCHER, lines[a:b], trusted, starts[a]) for a, b in pairwise(bounds)]
    assert Counter(one for part in parts for one in part) == Counter(whole)

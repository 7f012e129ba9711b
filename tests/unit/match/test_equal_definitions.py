"""Accounts with equal definitions share their functions: each one's numbers stay its own all the same."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from pipeline.decode.odd import Span
from pipeline.match.block import BlockMatcher
from pipeline.match.memos import Memos
from pipeline.model.definition import Snapshot
from pipeline.model.hit import HitBlock
from pipeline.model.judged import JudgedSets
from tests.support.generate_definitions import parse

METRICS = [
    {"id": "women", "where": {"gender": "f"}, "measures": {"n": {"aggregate": "count"}}, "breakdowns": ["country"]},
    {"id": "spent", "where": {"event": "Order"}, "measures": {"sum": {"aggregate": "sum", "field": "total"}}},
]
EQUAL = Snapshot.of([parse(name, {"timezone": "UTC"}, METRICS) for name in ("a", "b")])
NOW_NS = 1_700_000_000_000_000_000


def record(account: str, number: int, **more: Any) -> dict[str, Any]:
    when = "2023-11-01T10:00:00Z"
    return {"account": account, "messageId": str(number), "anonymousId": "same", "timestamp": when, **more}


def hits_by_account(events: list[dict[str, Any]]) -> dict[str, Counter[Any]]:
    data = b"".join(json.dumps(e).encode() + b"\n" for e in events)
    matched = BlockMatcher(EQUAL, 4, b"key").match(data, Span("in", 0), NOW_NS)
    found: dict[str, Counter[Any]] = {}
    for _, raw in matched.hits:
        block = HitBlock.from_bytes(raw)
        for c in block.combo.tolist():
            combo = block.combos[c]
            found.setdefault(block.accounts[combo.account].account, Counter())[combo.series] += 1
    return found


def test_hits_go_to_the_account_they_are_of() -> None:
    events = [record("ab"[i % 2], i, event="Order", gender="f", country="in" if i % 3 else "dk", total=i) for i in range(30)]
    found = hits_by_account(events)
    assert {account: of.total() for account, of in found.items()} == {"a": 15, "b": 15}
    assert found == {name: hits_by_account([e for e in events if e["account"] == name])[name] for name in "ab"}


def test_one_visitor_of_two_accounts_has_two_hashes() -> None:
    data = b"".join(json.dumps(record(name, 1, gender="f")).encode() + b"\n" for name in "ab")
    matched = BlockMatcher(EQUAL, 1, b"key").match(data, Span("in", 0), NOW_NS)
    hashes = [h for _, raw in matched.hits for h in HitBlock.from_bytes(raw).visitor.tolist()]
    assert len(hashes) == 2 and len(set(hashes)) == 2


def test_events_that_other_functions_judge_have_combos_of_their_own() -> None:
    # The same terms hold in the functions of two names, whose hits carry different fields.
    found = hits_by_account([record("a", 1, gender="f", event="Order", total=5), record("a", 2, gender="f", event="Other")])
    assert sorted(len(series) for series in found["a"]) == [2, 3]


def test_judged_sets_are_the_same_as_each_by_itself() -> None:
    sets = JudgedSets()
    one, two = (sets.of(definitions) for definitions in EQUAL.accounts.values())
    assert one.metrics is two.metrics and (one.account, two.account) == ("a", "b") and one.digest != two.digest


def test_memos_are_bounded_together() -> None:
    memos, one, two = Memos(bytes_max=10_000), {}, {}
    for n in range(1_000):
        memos.put(one if n % 2 else two, f"value {n}", n)
        assert len(one) + len(two) < 100
    assert (two if 999 % 2 == 0 else one)["value 999"] == 999

"""Many accounts in few blocks: only records that say themselves what their stream says leave their account's group."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
import yaml

from pipeline.decode.odd import Span
from pipeline.definitions.source import open_definitions
from pipeline.match.block import BlockMatcher
from pipeline.model.limits import EVENT_BYTES_MAX
from pipeline.sources.accounts import WORTH_A_BLOCK, in_few_groups, said_account
from tests.support.records import ORDERS, order


def saying(account: str) -> bytes:
    return json.dumps({"event": "x", "account": account}).encode()


def groups(by_account: dict[str | None, list[bytes]]) -> dict[str | None, list[bytes]]:
    found = list(in_few_groups(by_account, lambda record: record))
    assert len(dict(found)) == len(found)
    return {account: list(records) for account, records in found}


def test_records_that_say_their_account_share_a_group() -> None:
    by_account: dict[str | None, list[bytes]] = {f"a{n}": [saying(f"a{n}")] for n in range(100)}
    assert groups(by_account) == {None: [saying(f"a{n}") for n in range(100)]}


def test_those_that_say_nothing_or_another_account_stay_with_who_vouches_for_them() -> None:
    by_account: dict[str | None, list[bytes]] = {
        "a": [b"{}", saying("b"), saying("a")],
        "b": [b"no json"],
        None: [saying("c")],
    }
    assert groups(by_account) == {"a": [b"{}", saying("b")], "b": [b"no json"], None: [saying("c"), saying("a")]}


def test_a_group_that_is_worth_a_block_and_one_that_is_alone_stay_as_they_are() -> None:
    large = [saying("a")] * WORTH_A_BLOCK
    assert groups({"a": large, "b": [saying("b")]}) == {"a": large, None: [saying("b")]}
    assert groups({"b": [saying("b")]}) == {"b": [saying("b")]}
    assert groups({}) == {}


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"[]",
        b'"a"',
        b'{"account":1}',
        b'{"account":null}',
        b'{"account":"a"',
        b'{"account":"a"} {"account":"a"}',
        b'{"account":"a","batch":[{"account":"b"}]}',
        b'{"account":"a","b\\u0061tch":null}',
        b'{"account":"a","raw":"{}","stage":"decode"}',
        b'{"account":"a","raw_base64":"e30="}',
        b'{"account":"a","event":"\xff"}',
        b'\xef\xbb\xbf{"account":"a"}',
        b"[" * 10_000,
        saying("a").replace(b"x", b"x" * EVENT_BYTES_MAX),
    ],
)
def test_what_is_not_surely_one_event_says_nothing(record: bytes) -> None:
    assert said_account(record) is None


def test_of_an_account_said_twice_the_last_counts_as_it_does_when_the_event_is_decoded() -> None:
    assert said_account(b'{"account":"a","account":"b"}') == "b"
    assert said_account(b'{"account":"a","acc\\u006funt":"b"}') == "b"


def test_judged_together_they_come_to_what_they_come_to_apart(tmp_path: Path) -> None:
    accounts = [yaml.safe_dump({"account": account, "metrics": [ORDERS]}) for account in ("shop", "twin")]
    (tmp_path / "d.yaml").write_text("---\n".join(accounts))
    matcher = BlockMatcher(open_definitions(str(tmp_path / "d.yaml")).read(), 8, b"k" * 16)
    records = [
        order(account=account, messageId=f"{account}{n}", timestamp=timestamp)
        for account in ("shop", "twin")
        for n, timestamp in enumerate(["2026-10-01T12:00:00Z", "no time", "2999-01-01T00:00:00Z", None])
    ]
    lines: dict[str | None, list[bytes]] = {}
    for record in records:
        lines.setdefault(record["account"], []).append(json.dumps(record).encode())

    def judged(by_account: dict[str | None, list[bytes]]) -> tuple[Counter[str], list[tuple[str | None, str, bytes]]]:
        tally, rejects = Counter[str](), []
        for account, of_it in by_account.items():
            span = Span("s", 0, account, places=[str(n) for n in range(len(of_it))])
            matched = matcher.match(b"".join(line + b"\n" for line in of_it), span, 1_800_000_000 * 10**9)
            tally += matched.tally
            rejects += [(r.account, r.reason, r.raw) for r in matched.rejects]
        return tally, sorted(rejects, key=str)

    together = groups(lines)
    assert list(together) == [None]
    assert judged(together) == judged(lines)

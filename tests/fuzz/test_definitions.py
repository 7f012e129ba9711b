"""Hostile definitions: refused at their place or taken, and what is taken compiles, travels and judges without raising."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from pipeline.decode.origin import Span
from pipeline.definitions.file import examine_file
from pipeline.definitions.hashes import read_hash
from pipeline.definitions.source import open_definitions
from pipeline.definitions.validate import parse_account
from pipeline.match.block import BlockMatcher
from pipeline.model.definition import AccountDefinitions, DefinitionError, Snapshot
from pipeline.model.errors import UsageError
from tests.support.any_pace import at_any_pace
from tests.support.bounded import in_bounds
from tests.support.conditions import ANY_JSON, CONDITIONS
from tests.support.definitions import account_document, metric_document
from tests.support.redis_server import redis_server_url, redis_url

__all__ = ["redis_server_url", "redis_url"]

COMPLAINT_CHARS_MAX = 2_000
PROBES = [
    {"event": "a", "properties": {"a": [1, {"b": 2}], "": {"": 3}}, "context": None, "a": {"b": "x"}, "l": [{"k": 1}]},
    {"event": {"a": 1}, "properties": [1], "context": {"a": {"b": {"c": 1}}}, "a": 5, "userId": {}, "account": None},
]
_PATHS = st.sampled_from(
    ["a", "a.b", "a.b.c", "l.0.k", "properties.a.b", "context.a.b", "event", "batch.0", "raw", "account.x"]
)
_NAMES = st.sampled_from(["n", "N", "", "a b", "ü", "x" * 65, "__init__", "class", "\ud800", "a\nb"])
_ANYTHING = ANY_JSON | st.sampled_from([10**400, float("inf"), "\ud800", "x" * 300, {"a": {"b": {}}}]) | _PATHS
_MEASURES = st.dictionaries(
    st.just("n") | _NAMES,
    st.fixed_dictionaries(
        {"aggregate": st.sampled_from(["count", "sum", "min", "max", "mean"])},
        optional={"field": _PATHS, "once_per": st.sampled_from(["visitor", "visitor_day", "none"])},
    )
    | _ANYTHING,
    max_size=3,
)
_PARTS: dict[str, st.SearchStrategy[Any]] = {
    "id": st.sampled_from(["m", "n"]) | _NAMES | _ANYTHING,
    "where": CONDITIONS | st.dictionaries(_PATHS, _ANYTHING, max_size=2) | _ANYTHING,
    "measures": _MEASURES | _ANYTHING,
    "breakdowns": st.lists(_PATHS | _ANYTHING, max_size=3) | _ANYTHING,
    "description": st.text(max_size=3) | _ANYTHING,
}
_METRICS = st.dictionaries(st.sampled_from(sorted(_PARTS)), st.none()).flatmap(
    lambda changed: st.fixed_dictionaries({name: _PARTS[name] for name in changed}).map(lambda c: {**metric_document(), **c})
)
_SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "timezone": st.sampled_from(["UTC", "Asia/Kolkata", "../../etc/passwd", "a\0b", "posix/UTC", "Europe"]) | _ANYTHING,
        "visitor": st.lists(_PATHS, max_size=3) | _ANYTHING,
        "fanout": st.sampled_from([1, 8, 0, 1025, 1.0, True]) | _ANYTHING,
        "groups": st.dictionaries(_NAMES, st.lists(_ANYTHING, max_size=2), max_size=2) | _ANYTHING,
    },
)
DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "account": st.sampled_from(["acme", "Acme", "", "a" * 65]) | _ANYTHING,
        "metrics": st.lists(_METRICS | _ANYTHING, max_size=4) | _ANYTHING,
        "settings": _SETTINGS | _ANYTHING,
        "layers": _ANYTHING,
        "notes": _ANYTHING,
    },
).map(lambda document: {"account": "acme", **document})


def test_what_is_complained_of_is_bounded() -> None:
    keys = {"aggregate": "count", **{f"k{n}": 1 for n in range(100)}}
    metrics = [metric_document(id=f"m{n}", measures={f"n{i}": keys for i in range(40)}) for n in range(20)]
    settings = {"groups": {f"g{n}": 1 for n in range(1_000)}}
    taken = parse_account({"account": "acme", "metrics": metrics, "settings": settings}, strict=False)
    assert len(taken.problems) == 2_501
    assert sum(problem.startswith("settings") for problem in taken.problems) == 11
    assert taken.metrics == {}


def check_taken(taken: AccountDefinitions) -> None:
    """What was taken is of one form after a journey, and judges events."""
    for problem in taken.problems:
        assert problem.isprintable() and len(problem) < COMPLAINT_CHARS_MAX
    snapshot = Snapshot.of([taken])
    again = Snapshot.from_bytes(snapshot.to_bytes())
    assert again.version == snapshot.version and again.accounts[taken.account].digest == taken.digest
    lines = b"\n".join(json.dumps(event).encode() for event in PROBES)
    matched = BlockMatcher(again, 2, b"key").match(lines, Span("in", 0, taken.account), 0)
    assert matched.tally["events"] == len(PROBES)


@at_any_pace
@given(DOCUMENTS | ANY_JSON)
def test_a_document_is_taken_or_refused_with_a_complaint_of_one_line(document: Any) -> None:
    for strict in (True, False):
        try:
            check_taken(parse_account(document, strict=strict))
        except DefinitionError as error:
            assert str(error).isprintable() and len(str(error)) < COMPLAINT_CHARS_MAX


_VALUES = _ANYTHING.map(lambda value: json.dumps(value).encode()) | _METRICS.map(lambda metric: json.dumps(metric).encode())
_FIELDS = st.sampled_from([b"settings", b"metric:m", b"metric:\xff", b"metric:", b"experiment:x", b"\x00", b"x" * 999])
HASHES = st.dictionaries(_FIELDS | st.binary(max_size=9), _VALUES | st.binary(max_size=20), max_size=6)


@at_any_pace
@given(HASHES)
def test_a_hash_of_anything_is_read_with_problems_of_one_line(fields: dict[bytes, bytes]) -> None:
    check_taken(read_hash("acme", fields))


_WORDS = """account: acme|metrics:|!!python/name:os |!<tag:yaml.org,2002:int> |!!int |%TAG ! x|1e999|0b1|<<|&a |*a|---|...
- |? |: |[|]|{|}|, |>|'|"|\\x00|~|# |@|`|x"""
_TOKENS = st.sampled_from([*_WORDS.replace("\n", "|").split("|"), *"|\n\t\r\x85\u2028\ufeff", "\n", "\n", "  ", "9" * 500])


@at_any_pace
@given(st.lists(_TOKENS | st.text(max_size=2), max_size=25).map("".join), st.sampled_from(["d.yaml", "d.json"]))
def test_a_file_of_anything_is_definitions_or_one_line_with_its_name(
    tmp_path_factory: pytest.TempPathFactory, text: str, name: str
) -> None:
    path = tmp_path_factory.mktemp("file") / name
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        _, errors = examine_file(str(path))
    except UsageError as error:
        errors = [error]
    for error in errors:
        assert str(error).startswith(f"{path}: ") and str(error).isprintable() and len(str(error)) < COMPLAINT_CHARS_MAX


def bombs() -> Iterator[tuple[str, str]]:
    """Files of a few kilobytes, or of one megabyte, that ask for far more."""
    laughs = "x0: &x0 [lol]\n" + "".join(f"x{n + 1}: &x{n + 1} [{','.join([f'*x{n}'] * 10)}]\n" for n in range(30))
    metric = "{id: m, where: {a: %s}, measures: {n: {aggregate: count}}}"
    yield "d.yaml", laughs
    yield "d.yaml", f"account: a\nmetrics:\n- {metric % '&a [' + 'x,' * 900 + 'x]'}\n" + f"- {metric % '*a'}\n" * 1_900
    yield "d.yaml", "a: &a {b: *a}\n"
    yield (
        "d.yaml",
        "x0: &x0 {a: 1}\n" + "".join(f"x{n + 1}: &x{n + 1} {{a: *x{n}}}\n" for n in range(20_000)) + "? *x20000\n: 1\n",
    )
    yield "d.yaml", "a: " + "[" * 500_000
    yield "d.yaml", "a: " + "{a: " * 250_000
    yield "d.yaml", "".join(" " * n + "a:\n" for n in range(1_400))
    yield "d.yaml", "- " * 500_000
    yield "d.yaml", "a: " + "9" * 1_000_000
    yield "d.yaml", "a: !!int 0b" + "1" * 1_000_000
    yield "d.yaml", "---\n" * 200_000
    yield "d.yaml", "- a\n" * 200_000
    yield "d.json", "[" * 1_000_000
    yield "d.json", '{"a":' * 200_000
    yield "d.json", "[" + "9" * 1_000_000 + "]"
    yield "d.json", "{" + ",".join(f'"{n % 99_999}":1' for n in range(100_000)) + "}"


def read_bombs() -> None:
    for name, text in bombs():
        path = Path.cwd() / name
        path.write_text(text)
        print(text[:60].encode(), flush=True)
        try:
            examine_file(str(path))
        except UsageError as error:
            assert str(error).isprintable() and len(str(error)) < COMPLAINT_CHARS_MAX


def test_files_that_ask_for_far_more_than_they_hold_cost_bounded_time_and_memory(tmp_path: Path) -> None:
    in_bounds(read_bombs, 600, tmp_path)


def test_a_redis_full_of_garbage_is_read_and_the_good_account_goes_on(redis_url: str) -> None:
    source = open_definitions(redis_url)
    good = {"metric:orders": json.dumps(metric_document()), "settings": json.dumps(account_document()["settings"])}
    large = json.dumps(metric_document(id="large", where={"a": {"$in": ["x" * 100] * 700}}))
    with redis.Redis.from_url(redis_url) as client:
        client.hset(
            "definitions:good", mapping={**good, "metric:large": large, "metric:huge": b'"' + b"x" * 5_000_000 + b'"'}
        )
        client.hset(
            "definitions:garbage", mapping={b"metric:\xff\xfe": b"\xff", b"\x00": b"\x00", "settings": "[" * 100_000}
        )
        client.set("definitions:text", b"\xff")
        client.rpush("definitions:list", "a")
        client.zadd("definitions:sorted", {"a": 1})
        client.xadd("definitions:stream", {"a": "b"})
        client.set(b"definitions:\xff\xfe\n", "x")
        client.hset("definitions:" + "x" * 10_000, "metric:a", "{}")
        client.hset("definitions:", "metric:a", "{}")
        many = {f"metric:m{n}": "{}" for n in range(50_000)} | {f"stranger{n}": "" for n in range(50_000)}
        client.hset("definitions:many", mapping=many)
    snapshot = source.read()
    assert list(snapshot.accounts["good"].metrics) == ["orders"]
    assert all(not account.metrics for name, account in snapshot.accounts.items() if name != "good")
    problems = list(snapshot.all_problems())
    assert len(problems) < 2_600
    assert all(problem.isprintable() and len(problem) < COMPLAINT_CHARS_MAX for problem in problems)
    assert [p.partition(":")[0] for p in snapshot.accounts["good"].problems] == ["metric", "metric"]
    assert source.read() is snapshot

"""Hostile queries: an answer or a QueryError with a pointer, over HTTP never a 5xx, in bounded time and memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.definitions.source import FileDefinitions
from pipeline.definitions.validate import parse_account
from pipeline.model.definition import Snapshot
from pipeline.store.sqlite import SqliteStore
from readers.app import create_app
from readers.auth import NoAuth
from readers.query import QueryError, run_query
from readers.query.errors import DETAIL_CHARS_MAX
from readers.service import Service
from readers.snapshots import Snapshots
from readers.stores import Stores
from readers.text_query import FIELDS as TEXT_FIELDS
from readers.text_query import body_of_texts
from tests.support.any_pace import at_any_pace
from tests.support.bounded import in_bounds
from tests.support.conditions import ANY_JSON
from tests.support.counters import Counters
from tests.support.daycount import write_definitions
from tests.support.http_client import TestClient

NOW = datetime(2026, 10, 31, 12, tzinfo=UTC)
METRIC = {
    "id": "m",
    "where": {},
    "measures": {
        "n": {"aggregate": "count"},
        "daily": {"aggregate": "count", "once_per": "visitor_day"},
        "mean": {"aggregate": "mean", "field": "total"},
        "least": {"aggregate": "min", "field": "total"},
    },
    "breakdowns": ["plan", "context.country"],
}
DEFINED = parse_account({"account": "shop", "metrics": [METRIC], "settings": {"timezone": "Europe/Paris"}}, strict=True)
SNAPSHOT = Snapshot.of([DEFINED])

_TEXTS = st.sampled_from(
    ["", "x" * 10_000, "\x00", "\n", "ü", "a#b@c", "m@../..", "m@" + "0" * 16, "'; DROP TABLE meta", "*"]
)
_HUGE = st.sampled_from([10**400, -1, 2**63, 1e308, float("inf"), True])
_ANYTHING = ANY_JSON | _TEXTS | _HUGE | st.text(st.characters(), max_size=3)
_DAYS = st.sampled_from(
    ["2026-10-01", "2026-10-31", "2024-02-29", "2026-02-30", "0003-01-01", "9998-12-31", "9999-12-31", "２026-10-01"]
)
_RANGE_NAMES = st.sampled_from(["day", "7d", "month", "12mo", "all", "previous_period", "previous_year"])
_RANGES = _RANGE_NAMES | st.lists(_DAYS, max_size=3)
_BREAKDOWNS = st.sampled_from(["plan", "context.country", "reason", "nothing"])
_VALUES = st.lists(st.sampled_from(["a", "b", 1, 1.0, True, "(none)", "(other)"]) | _ANYTHING, max_size=3)
_KNOWN = ["m", "m.n", "m.daily", "m.mean", "m.least", "_rejected", "_rejected.rejected"]
_NAMES = st.sampled_from([*_KNOWN, *_KNOWN, "m@x.n", ".n", "m."]) | _TEXTS
_TIMES = st.sampled_from([f"time:{unit}" for unit in ("hour", "day", "week", "month", "year")])
_FILTERS = st.tuples(st.sampled_from(["is", "is_not", ""]), _BREAKDOWNS, _VALUES).map(list)
_ORDERS = st.tuples(_NAMES | _BREAKDOWNS, st.sampled_from(["asc", "desc", "up"])).map(list)
_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "metrics": st.lists(_NAMES | _ANYTHING, max_size=3) | _ANYTHING,
    "date_range": _RANGES | _ANYTHING,
    "dimensions": st.lists(_TIMES | _BREAKDOWNS, max_size=3),
    "filters": st.lists(_FILTERS | _ANYTHING, max_size=2),
    "compare": _RANGES | _ANYTHING,
    "order_by": st.lists(_ORDERS | _ANYTHING, max_size=2),
    "limit": st.integers(0, 3) | _ANYTHING,
    "offset": st.integers(0, 3) | _ANYTHING,
    "account": st.just("shop") | _ANYTHING,
}
_SOUND = {"metrics": ["m.n"], "date_range": ["2026-10-01", "2026-10-31"]}
_WORDS = st.sampled_from([*TEXT_FIELDS, "x"])
BODIES = st.fixed_dictionaries({}, optional=_FIELDS).map(lambda body: {**_SOUND, **body}) | st.dictionaries(
    st.sampled_from([*_FIELDS, "", "unknown"]), _ANYTHING, max_size=3
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteStore]:
    made = SqliteStore(tmp_path_factory.mktemp("store") / "numbers.db")
    fill(made)
    yield made
    made.close()


def fill(store: SqliteStore) -> None:
    counters, [metric] = Counters(store, "shop"), DEFINED.metrics.values()
    for day in ("2026-10-01", "2026-10-25", "2024-02-29"):
        counters.day(metric, day, {"n": 3, "mean": ("7.5", 2), "least": "-1"}, quality={"late": 1})
        counters.hours(metric, day, {2: {"n": 1}, 26: {"n": 2}})
        for value in ("a", "1", "(none)"):
            counters.day(metric, day, {"n": 1}, breakdown="plan", value=value)


def ask(store: SqliteStore, body: Any) -> None:
    try:
        answer = run_query(store, SNAPSHOT, "shop", body, NOW)
    except QueryError as error:
        assert error.pointer == "" or error.pointer.startswith("/")
        assert len(error.detail) <= DETAIL_CHARS_MAX
        return
    rows = list(answer.cells())
    assert len(orjson.loads(answer.to_json())["results"]) == len(orjson.loads(answer.to_flat_json())) == len(rows)


@at_any_pace
@given(body=BODIES | ANY_JSON)
def test_a_query_of_anything_is_answered_or_refused(store: SqliteStore, body: Any) -> None:
    ask(store, body)


@pytest.mark.parametrize(
    ("account", "body"),
    [
        ("shop", {"metrics": ["m@\udcff.n"]}),
        ("shop", {"metrics": ["\udcff@1.n"]}),
        ("shop", {"filters": [["is", "plan", ["\udcff"]]]}),
        ("shop", {"dimensions": ["\udcff"]}),
        ("shop", {"compare": ["\udcff", "\udcff"]}),
        ("\udcff", {"metrics": ["m@1.n"]}),
    ],
)
def test_words_of_bytes_that_are_no_text_are_refused(store: SqliteStore, account: str, body: dict[str, Any]) -> None:
    with pytest.raises(QueryError):
        run_query(store, SNAPSHOT, account, {**_SOUND, **body}, NOW)


@at_any_pace
@given(texts=st.dictionaries(_WORDS, st.lists(_NAMES | _DAYS | st.text(st.characters(), max_size=9)), max_size=4))
def test_words_of_anything_are_a_query_or_refused(store: SqliteStore, texts: dict[str, list[str]]) -> None:
    try:
        body = body_of_texts({"metrics": ["m.n"], **texts})
    except QueryError:
        return
    ask(store, body)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, store: SqliteStore) -> TestClient:
    definitions = FileDefinitions(write_definitions(tmp_path_factory.mktemp("definitions") / "d.yaml", METRIC))
    stores = Stores(lambda: SqliteStore(store.path), threads=1)
    service = Service(stores, Snapshots(definitions), NoAuth(), lambda: NOW)
    return TestClient(create_app(service), raise_server_exceptions=False)


RAW = st.binary(max_size=20) | BODIES.map(lambda body: json.dumps(body).encode())
NESTED = [
    "[" * 100_000,
    '{"metrics":' + "[" * 1_000 + "]" * 1_000 + "}",
    '{"metrics":["m.n"],"date_range":[' + '{"a":' * 900 + "1" + "}" * 900 + "]}",
    '{"metrics":["m.n"],"date_range":"day","filters":[["is","plan",[' + "[" * 900 + "]" * 900 + "]]]}",
    '{"metrics":["m.n"],"date_range":"day","limit":' + "[" * 990 + "]" * 990 + "}",
    '{"metrics":["m.n"],"date_range":"day","account":' + "[" * 990 + "]" * 990 + "}",
]


@at_any_pace
@given(body=RAW)
@example(body=NESTED[0].encode())
@example(body=NESTED[1].encode())
@example(body=NESTED[2].encode())
@example(body=NESTED[3].encode())
@example(body=NESTED[4].encode())
@example(body=NESTED[5].encode())
def test_over_http_it_is_the_askers_fault_and_says_so(client: TestClient, body: bytes) -> None:
    answer = client.post("/v1/query", content=body, headers={"content-type": "application/json"})
    assert answer.status_code < 500, answer.text
    if answer.status_code != 200:
        assert answer.headers["content-type"] == "application/problem+json" and "detail" in answer.json()


@at_any_pace
@given(params=st.lists(st.tuples(_WORDS, _NAMES | _DAYS | st.text(max_size=9)), max_size=5))
def test_nor_do_parameters_break_the_service(client: TestClient, params: list[tuple[str, str]]) -> None:
    assert client.get("/v1/query", params=params).status_code < 500
    assert client.get("/v1/metrics", params=params).status_code < 500


@pytest.mark.parametrize(
    "path",
    [
        "/v1/query?metrics=%ff%fe&date_range=%00",
        "/v1/metrics/%ff",
        "/v1/metrics/%2e%2e%2f",
        "/%00",
        "/v1/metrics?account=%ff",
    ],
)
def test_bytes_that_are_no_text_in_an_address_are_no_failure(client: TestClient, path: str) -> None:
    assert client.get(path).status_code < 500


def ask_for_much() -> None:
    """As much as the bounds let pass: all metrics, all hours, all values; then bodies of a megabyte."""
    store = SqliteStore(Path("much.db"))
    fill(store)
    measures = [f"m.{name}" for name in METRIC["measures"] if name != "daily"]  # type: ignore[attr-defined]
    span = ["2024-08-23", "2026-10-31"]
    for time in ("time:hour", "time:day"):
        ask(store, {"metrics": measures, "date_range": span, "dimensions": [time, "plan"], "compare": "previous_year"})
    filters = [["is", "plan", [f"{n}" * 200 for n in range(1_000)]]] * 20
    ask(store, {"metrics": ["m.n"], "date_range": span, "filters": filters, "limit": 10_000})
    for much in (["m.n"] * 100_000, "m" * 1_000_000, [["x"] * 1_000] * 100, {"a": "b" * 1_000_000}):
        for field in _FIELDS:
            ask(store, {**_SOUND, field: much})
    store.close()


def test_as_much_as_can_be_asked_for_costs_bounded_time_and_memory(tmp_path: Path) -> None:
    in_bounds(ask_for_much, 700, tmp_path)

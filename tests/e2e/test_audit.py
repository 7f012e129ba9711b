"""The command `daycount audit` as it is typed: equal and not, what it prints, what it refuses."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pipeline.definitions.source import open_definitions
from pipeline.model import layout
from pipeline.model.layout import DAY
from tests.support.daycount import Shop, daycount, refusal, write_definitions, write_lines
from tests.support.hits import event
from tests.support.retail import DEFINITIONS, retail_files, retail_folder, truth
from tests.support.small_runs import SmallRun
from tests.support.store_places import BigtablePlace, Place, SqlitePlace

ORDERS = {
    "id": "orders",
    "where": {},
    "measures": {
        "count": {"aggregate": "count"},
        "buyers": {"aggregate": "count", "once_per": "visitor"},
        "revenue": {"aggregate": "sum", "field": "properties.total"},
    },
    "breakdowns": ["properties.plan"],
}


def audit(shop: Shop, *words: str | Path, stdin: bytes | None = None) -> subprocess.CompletedProcess[str]:
    return daycount("audit", *map(str, words), *shop.places, stdin=stdin, environment=shop.environment)


def found(done: subprocess.CompletedProcess[str], code: int) -> dict[str, Any]:
    """What `--json` printed."""
    assert (done.returncode, done.stderr) == (code, ""), done.stderr
    body: dict[str, Any] = json.loads(done.stdout)
    return body


def one_too_many(place: Place, row: bytes, day: int) -> None:
    """One more in the first column of some slot's day without a breakdown, behind the store's back."""
    begin, end = layout.day_range(DAY, 0, day, day)
    qualifier, value = next((q, v) for q, v in place.peek("counters", row).items() if begin <= q < end)
    totals = layout.unpack_totals(value).copy()
    totals[0] += 1
    place.poke("counters", row, qualifier, layout.pack_totals(totals))


def _revision(shop: Shop, metric: str) -> str:
    return open_definitions(shop.definitions).read().accounts["shop"].metrics[metric].revision


@pytest.fixture
def small(tmp_path: Path) -> Shop:
    """A shop of one metric and four events, which have been counted."""
    definitions = write_definitions(tmp_path / "shop.yaml", ORDERS, timezone="UTC")
    events = [event(f"m{i}", f"v{i % 2}", f"{4 + i % 2:02d}T10:0{i}", total=1.5, plan="a\n\x1b[2J") for i in range(4)]
    write_lines(tmp_path / "events.jsonl", events)
    shop = Shop(f"sqlite:///{tmp_path}/numbers.db", definitions)
    SmallRun(shop.store, shop.definitions).run(tmp_path / "events.jsonl")
    return shop


@pytest.mark.parametrize("kind", ["sqlite", "bigtable"])
def test_the_retail_month_is_equal_until_one_number_is_changed(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path}/numbers.db" if kind == "sqlite" else request.getfixturevalue("bigtable_url")
    place: Place = SqlitePlace(tmp_path / "numbers.db") if kind == "sqlite" else BigtablePlace(url)
    shop = Shop(url, DEFINITIONS, extra=("--rejects", str(tmp_path / "rejects.jsonl")))
    shop.run(*retail_files())
    equal = found(audit(shop, "--input", retail_folder() / "*.jsonl.gz", "--json"), 0)
    assert (equal["equal"], equal["differing"], equal["events"], equal["counted"]) == (True, 0, 44_506, 44_506)
    assert equal["accounts"] == {"shop": ["2010-12-01", "2010-12-23"]}
    assert equal["cells"] == {"days": 1_154, "hours": 5_917}
    revision = _revision(shop, "completed")
    one_too_many(place, layout.counter_row("shop", "completed", revision, 2010, 12), 7)
    told = found(audit(shop, "--input", retail_folder() / "*.jsonl.gz", "--passes", "2", "--json"), 1)
    assert (told["equal"], told["differing"]) == (False, 2)
    [in_slot, whole] = told["differences"]
    place_told = {"account": "shop", "metric": f"completed@{revision}", "measure": "buyers_daily", "day": "2010-12-07"}
    right = int(truth()["days"]["2010-12-07"]["buyers_daily"])
    assert whole == {"kind": "recount", **place_told, "stored": str(right + 1), "recounted": str(right)}
    assert in_slot | place_told == in_slot and in_slot["kind"] == "hours"
    assert int(in_slot["stored"]) == int(in_slot["recounted"]) + 1
    place.close()


def test_what_is_equal_is_told_in_two_lines(small: Shop, tmp_path: Path) -> None:
    done = audit(small, "--input", tmp_path / "events.jsonl")
    assert (done.returncode, done.stderr) == (0, "")
    read, verdict = done.stdout.splitlines()
    assert read.startswith("4 events in ") and read.endswith(": 4 matched a metric, beside 0 copies of them")
    # A day has three measures and two notes on quality, and the measures again for the breakdown's one value.
    assert verdict == "16 cells of days and 16 of hours compared (shop 2024-01-04 to 2024-01-05): all equal"


def test_a_difference_is_a_line_that_names_the_cell_and_cannot_move_the_cursor(small: Shop, tmp_path: Path) -> None:
    some = (tmp_path / "events.jsonl").read_text().splitlines()[:-1]
    done = audit(small, "--input", "-", stdin="\n".join(some).encode())
    assert (done.returncode, done.stderr) == (1, "")
    name = f"shop orders@{_revision(small, 'orders')}"
    told = done.stdout.splitlines()
    assert told[:2] == [
        f"{name} count 2024-01-05: stored 2, recounted 1",
        f"{name} revenue 2024-01-05: stored 3, recounted 1.5",
    ]
    assert f"{name} count 2024-01-05 properties.plan = 'a\\n\\x1b[2J': stored 2, recounted 1" in told
    assert f"{name} count 2024-01-05 hour 10: stored 2, recounted 1" in told
    assert any(line.startswith(f"note: {name}: in force since 20") for line in told)
    assert told[-1].endswith("(shop 2024-01-04 to 2024-01-05): 8 differ")


def test_an_event_that_was_never_stored_is_found(small: Shop, tmp_path: Path) -> None:
    write_lines(tmp_path / "more.jsonl", [event("m9", "v9", "05T10:00", total=1, plan="a")])
    told = found(audit(small, "--input", tmp_path / "*.jsonl", "--json"), 1)
    assert {d["measure"] for d in told["differences"]} == {"count", "buyers", "revenue"}
    assert {d["day"] for d in told["differences"]} == {"2024-01-05"}
    assert told["differing_metrics"] == [["shop", f"orders@{_revision(small, 'orders')}", 12]]
    in_time = audit(small, "--input", tmp_path / "*.jsonl", "--to", "2024-01-04")
    assert in_time.returncode == 0, in_time.stdout


def test_rejects_and_records_of_others_are_told_and_not_compared(small: Shop, tmp_path: Path) -> None:
    records = ["no json", {**event("m1", "v", "04T10:00"), "account": "else"}]
    write_lines(tmp_path / "broken.jsonl", records)
    done = audit(small, "--input", tmp_path / "*.jsonl")
    assert done.returncode == 0, done.stdout
    assert "rejected: 1 not_json, 1 wrong_account" in done.stdout


def test_an_input_in_which_nothing_counts_shows_nothing(small: Shop, tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("")
    done = audit(small, "--input", tmp_path / "empty.jsonl")
    assert done.returncode == 1
    assert "note: shop: the input has no event of it that a metric counts; nothing was compared" in done.stdout
    assert done.stdout.endswith("0 cells of days and 0 of hours compared (no account): there was nothing to compare\n")
    asked = audit(small, "--input", tmp_path / "empty.jsonl", "--from", "2024-01-05", "--to", "2024-01-05")
    assert (asked.returncode, "stored 2, recounted 0" in asked.stdout) == (1, True)


def test_a_file_that_breaks_off_is_an_error_and_no_verdict(small: Shop, tmp_path: Path) -> None:
    whole = retail_files()[0].read_bytes()
    (tmp_path / "cut.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    assert "not readable to its end" in refusal(audit(small, "--input", tmp_path / "cut.jsonl.gz"), 1)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--input", "redis://localhost:6379/0?stream=s"], "an audit reads what can be read again"),
        (["--input", "pubsub://project/subscription"], "an audit reads what can be read again"),
        (["--input", "nowhere.jsonl"], "no such file"),
        (["--input", "-", "--passes", "2"], "can be read once only"),
        (["--input", "EVENTS", "--from", "2024-02-30"], "--from 2024-02-30: not a day"),
        (["--input", "EVENTS", "--from", "2024-02-02", "--to", "2024-02-01"], "is after --to"),
        (["--input", "EVENTS", "--metric", "nothing"], "--metric nothing: there is no such metric (there: orders)"),
        (["--input", "EVENTS", "--account", "else"], "--account else: there are no definitions of it (there: shop)"),
        (["--input", "EVENTS", "--store", "sqlite:///nowhere.db"], "no store at nowhere.db"),
        (["--input", "EVENTS", "--store", "bigtable://project/instance"], "BIGTABLE_EMULATOR_HOST"),
        (["--input", "EVENTS", "--definitions", "nowhere.yaml"], "nowhere.yaml"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(small: Shop, tmp_path: Path, words: list[str], told: str) -> None:
    words = [str(tmp_path / "events.jsonl") if word == "EVENTS" else word for word in words]
    nobody = {"BIGTABLE_EMULATOR_HOST": "127.0.0.1:1"}
    done = daycount("audit", *small.places, *words, stdin=b"", environment=nobody, cwd=tmp_path)
    assert told in refusal(done)


def test_a_store_that_nothing_was_counted_into_is_refused(small: Shop, tmp_path: Path) -> None:
    SqlitePlace(tmp_path / "new.db").close()
    words = ("--input", tmp_path / "events.jsonl", "--store", f"sqlite:///{tmp_path}/new.db")
    assert "no run has counted into it yet" in refusal(daycount("audit", *small.places, *map(str, words)))


def test_a_store_of_another_layout_is_refused(small: Shop, tmp_path: Path) -> None:
    place = SqlitePlace(tmp_path / "numbers.db")
    for value, told in ((b'{"version": 99}', "layout version 99"), (b"garbage", "layout record is unreadable")):
        place.poke("meta", layout.META_LAYOUT, b"v", value)
        assert told in refusal(audit(small, "--input", tmp_path / "events.jsonl"))
    place.close()

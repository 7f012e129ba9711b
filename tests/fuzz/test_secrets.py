"""What visitors are called, and what is secret in URLs and keys, is found neither in the store nor in anything said.

Of a record that is rejected the original bytes are kept, in the rejects file and nowhere else.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.daycount import daycount, kept_rejects, refusal, write_definitions, write_lines
from tests.support.records import order
from tests.support.small_runs import SmallRun

MARK = "zq7visitor"  # in everything that tells who somebody is
KEY = "zq7key-of-visitors"
PASSWORD = "zq7password"
ORDERS = {
    "id": "orders",
    "where": {"event": "Order Completed", "context.traits.email": {"$regex": "@"}},
    "measures": {
        "n": {"aggregate": "count"},
        "buyers": {"aggregate": "count", "once_per": "visitor"},
        "first": {"aggregate": "sum", "field": "properties.total", "once_per": "visitor_day"},
    },
    "breakdowns": ["context.location.country"],
}
PLACES = ("--from", "2026-10-01", "--to", "2026-10-01")


def person(number: int, **changes: object) -> dict[str, object]:
    """An order by somebody who is named wherever a record may name one."""
    who = f"{MARK}{number}"
    context = {"traits": {"email": f"{who}@example.com", "phone": who}, "ip": who, "location": {"country": "DE"}}
    names = {
        "messageId": f"m{number}",
        "anonymousId": who,
        "userId": f"user-{who}",
        "context": context,
        "traits": {"name": who},
    }
    return order(properties={"email": f"{who}@example.com"}, **{**names, **changes})


SOUND = [person(n) for n in range(20)] + [person(n, messageId=...) for n in range(5)]
REJECTED = [
    person(30, timestamp=f"{MARK} at noon"),
    person(31, account=f"{MARK}-account"),
    person(32, filling="x" * 300_000),
    json.dumps(person(33))[:-1],
    f'"{MARK}"',
    {"batch": [person(34, timestamp=MARK), MARK, person(35, account=MARK)]},
    json.dumps(person(36)).encode() + b"\xff",
    {"account": MARK, "batch": [person(37)]},
    json.dumps(person(38)).replace(MARK, f"{MARK}\\ud800"),
    "[" * 500 + f'"{MARK}"' + "]" * 500,
]


def stored(folder: Path) -> Iterator[bytes]:
    """All bytes of the store's files, and all cells: a text may lie across two pages."""
    for path in folder.glob("numbers.db*"):
        if not path.name.endswith(".jsonl"):
            yield path.read_bytes()
    with sqlite3.connect(folder / "numbers.db") as db:
        for table in ("counters", "visitors", "shards", "meta"):
            yield from (part for row in db.execute(f"SELECT row, qualifier, value FROM {table}") for part in row)
    db.close()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_visitors_are_named_in_the_rejects_file_only(tmp_path: Path, workers: str) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    store, definitions = f"sqlite:///{tmp_path}/numbers.db", write_definitions(tmp_path / "d.yaml", ORDERS)
    places = ("--store", store, "--definitions", definitions, "--account", "shop")
    environment = {"DAYCOUNT_VISITOR_KEY": KEY, "TMPDIR": str(folder)}
    write_lines(tmp_path / "in.jsonl", [*SOUND, *REJECTED])
    words = ("run", "--input", str(tmp_path / "in.jsonl"), *places, "--workers", workers)
    ran = daycount(*words, environment=environment)
    assert ran.returncode == 0 and "25 events" in ran.stdout, ran.stderr
    asked = daycount("query", "orders", *places, *PLACES, "--dimensions", "context.location.country")
    assert asked.returncode == 0, asked.stderr
    said = "".join((ran.stdout, ran.stderr, asked.stdout, asked.stderr))
    for secret in (MARK, KEY):
        assert secret not in said
        assert not any(secret.encode() in part for part in stored(tmp_path))
        assert not any(secret.encode() in path.read_bytes() for path in folder.rglob("*") if path.is_file())
    kept = kept_rejects(tmp_path / "numbers.db.rejects.jsonl")
    assert len(kept) == len(REJECTED) + 2 and all(MARK in json.dumps(one) or "raw_base64" in one for one in kept)
    assert KEY not in json.dumps(kept)


def test_errors_on_the_way_name_no_visitors(tmp_path: Path) -> None:
    """The store is damaged, too many records are rejected."""
    store, definitions = f"sqlite:///{tmp_path}/numbers.db", write_definitions(tmp_path / "d.yaml", ORDERS)
    write_lines(tmp_path / "in.jsonl", SOUND)
    write_lines(tmp_path / "bad.jsonl", [person(n, timestamp=MARK) for n in range(10_001)])
    SmallRun(store, definitions).run(tmp_path / "in.jsonl")
    with sqlite3.connect(tmp_path / "numbers.db") as db:
        db.execute("UPDATE visitors SET value = x'02'")
    db.close()
    for place, said in ((store, "the store is damaged"), (f"sqlite:///{tmp_path}/other.db", "were rejected")):
        words = (
            "run",
            "--store",
            place,
            "--definitions",
            definitions,
            "--account",
            "shop",
            "--input",
            f"{tmp_path}/bad.jsonl",
        )
        told = refusal(daycount(*words), code=1)
        assert said in told and MARK not in told


@pytest.mark.parametrize(
    "words",
    [
        ("run", "--input", "in.jsonl", "--definitions", f"redis://someone:{PASSWORD}@127.0.0.1:1/0"),
        ("run", "--input", "in.jsonl", "--definitions", f"redis://someone:{PASSWORD}@127.0.0.1:1/x"),
        ("run", "--input", "in.jsonl", "--definitions", f"redis://127.0.0.1:1/0?password={PASSWORD}"),
        ("run", "--input", f"redis://:{PASSWORD}@127.0.0.1:1/0?stream=s", "--definitions", "d.yaml"),
        ("run", "--input", f"amqp://:{PASSWORD}@127.0.0.1:1/0", "--definitions", "d.yaml"),
        ("query", "orders", "--definitions", f"redis://someone:{PASSWORD}@127.0.0.1:1/0"),
        ("define", "list", "--definitions", f"redis://someone:{PASSWORD}@[::1]:1/0"),
    ],
    ids=lambda words: " ".join(words).replace(PASSWORD, "…"),
)
def test_a_password_in_a_url_is_not_repeated(tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "in.jsonl").touch()
    write_definitions(tmp_path / "d.yaml", ORDERS)
    store = () if words[0] == "define" else ("--store", "sqlite:///numbers.db")
    done = daycount(*words, *store, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert PASSWORD not in done.stdout + done.stderr and "Traceback" not in done.stderr
    assert os.listdir(tmp_path) and not any(PASSWORD.encode() in p.read_bytes() for p in tmp_path.iterdir() if p.is_file())

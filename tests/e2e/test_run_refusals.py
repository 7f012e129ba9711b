"""What a user can get wrong with `daycount run`: one line that names the place and the cure, exit 2, soon."""

from __future__ import annotations

import json
import socket
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from tests.support.daycount import Shop, command, daycount, environment_of, refusal, write_definitions, write_lines
from tests.support.own_time import OwnTime
from tests.support.ports import free_port
from tests.support.records import ORDERS, order
from tests.support.small_runs import SmallRun

SOON_S = 10  # what the contract promises
POLL_S = 0.02
VALID = {"account": "shop", "metrics": [ORDERS]}


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    write_lines(tmp_path / "in.jsonl", [order()])
    return Shop(f"sqlite:///{tmp_path}/numbers.db", write_definitions(tmp_path / "d.yaml", ORDERS))


def refused(tmp_path: Path, *words: str, **environment: str) -> str:
    """The line that `daycount run` ends with, within the time promised."""
    run = command("run", *words)
    with subprocess.Popen(
        run, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
        env=environment_of(environment),
    ) as process:  # fmt: skip
        own = OwnTime(process.pid)
        try:
            while own.seconds() < SOON_S and process.poll() is None:
                time.sleep(POLL_S)
            took_s = own.seconds()
        finally:
            process.kill()
        out, err = process.communicate()
    assert took_s < SOON_S, err
    return refusal(subprocess.CompletedProcess(run, process.returncode, out, err))


def options(shop: Shop, **changes: str | None) -> list[str]:
    """The options of a run that would be good, with some changed."""
    folder = Path(shop.definitions).parent
    good = {
        "input": str(folder / "in.jsonl"), "store": shop.store, "definitions": shop.definitions, "account": shop.account,
    }  # fmt: skip
    return [word for name, value in {**good, **changes}.items() if value is not None for word in (f"--{name}", value)]


CASES: dict[str, tuple[dict[str, str | None], str]] = {
    "missing file": ({"input": "none.jsonl"}, "--input none.jsonl: no such file"),
    "glob without a file": ({"input": "none-*.jsonl"}, "--input none-*.jsonl: no such file"),
    "directory": ({"input": "."}, "--input .: a directory; name its files"),
    "unknown kind of input": ({"input": "ftp://h/x"}, "--input ftp://h/x: "),
    "no input": ({"input": None}, "Missing option '--input'"),
    "no store": ({"store": None}, "Missing option '--store'"),
    "unknown kind of store": (
        {"store": "postgres://h/x"},
        "--store postgres://h/x: unknown kind of store; use sqlite://",
    ),
    "store without a scheme": ({"store": "numbers.db"}, "--store numbers.db: unknown kind of store; use sqlite://"),
    "store without a path": ({"store": "sqlite://"}, "--store sqlite://: name a file, as in sqlite:///"),
    "store in no directory": ({"store": "sqlite:////none/x.db"}, "/none/x.db"),
    "store under a file": ({"store": "sqlite:////etc/hostname/x.db"}, "/etc/hostname/x.db"),
    "store where nothing can be written": ({"store": "sqlite:////proc/x.db"}, "/proc/x.db"),
    "store is a directory": ({"store": "sqlite:////tmp"}, "/tmp"),
    "bigtable without an instance": ({"store": "bigtable://p"}, "--store bigtable://p: name project and instance"),
    "missing definitions": ({"definitions": "none.yaml"}, "none.yaml: there is no such file"),
    "definitions of another kind": ({"definitions": "kafka://h/t"}, "--definitions kafka://: write redis://"),
    "no redis there": ({"definitions": "redis://127.0.0.1:1/0"}, "Redis at 127.0.0.1:1 cannot be reached"),
    "no such host": ({"definitions": "redis://nowhere.invalid/0"}, "Redis at nowhere.invalid:6379 cannot be reached"),
    "unknown account": ({"account": "nobody"}, "--account nobody: no definitions of it at"),
    "wrong option": ({"inptu": "x"}, "--inptu"),
    "no shards": ({"shards": "0"}, "--shards 0: use 1 to "),
    "too many shards": ({"shards": "100000"}, "--shards 100000: use 1 to "),
    "shards are no number": ({"shards": "many"}, "'--shards': 'many' is not a valid integer"),
    "no workers": ({"workers": "0"}, "'--workers': 0 is not in the range"),
    "rejects in no directory": ({"rejects": "/none/r.jsonl"}, "--rejects /none/r.jsonl: there is no directory /none"),
    "rejects is a directory": ({"rejects": "/tmp"}, "--rejects /tmp: "),
}


@pytest.mark.parametrize("case", CASES)
def test_wrong_usage_is_refused(tmp_path: Path, shop: Shop, case: str) -> None:
    changes, said = CASES[case]
    assert said in refused(tmp_path, *options(shop, **changes))


def test_a_word_too_many_is_refused(tmp_path: Path, shop: Shop) -> None:
    assert "more.jsonl" in refused(tmp_path, *options(shop), "more.jsonl")
    assert not (tmp_path / "numbers.db.rejects.jsonl").exists()


DEFINITIONS: dict[str, tuple[str, str]] = {
    "no YAML": ("account: [", "line 2"),
    "a tab": ("account: shop\n\tmetrics: []", "line 2"),
    "a list": ("- 1\n- 2\n", "d.yaml"),
    "nothing": ("", "d.yaml"),
    "no account": ("metrics: []", "account"),
    "unknown operator": (
        yaml.safe_dump({**VALID, "metrics": [{**ORDERS, "where": {"a": {"$gtee": 1}}}]}),
        "metrics[0] (orders): where.a.$gtee",
    ),
    "unknown zone": (yaml.safe_dump({**VALID, "settings": {"timezone": "Europe/Oz"}}), "settings.timezone"),
    "sum of nothing": (
        yaml.safe_dump({**VALID, "metrics": [{**ORDERS, "measures": {"s": {"aggregate": "sum"}}}]}),
        "measures.s.field",
    ),
    "two of one id": (yaml.safe_dump({**VALID, "metrics": [ORDERS, ORDERS]}), "orders"),
    "no UTF-8": ("account: \udcff", "d.yaml"),
}


@pytest.mark.parametrize("case", DEFINITIONS)
def test_bad_definitions_are_refused_with_their_place(tmp_path: Path, shop: Shop, case: str) -> None:
    text, said = DEFINITIONS[case]
    (tmp_path / "d.yaml").write_text(text, errors="surrogateescape")
    line = refused(tmp_path, *options(shop))
    assert "d.yaml" in line and said in line
    assert not (tmp_path / "numbers.db").exists()


def test_no_bigtable_there_is_refused(tmp_path: Path, shop: Shop) -> None:
    host = f"127.0.0.1:{free_port()}"
    line = refused(tmp_path, *options(shop, store="bigtable://p/i"), BIGTABLE_EMULATOR_HOST=host)
    assert host in line


def test_a_bigtable_that_does_not_answer_is_refused(tmp_path: Path, shop: Shop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host = f"127.0.0.1:{silent.getsockname()[1]}"
        line = refused(tmp_path, *options(shop, store="bigtable://p/i"), BIGTABLE_EMULATOR_HOST=host)
    assert host in line


def test_a_redis_that_does_not_answer_is_refused(tmp_path: Path, shop: Shop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        where = f"127.0.0.1:{silent.getsockname()[1]}"
        line = refused(tmp_path, *options(shop, definitions=f"redis://{where}/0"))
    assert f"Redis at {where} cannot be reached" in line


def test_a_redis_without_definitions_is_refused(tmp_path: Path, shop: Shop, redis_url: str) -> None:
    line = refused(tmp_path, *options(shop, definitions=redis_url))
    assert "--account shop: no definitions of it" in line and "daycount define push" in line


@pytest.fixture
def begun(shop: Shop) -> Shop:
    """A store that was used with 8 shards."""
    SmallRun(shop.store, shop.definitions).run(Path(shop.definitions).with_name("in.jsonl"))
    return shop


def test_other_shards_than_the_stores_are_refused(tmp_path: Path, begun: Shop) -> None:
    line = refused(tmp_path, *options(begun, shards="16"))
    assert line == "--shards 16: this store was made with 8; leave --shards out"
    assert begun.run(tmp_path / "in.jsonl")["duplicates"] == 1


def test_another_visitor_key_is_refused(tmp_path: Path, begun: Shop) -> None:
    line = refused(tmp_path, *options(begun), DAYCOUNT_VISITOR_KEY="another")
    assert "visitor key" in line and "DAYCOUNT_VISITOR_KEY" in line


def test_a_stores_own_visitor_key_is_asked_for(tmp_path: Path, shop: Shop) -> None:
    first = daycount("run", *options(shop), "--json", environment={"DAYCOUNT_VISITOR_KEY": "ours"})
    again = daycount("run", *options(shop), "--json", environment={"DAYCOUNT_VISITOR_KEY": "ours"})
    assert [json.loads(done.stdout)["duplicates"] for done in (first, again)] == [0, 1]
    assert "DAYCOUNT_VISITOR_KEY" in refused(tmp_path, *options(shop))


def test_another_fanout_is_refused(tmp_path: Path, begun: Shop) -> None:
    write_definitions(tmp_path / "d.yaml", ORDERS, fanout=4)
    line = refused(tmp_path, *options(begun))
    assert line == "settings.fanout of account shop is 4, this store was begun with 8: set it back to 8"


@pytest.mark.parametrize("content", [b"no database at all, but some text" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_file_that_is_no_database_is_refused(tmp_path: Path, shop: Shop, content: bytes) -> None:
    (tmp_path / "numbers.db").write_bytes(content)
    assert "numbers.db" in refused(tmp_path, *options(shop))
    assert (tmp_path / "numbers.db").read_bytes() == content


def test_someone_elses_database_is_refused_and_left_alone(tmp_path: Path, shop: Shop) -> None:
    db = sqlite3.connect(tmp_path / "numbers.db")
    db.execute("CREATE TABLE meta (id INTEGER PRIMARY KEY, name TEXT)")
    db.close()
    assert "numbers.db" in refused(tmp_path, *options(shop))
    db = sqlite3.connect(tmp_path / "numbers.db")
    assert [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")] == ["meta"]
    db.close()


@pytest.mark.parametrize("record", [{"version": 99, "shards": 8, "key_check": "x"}, {"shards": 8}, []])
def test_another_layout_is_refused(tmp_path: Path, begun: Shop, record: object) -> None:
    db = sqlite3.connect(tmp_path / "numbers.db", isolation_level=None)
    db.execute("UPDATE meta SET value = ? WHERE row = ?", (json.dumps(record).encode(), b"layout"))
    db.close()
    line = refused(tmp_path, *options(begun))
    assert "layout" in line and "store" in line


def test_the_store_is_named_where_it_is_the_store_that_is_wrong(tmp_path: Path, shop: Shop) -> None:
    assert "--rejects" not in refused(tmp_path, *options(shop, store="sqlite:////none/x.db"))


def test_a_store_that_goes_away_in_the_middle_ends_with_1_and_one_line(tmp_path: Path, begun: Shop) -> None:
    db = sqlite3.connect(tmp_path / "numbers.db", isolation_level=None)
    db.execute("CREATE TRIGGER full BEFORE INSERT ON counters BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    db.close()
    write_lines(tmp_path / "more.jsonl", [order(messageId="m2")])
    said = refusal(daycount("run", *options(begun, input=str(tmp_path / "more.jsonl"))), code=1)
    assert "disk full" in said
    said = refusal(daycount("run", *options(begun, input=str(tmp_path / "more.jsonl"), workers="2")), code=1)
    assert "disk full" in said


def test_a_password_is_in_no_refusal(tmp_path: Path, shop: Shop, redis_url: str) -> None:
    with_password = redis_url.replace("redis://", "redis://default:secret@")  # taken, whatever it is
    line = refused(tmp_path, *options(shop, definitions=with_password))
    assert "no definitions of it" in line and redis_url in line and "secret" not in line

"""Runs that are ended at any instant and begun again: the numbers are those of an undisturbed run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.store import open_store
from tests.support.daycount import Shop, command, environment_of, refusal
from tests.support.retail import DEFINITIONS, check_everything, retail_files, retail_lines
from tests.support.small_runs import SmallRun

FILES = 1_100  # a chunk is 512 blocks: three chunks, so two places between them
PATIENCE_S = 240


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    """The month in many small files, shuffled by a stride; gives the glob."""
    lines = retail_lines()
    folder = tmp_path / "parts"
    folder.mkdir()
    for n in range(FILES):
        (folder / f"{n:04d}.jsonl").write_bytes(b"".join(line + b"\n" for line in lines[n::FILES]))
    return folder / "*.jsonl"


def begin(shop: Shop, *inputs: str | Path) -> subprocess.Popen[bytes]:
    """A run in a process group of its own."""
    return subprocess.Popen(
        command(*shop.run_words(*inputs)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        env=environment_of(),
    )  # fmt: skip


def await_progress(shop: Shop, run: subprocess.Popen[bytes]) -> None:
    """Until the store says that a chunk was taken."""
    _await(run, lambda: any(dict(cells).get(b"taken") for cells in _scan(shop, "meta", b"progress#").values()))


def await_counters(shop: Shop, run: subprocess.Popen[bytes], rows: int) -> None:
    """Until units have been applied: so many rows of counters."""
    _await(run, lambda: len(_scan(shop, "counters", b"shop#")) >= rows)


def _scan(shop: Shop, table: str, prefix: bytes) -> dict[bytes, list[tuple[bytes, bytes]]]:
    try:
        store = open_store(shop.store)
    except Exception:
        return {}  # not made yet
    try:
        return store.scan(table, prefix)
    finally:
        store.close()


def _await(run: subprocess.Popen[bytes], condition: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not condition():
        assert run.poll() is None, f"the run ended too soon: {run.communicate()}"
        assert time.monotonic() < until
        time.sleep(0.005)


def kill(run: subprocess.Popen[bytes]) -> None:
    """-9 to the driver only; its workers must end by themselves."""
    run.kill()
    run.communicate()
    assert run.returncode == -signal.SIGKILL


def check(shop: Shop) -> None:
    check_everything(SmallRun(shop.store, shop.definitions).query)


@pytest.fixture(params=["sqlite", "bigtable"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Shop:
    store = f"sqlite:///{tmp_path}/n.db" if request.param == "sqlite" else request.getfixturevalue("bigtable_url")
    return Shop(store, DEFINITIONS, extra=("--rejects", str(tmp_path / "rejects.jsonl")))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_told_to_end_keeps_its_chunks_and_is_resumed(tmp_path: Path, parts: Path, number: int) -> None:
    shop = Shop(f"sqlite:///{tmp_path}/n.db", DEFINITIONS)
    run = begin(shop, parts)
    await_progress(shop, run)
    run.send_signal(number)
    out, err = run.communicate(timeout=PATIENCE_S)
    assert (run.returncode, err) == (0, b"")
    first = json.loads(out)
    assert first["interrupted"] and not first["resumed"]
    assert 0 < first["events"] < len(retail_lines())
    second = shop.run(parts)
    assert second["resumed"] and not second["interrupted"]
    assert first["events"] + second["events"] == len(retail_lines())
    assert second["duplicates"] == 0
    check(shop)


def test_ctrl_c_reaches_the_workers_too_and_harms_nothing(tmp_path: Path, parts: Path) -> None:
    shop = Shop(f"sqlite:///{tmp_path}/n.db", DEFINITIONS, extra=("--workers", "2"))
    run = begin(shop, parts)
    await_progress(shop, run)
    os.killpg(run.pid, signal.SIGINT)
    out, err = run.communicate(timeout=PATIENCE_S)
    assert (run.returncode, err) == (0, b"")
    assert json.loads(out)["interrupted"]
    assert shop.run(parts)["resumed"]
    check(shop)


@pytest.mark.parametrize(("shop", "workers"), [("sqlite", "1"), ("bigtable", "2")], indirect=["shop"])
def test_a_run_killed_between_units_is_made_whole_by_the_next(shop: Shop, parts: Path, workers: str) -> None:
    shop = Shop(shop.store, shop.definitions, extra=(*shop.extra, "--workers", workers))
    for rows in (1, 4):
        run = begin(shop, parts)
        await_counters(shop, run, rows)
        kill(run)
    shop.run(parts)
    check(shop)


def test_a_run_killed_after_a_chunk_is_resumed(shop: Shop, parts: Path) -> None:
    run = begin(shop, parts)
    await_progress(shop, run)
    kill(run)
    summary = shop.run(parts)
    assert summary["resumed"] and summary["events"] < len(retail_lines())
    check(shop)


def test_a_run_killed_and_followed_by_one_over_other_files_counts_each_event_once(shop: Shop, parts: Path) -> None:
    run = begin(shop, parts)
    await_counters(shop, run, 1)
    kill(run)
    summary = shop.run(*retail_files())
    assert not summary["resumed"]
    check(shop)


def test_a_worker_that_is_killed_ends_the_run_with_one_line(tmp_path: Path, parts: Path) -> None:
    shop = Shop(f"sqlite:///{tmp_path}/n.db", DEFINITIONS, extra=("--workers", "2"))
    run = begin(shop, parts)
    await_progress(shop, run)
    victim = workers_of(run.pid)[0]
    os.kill(victim, signal.SIGKILL)
    out, err = run.communicate(timeout=PATIENCE_S)
    done = subprocess.CompletedProcess(run.args, run.returncode, out.decode(), err.decode())
    assert "a worker process was ended from outside" in refusal(done, code=1)
    shop.run(parts)
    check(shop)


def workers_of(pid: int) -> list[int]:
    """The worker processes of a run: those that were spawned, by their command line."""
    found = []
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        line = Path(f"/proc/{child}/cmdline").read_bytes()
        if b"spawn_main" in line:
            found.append(int(child))
    return found

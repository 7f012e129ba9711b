"""The retail month through the commands as a user types them, on both stores and both sources of definitions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.daycount import Shop, daycount
from tests.support.retail import DEFINITIONS, FOLDER, check_days, check_everything, retail_files, retail_folder

ORDERS, LINES = 2025, 42_481


def asking(shop: Shop) -> Callable[..., Mapping[str, Any]]:
    """`daycount query` in the form that the checks ask with."""

    def query(*metrics: str, **words: str) -> Mapping[str, Any]:
        options = [part for name, value in words.items() for part in (f"--{name.rstrip('_')}", value)]
        return shop.query(*metrics, *options)

    return query


@pytest.fixture
def sqlite_shop(tmp_path: Path) -> Shop:
    return Shop(f"sqlite:///{tmp_path}/numbers.db", DEFINITIONS)


@pytest.mark.parametrize("workers", [1, 2])
def test_the_month_from_files_into_sqlite(sqlite_shop: Shop, workers: int) -> None:
    shop = Shop(sqlite_shop.store, DEFINITIONS, extra=("--workers", str(workers)))
    summary = shop.run(retail_folder() / "*.jsonl.gz")
    assert (summary["events"], summary["duplicates"], summary["rejects"]) == (ORDERS + LINES, 0, {})
    check_everything(asking(shop))
    again = shop.run(*retail_files())
    assert (again["events"], again["duplicates"], again["resumed"]) == (ORDERS + LINES, summary["hits"], False)
    check_everything(asking(shop))


def test_the_month_with_definitions_from_redis_into_bigtable(tmp_path: Path, redis_url: str, bigtable_url: str) -> None:
    shop = Shop(bigtable_url, redis_url, extra=("--rejects", str(tmp_path / "rejects.jsonl")))
    whole = yaml.safe_load(Path(DEFINITIONS).read_text())
    few = tmp_path / "few.yaml"
    few.write_text(yaml.safe_dump({**whole, "metrics": whole["metrics"][3:]}))
    assert daycount("define", "push", str(few), "--definitions", redis_url).returncode == 0
    shop.run(*retail_files())
    check_days(asking(shop), ("sold", "taken_back", "big"))
    assert daycount("define", "push", DEFINITIONS, "--definitions", redis_url).returncode == 0
    second = Shop(shop.store, redis_url, extra=(*shop.extra, "--workers", "2")).run(*retail_files())
    assert second["hits"] - second["duplicates"] == ORDERS
    check_everything(asking(shop))


def test_standard_input_is_read_to_its_end(sqlite_shop: Shop) -> None:
    orders, lines = (file.read_bytes() for file in retail_files())
    assert sqlite_shop.run("-", stdin=orders)["events"] == ORDERS
    sqlite_shop.run("-", stdin=orders + lines)
    check_everything(asking(sqlite_shop))


def test_two_runs_at_once_on_one_store_count_once(sqlite_shop: Shop) -> None:
    import subprocess

    from tests.support.daycount import command, environment_of

    files = retail_files()
    runs = [
        subprocess.Popen(command(*sqlite_shop.run_words(*inputs)), stdout=subprocess.PIPE, env=environment_of())
        for inputs in (files, files[::-1])
    ]
    said = [run.communicate(timeout=120)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], said
    check_everything(asking(sqlite_shop))


def test_where_the_data_is_absent_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.support.retail.FOLDER", FOLDER / "nowhere")
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="retail month is not on this machine"):
        retail_folder()
    monkeypatch.setenv("CI", "1")
    with pytest.raises(pytest.fail.Exception, match="retail month is not on this machine"):
        retail_folder()

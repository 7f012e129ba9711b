"""What the runbook says of backups: four tables of one moment are restored exactly, four of several moments are not."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from google.cloud.bigtable.data import BigtableDataClient, ReadRowsQuery, RowMutationEntry, SetCell

from pipeline.model.layout import TABLES
from pipeline.store import open_store
from tests.support.daycount import write_definitions, write_lines
from tests.support.records import ORDERS, order
from tests.support.small_runs import SmallRun

PLACE = "bigtable://test-project/test-instance?prefix="


def some_orders(first: int, last: int) -> list[dict[str, Any]]:
    """Orders of six visitors, all on one day."""
    return [order(messageId=f"m{n}", anonymousId=f"v{n % 6}") for n in range(first, last)]


BEFORE, SINCE, LATER, AT_LAST = some_orders(0, 20), some_orders(20, 30), some_orders(30, 40), some_orders(40, 50)


@pytest.fixture
def shop(bigtable_prefix: str, tmp_path: Path) -> SmallRun:
    return SmallRun(PLACE + bigtable_prefix, write_definitions(tmp_path / "shop.yaml", ORDERS))


def run(shop: SmallRun, folder: Path, *orders: list[dict[str, Any]]) -> None:
    """Each is a run of its own, so a unit of each shard."""
    for part in orders:
        shop.run(write_lines(folder / "orders.jsonl", part))


def restored(shop: SmallRun) -> SmallRun:
    """The same on tables of another prefix; they are there, and empty."""
    there = replace(shop, store_url=f"{shop.store_url}r1-")
    open_store(there.store_url, create=True).close()
    return there


def numbers(shop: SmallRun) -> list[Any]:
    rows: list[Any] = shop.query("orders", from_="2026-10-01", to="2026-10-01")["results"]
    return rows


@contextmanager
def tables() -> Iterator[BigtableDataClient]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the client says that it talks to an emulator
        with BigtableDataClient(project="test-project") as client:
            yield client


def copy(shop: SmallRun, there: SmallRun, *names: str) -> None:
    """Tables as they are now, with the cells' timestamps, as a backup has them."""
    with tables() as client:
        for name in names:
            source, target = (
                client.get_table("test-instance", s.store_url.partition("prefix=")[2] + name) for s in (shop, there)
            )
            entries = [
                RowMutationEntry(
                    row.row_key,
                    [SetCell("c", cell.qualifier, cell.value, timestamp_micros=cell.timestamp_micros) for cell in row.cells],
                )
                for row in source.read_rows(ReadRowsQuery())
            ]
            if entries:
                target.bulk_mutate_rows(entries)


def test_tables_copied_at_rest_and_replayed_from_a_little_before_are_exact(shop: SmallRun, tmp_path: Path) -> None:
    there = restored(shop)
    run(shop, tmp_path, BEFORE)
    copy(shop, there, *TABLES)
    run(shop, tmp_path, SINCE, LATER, AT_LAST)
    run(there, tmp_path, [*BEFORE[15:], *SINCE, *LATER], AT_LAST)
    assert numbers(there) == numbers(shop)


@pytest.mark.parametrize(
    "newer",
    [names for n in (1, 2) for names in itertools.combinations(("counters", "visitors"), n)],
    ids="+".join,
)
def test_tables_copied_while_units_are_written_do_not_come_out_exact(
    shop: SmallRun, tmp_path: Path, newer: tuple[str, ...]
) -> None:
    there = restored(shop)
    run(shop, tmp_path, BEFORE)
    copy(shop, there, *(name for name in TABLES if name not in newer))
    run(shop, tmp_path, SINCE, LATER)
    copy(shop, there, *newer)
    run(shop, tmp_path, AT_LAST)
    run(there, tmp_path, [*BEFORE[15:], *SINCE, *LATER, *AT_LAST])
    assert numbers(there) != numbers(shop)

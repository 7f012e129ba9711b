"""The retail month in every order, cut and repetition: each number is that of the truth, to the last decimal."""

from __future__ import annotations

import gzip
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.support.daycount import line_of
from tests.support.retail import DEFINITIONS, check_days, check_everything, retail_files, retail_lines
from tests.support.small_runs import SmallRun

Feed = Callable[[SmallRun, Path], None]


def write(path: Path, lines: list[bytes]) -> Path:
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def both_files(run: SmallRun, tmp_path: Path) -> None:
    run.run(*retail_files())


def the_same_twice(run: SmallRun, tmp_path: Path) -> None:
    first = run.run(*retail_files())
    again = run.run(*retail_files())
    assert first["duplicates"] == 0
    assert (again["new"], again["duplicates"]) == (0, first["hits"])


def shuffled(run: SmallRun, tmp_path: Path) -> None:
    lines = retail_lines()
    random.Random(20101201).shuffle(lines)
    run.run(write(tmp_path / "shuffled.jsonl", lines))


def newest_first(run: SmallRun, tmp_path: Path) -> None:
    run.run(write(tmp_path / "newest.jsonl", retail_lines()[::-1]))


def newest_first_in_small_units(run: SmallRun, tmp_path: Path) -> None:
    run.block_bytes, run.chunk_blocks = 256 * 1024, 1
    newest_first(run, tmp_path)


def in_seven_files(run: SmallRun, tmp_path: Path) -> None:
    lines = retail_lines()
    for n in range(7):
        write(tmp_path / f"part-{n}.jsonl", lines[n::7])
    run.run(tmp_path / "part-*.jsonl")


def half_now_and_half_later(run: SmallRun, tmp_path: Path) -> None:
    lines = retail_lines()
    random.Random(7).shuffle(lines)
    middle = len(lines) // 2
    run.run(write(tmp_path / "later.jsonl", lines[middle:]))
    run.run(write(tmp_path / "now.jsonl", lines[: middle + 500]))


def unpacked(run: SmallRun, tmp_path: Path) -> None:
    run.run(write(tmp_path / "plain.jsonl", retail_lines()))


def packed_again(run: SmallRun, tmp_path: Path) -> None:
    lines = b"\n".join(retail_lines())
    (tmp_path / "packed.jsonl.gz").write_bytes(gzip.compress(lines[:3_000_000]) + gzip.compress(lines[3_000_000:]))
    run.run(tmp_path / "packed.jsonl.gz")


def in_one_block(run: SmallRun, tmp_path: Path) -> None:
    run.block_bytes = 64 * 1024 * 1024
    unpacked(run, tmp_path)


def in_fifty_units(run: SmallRun, tmp_path: Path) -> None:
    run.block_bytes, run.chunk_blocks = 400_000, 1
    unpacked(run, tmp_path)


def with_nothing_held(run: SmallRun, tmp_path: Path) -> None:
    run.held_bytes_max = 0
    in_fifty_units(run, tmp_path)


def under_other_names(run: SmallRun, tmp_path: Path) -> None:
    run.run(*retail_files())
    for file in retail_files():
        shutil.copy(file, tmp_path / f"copy-of-{file.name}")
    run.run(tmp_path / "copy-of-*.gz")


def in_batches(run: SmallRun, tmp_path: Path) -> None:
    lines = retail_lines()
    batches = [b'{"batch":[' + b",".join(lines[at : at + 100]) + b"]}" for at in range(0, len(lines), 100)]
    run.run(write(tmp_path / "batches.jsonl", batches))


def every_line_three_times(run: SmallRun, tmp_path: Path) -> None:
    lines = 3 * retail_lines()
    random.Random(3).shuffle(lines)
    run.block_bytes, run.chunk_blocks = 4_000_000, 1
    run.run(write(tmp_path / "thrice.jsonl", lines))


FEEDS: list[Feed] = [
    both_files, the_same_twice, shuffled, newest_first, newest_first_in_small_units, in_seven_files,
    half_now_and_half_later, unpacked, packed_again, in_one_block, in_fifty_units, with_nothing_held,
    under_other_names, in_batches, every_line_three_times,
]  # fmt: skip
ON_BIGTABLE: list[Feed] = [the_same_twice, newest_first_in_small_units, half_now_and_half_later]


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.__name__)
def test_the_month_comes_out_exactly(feed: Feed, tmp_path: Path) -> None:
    run = SmallRun(f"sqlite:///{tmp_path}/numbers.db", DEFINITIONS)
    feed(run, tmp_path)
    check_everything(run.query)


@pytest.mark.parametrize("feed", ON_BIGTABLE, ids=lambda feed: feed.__name__)
def test_the_month_comes_out_exactly_on_bigtable(feed: Feed, tmp_path: Path, bigtable_url: str) -> None:
    run = SmallRun(bigtable_url, DEFINITIONS)
    feed(run, tmp_path)
    check_everything(run.query)


def test_a_metric_pushed_between_two_runs_is_complete_and_the_others_are_unchanged(tmp_path: Path) -> None:
    whole = yaml.safe_load(Path(DEFINITIONS).read_text())
    few = {**whole, "metrics": [m for m in whole["metrics"] if m["id"] in ("refunded", "sold")]}
    file = tmp_path / "definitions.yaml"
    run = SmallRun(f"sqlite:///{tmp_path}/numbers.db", str(file))
    file.write_bytes(line_of(few))
    run.run(*retail_files())
    check_days(run.query, ("refunded", "sold"))
    file.write_bytes(line_of(whole))
    assert run.run(*retail_files())["new"] > 0
    check_everything(run.query)
    assert run.run(*retail_files())["new"] == 0
    check_everything(run.query)


def test_definitions_that_alternate_count_each_event_once(tmp_path: Path) -> None:
    whole = yaml.safe_load(Path(DEFINITIONS).read_text())
    file = tmp_path / "definitions.yaml"
    run = SmallRun(f"sqlite:///{tmp_path}/numbers.db", str(file))
    for left_out in ("sold", "completed", "big", "sold", "none"):
        file.write_bytes(line_of({**whole, "metrics": [m for m in whole["metrics"] if m["id"] != left_out]}))
        run.run(*retail_files())
    check_everything(run.query)

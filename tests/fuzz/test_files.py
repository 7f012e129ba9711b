"""Hostile files: bombs, other kinds of files, names that are no text, files that shrink. Bounded, and told in a line."""

from __future__ import annotations

import gzip
import os
import socket
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.decode.origin import Span
from pipeline.definitions.validate import parse_account
from pipeline.match.block import BlockMatcher
from pipeline.model.definition import Snapshot
from pipeline.model.errors import RunError, UsageError
from pipeline.model.rejects import RejectReason
from pipeline.sources.blocks import BLOCK_BYTES
from pipeline.sources.files import blocks, find_files
from tests.support.bounded import in_bounds
from tests.support.daycount import Shop, daycount, kept_rejects, refusal, write_definitions, write_lines
from tests.support.records import ORDERS, order
from tests.support.small_runs import SmallRun

GIB = 1 << 30


def bomb(path: Path, piece: bytes, size: int, end: bytes = b"") -> None:
    """A gzip file of a few megabytes that unpacks to so many bytes."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    with path.open("wb") as file:
        for _ in range(size // len(piece)):
            file.write(packer.compress(piece))
        file.write(packer.compress(end) + packer.flush())


def judged(path: Path) -> Iterator[tuple[int, list[RejectReason]]]:
    """(events, reasons of rejects) of each block of a file."""
    snapshot = Snapshot.of([parse_account({"account": "shop", "metrics": [ORDERS]}, strict=True)])
    matcher = BlockMatcher(snapshot, 2, b"key")
    for block in blocks([str(path)], {}):
        matched = matcher.match(block.read(), Span(block.source, block.offset, "shop"), 0)
        yield matched.tally["events"], [reject.reason for reject in matched.rejects]


def judge_a_bomb_without_line_ends() -> None:
    path = Path("zeros.jsonl.gz")
    bomb(path, bytes(1 << 20), GIB, end=b'\n{"event":"Order Completed"}\n')
    assert path.stat().st_size < GIB // 500
    assert [one for one in judged(path) if one != (0, [])] == [(0, [RejectReason.TOO_LARGE]), (1, [])]


def judge_a_bomb_of_line_ends() -> None:
    path = Path("ends.jsonl.gz")
    bomb(path, b"\n" * (BLOCK_BYTES // 4), BLOCK_BYTES // 4, end=b'{"event":"Order Completed"}\n')
    assert [one for one in judged(path) if one != (0, [])] == [(1, [])]


def judge_a_bomb_of_empty_events() -> None:
    path = Path("events.jsonl.gz")
    bomb(path, b"{}\n" * (BLOCK_BYTES // 12), BLOCK_BYTES // 4)
    assert sum(events for events, _ in judged(path)) == BLOCK_BYTES // 12


def judge_a_bomb_within_a_bomb() -> None:
    path = Path("packed.jsonl.gz")
    bomb(path, gzip.compress(bytes(1 << 20)), 1 << 20)
    assert {reason for _, reasons in judged(path) for reason in reasons} <= {RejectReason.NOT_JSON, RejectReason.TOO_LARGE}


TRIALS = {
    judge_a_bomb_without_line_ends: 200,
    judge_a_bomb_of_line_ends: 150,
    judge_a_bomb_of_empty_events: 300,
    judge_a_bomb_within_a_bomb: 200,
}


@pytest.mark.parametrize("trial", TRIALS)
def test_a_file_that_unpacks_to_far_more_than_it_holds_takes_bounded_memory(
    trial: Callable[[], None], tmp_path: Path
) -> None:
    in_bounds(trial, TRIALS[trial], tmp_path)


@pytest.mark.parametrize("kind", ["loop", "dangling", "socket", "folder"])
def test_what_is_no_file_is_refused_by_its_name(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "in.jsonl"
    if kind == "socket":
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(path))
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(path if kind == "loop" else tmp_path / "nowhere")
    with pytest.raises((UsageError, RunError), match=r"in\.jsonl"):
        list(blocks(find_files([str(path)]), {}))


def test_a_file_that_has_become_shorter_is_an_error_and_not_a_loss(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "in.jsonl", [order(messageId=f"m{n}") for n in range(9)])
    found = list(blocks([str(path)], {}, 500))
    os.truncate(path, 700)
    with pytest.raises(OSError, match=r"in\.jsonl has become shorter"):
        [block.read() for block in found]


UNREAD_MAX = 100_000  # so much before the damage is lost, to the next whole line
DAMAGES = {
    "cut short": lambda packed: packed[:-9],
    "only its mark": lambda packed: packed[:2],
    "garbage behind it": lambda packed: packed + b"garbage",
    "a wrong sum": lambda packed: packed[:-8] + bytes(8),
    "garbage in it": lambda packed: packed[:40] + b"\xff" * 20 + packed[60:],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_gzip_file_gives_what_stands_before_the_damage_and_one_line(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "in.jsonl.gz"
    lines = b"".join(b'{"n":%d}\n' % n for n in range(30_000))
    path.write_bytes(DAMAGES[damage](gzip.compress(lines)))
    taken = b""
    with pytest.raises(RunError, match=r"in\.jsonl\.gz: not readable to its end"):
        for block in blocks([str(path)], {}):
            taken += block.read()
    assert lines.startswith(taken)
    if damage in ("garbage behind it", "a wrong sum"):
        assert len(taken) > len(lines) - UNREAD_MAX


def test_names_of_any_bytes_are_counted_and_told(tmp_path: Path) -> None:
    """The places of records name their file, and stand in for the ids of those that have none."""
    folder = os.fsencode(tmp_path)
    for number, name in enumerate([b"\xff\xfe.jsonl", b"a\nb.jsonl", "ü .jsonl".encode(), b"'\".jsonl"]):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(b'{"event":"Order Completed","timestamp":"2026-10-01T12:00:0%dZ"}\n[]\n' % number * 2)
    shop = Shop(f"sqlite:///{tmp_path}/numbers.db", write_definitions(tmp_path / "d.yaml", ORDERS))
    summary = shop.run(tmp_path / "*.jsonl")
    assert (summary["events"], summary["rejects"]) == (8, {"not_an_object": 8})
    again = SmallRun(shop.store, shop.definitions)
    assert again.run(tmp_path / "*.jsonl")["duplicates"] == 8
    [row] = again.query("orders.n", from_="2026-10-01", to="2026-10-01")["results"]
    assert row["metrics"] == [8]
    sources = {kept["source"].rpartition("/")[2] for kept in kept_rejects(tmp_path / "numbers.db.rejects.jsonl")}
    assert {source.partition("@")[0] for source in sources} == {"\\xff\\xfe.jsonl", "a\nb.jsonl", "ü .jsonl", "'\".jsonl"}


def test_an_unreadable_name_is_refused_in_one_line(tmp_path: Path) -> None:
    name = os.fsdecode(os.path.join(os.fsencode(tmp_path), b"no\xff\nsuch"))
    shop = Shop(f"sqlite:///{tmp_path}/numbers.db", write_definitions(tmp_path / "d.yaml", ORDERS))
    assert "no such file" in refusal(daycount("run", "--input", name, *shop.places))

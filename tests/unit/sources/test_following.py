"""Files that grow, come, go and are rotated: whole lines only, each once, whatever name the file has by then."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

from pipeline.model.errors import UsageError
from pipeline.sources.blocks import Block
from pipeline.sources.following import LEAVING_S, FollowedFiles


@dataclass(slots=True)
class Notes:
    """What is remembered, as it was saved last."""

    taken: dict[str, Any] = field(default_factory=dict)
    saved: dict[str, Any] = field(default_factory=dict)
    resumed: bool = False

    def save(self) -> None:
        self.saved = dict(self.taken)

    def finish(self) -> None:
        self.saved = {}


class Follower:
    """One run after the other over the same inputs."""

    def __init__(self, *inputs: Path | str, block_bytes: int = 1000, excluded: tuple[str, ...] = ()) -> None:
        self._inputs = [str(i) for i in inputs]
        self._options: dict[str, Any] = {"block_bytes": block_bytes, "excluded": excluded}
        self.notes = Notes()
        self.now = 0.0
        self.begin()

    def begin(self) -> None:
        """A new process: what was not acknowledged is forgotten."""
        if hasattr(self, "source"):
            self.source.close()
        self.notes = Notes(dict(self.notes.saved))
        self.source = FollowedFiles(self._inputs, self.notes, clock=lambda: self.now, **self._options)
        self._blocks: Iterator[Block | None] = self.source.blocks()

    def new(self, acknowledged: bool = True) -> list[tuple[str, int, bytes]]:
        """(name, offset, line) of all lines until there is nothing new."""
        found = []
        while (block := next(self._blocks)) is not None:
            found.append(block)
        if acknowledged:
            self.source.acknowledge(found)
        return [line for block in found for line in _lines(block)]

    def lines(self, acknowledged: bool = True) -> list[bytes]:
        return [line for _, _, line in self.new(acknowledged)]


def _lines(block: Block) -> Iterator[tuple[str, int, bytes]]:
    at = block.offset
    for line in block.loaded().read().splitlines(keepends=True):
        if line.strip():
            yield os.path.basename(block.source), at, line.rstrip(b"\n")
        at += len(line)


@pytest.fixture
def follow() -> Iterator[Callable[..., Follower]]:
    with ExitStack() as open_ones:

        def begin(*inputs: Path | str, **options: Any) -> Follower:
            follower = Follower(*inputs, **options)
            open_ones.callback(lambda: follower.source.close())
            return follower

        yield begin


Follow = Callable[..., Follower]


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as f:
        f.write(data)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log.jsonl"


@pytest.mark.parametrize("block_bytes", [13, 14, 21, 1000])
def test_what_is_appended_comes_once_and_in_whole_lines(log: Path, block_bytes: int, follow: Follow) -> None:
    follower = follow(log, block_bytes=block_bytes)
    assert follower.lines() == []
    append(log, b"one\ntwo")
    assert follower.new() == [("log.jsonl", 0, b"one")]
    assert follower.lines() == []
    append(log, b" and more")
    assert follower.lines() == []
    append(log, b"\n\nthree\n")
    assert follower.new() == [("log.jsonl", 4, b"two and more"), ("log.jsonl", 18, b"three")]
    assert follower.lines() == []


def test_a_line_longer_than_a_block_does_not_stop_what_follows(log: Path, follow: Follow) -> None:
    follower = follow(log)
    append(log, b"x" * 2_500_000)
    assert follower.lines() == []
    append(log, b"x\nnext\n")
    assert follower.new() == [("log.jsonl", 0, b"x" * 1000), ("log.jsonl", 2_500_002, b"next")]


@pytest.mark.parametrize("block_bytes", [64, 100, 4096])
def test_a_long_file_is_read_when_its_blocks_turn_comes(log: Path, follow: Follow, block_bytes: int) -> None:
    lines = [b"x" * (n % 60) + b"%d" % n for n in range(500)]
    append(log, b"\n".join(lines) + b"\nhalf")
    follower = follow(log, block_bytes=block_bytes)
    blocks = list(takewhile(lambda block: block is not None, follower.source.blocks()))
    assert [block for block in blocks if block.fetch]
    log.rename(log.with_suffix(".1"))
    assert b"".join(block.loaded().read() for block in blocks).splitlines() == lines


def test_a_new_run_goes_on_behind_what_was_acknowledged(log: Path, follow: Follow) -> None:
    follower = follow(log)
    append(log, b"one\n")
    assert follower.lines() == [b"one"]
    append(log, b"two\n")
    assert follower.lines(acknowledged=False) == [b"two"]
    follower.begin()
    assert follower.new() == [("log.jsonl", 4, b"two")]
    follower.begin()
    assert follower.lines() == []


def test_new_files_of_a_directory_are_found_and_other_kinds_of_files_are_not(tmp_path: Path, follow: Follow) -> None:
    follower = follow(tmp_path, excluded=(str(tmp_path / "shop.db.rejects.jsonl"),))
    (tmp_path / "a.jsonl").write_bytes(b"one\n")
    (tmp_path / "shop.db").write_bytes(b"no line\n")
    (tmp_path / "shop.db.rejects.jsonl").write_bytes(b"rejected before\n")
    assert follower.lines() == [b"one"]
    (tmp_path / "b.jsonl").write_bytes(b"two\n")
    (tmp_path / "c.jsonl").mkdir()
    os.mkfifo(tmp_path / "d.jsonl")
    assert follower.lines() == [b"two"]
    (tmp_path / "a.jsonl").unlink()
    assert follower.lines() == []


def test_a_rotated_file_is_read_to_its_end_and_the_new_one_from_its_start(log: Path, follow: Follow) -> None:
    follower = follow(log)
    append(log, b"one\n")
    assert follower.lines() == [b"one"]
    append(log, b"two\n")
    log.rename(log.with_suffix(".1"))
    append(log, b"three is longer\nfour\n")
    append(log.with_suffix(".1"), b"late\nlast")
    assert sorted(follower.lines()) == [b"four", b"late", b"three is longer", b"two"]
    follower.now += LEAVING_S + 1
    assert follower.lines() == [b"last"]
    follower.now += LEAVING_S + 1
    assert follower.lines() == []


def test_a_file_renamed_within_the_glob_is_the_same_file_also_for_the_next_run(tmp_path: Path, follow: Follow) -> None:
    follower = follow(tmp_path / "*")
    append(tmp_path / "log", b"one\n")
    assert follower.lines() == [b"one"]
    append(tmp_path / "log", b"two\n")
    (tmp_path / "log").rename(tmp_path / "log.1")
    append(tmp_path / "log", b"three\n")
    follower.begin()
    found = follower.new()
    assert [line for _, _, line in found] == [b"three", b"two"]
    assert found[1] == ("log", 4, b"two")  # known by the name it had first
    assert found[0][0].startswith("log#")  # another file's records must not have the same places
    (tmp_path / "log.1").rename(tmp_path / "log.2")
    assert follower.lines() == []


@pytest.mark.parametrize("longer", [False, True])
def test_a_file_cut_to_nothing_and_begun_anew_is_another_file(log: Path, longer: bool, follow: Follow) -> None:
    follower = follow(log)
    append(log, b"one\ntwo\n")
    assert len(follower.lines()) == 2
    log.write_bytes(b"new and much longer than before\n" if longer else b"new\n")
    ((name, offset, _),) = follower.new()
    assert offset == 0 and name.startswith("log.jsonl#")


def test_a_file_put_back_as_it_was_has_the_same_places(log: Path, follow: Follow) -> None:
    follower = follow(log)
    append(log, b"one\ntwo\n")
    first = follower.new()
    copy = log.with_suffix(".copy")
    copy.write_bytes(log.read_bytes())
    copy.rename(log)
    follower.begin()
    assert follower.new() == first  # again, and known as duplicates


def test_a_gzip_file_is_read_once_it_is_whole(tmp_path: Path, follow: Follow) -> None:
    follower = follow(tmp_path)
    packed = gzip.compress(b"one\ntwo\n" * 500)
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(packed[:-30])
    assert follower.lines() == [] == follower.lines(acknowledged=False)[1000:]
    path.write_bytes(packed)
    found = follower.lines() + follower.lines()
    assert len(found) <= 1000
    follower.begin()
    assert follower.lines() + follower.lines() == []


def test_more_files_than_are_kept_open_are_all_read(tmp_path: Path, follow: Follow) -> None:
    follower = follow(tmp_path)
    for round_ in range(3):
        for n in range(400):
            append(tmp_path / f"{n}.jsonl", f"{n} {round_}\n".encode())
        assert len(follower.lines()) == 400
    assert follower.source.backlog().amount == 0


def test_what_cannot_be_followed_is_refused(tmp_path: Path, follow: Follow) -> None:
    with pytest.raises(UsageError, match="standard input"):
        follow("-")
